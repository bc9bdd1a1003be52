package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// A command answers when every server on its folder has heard of what it has changed: who is shown a secret may use it at once, and who
// reads that a client is disabled may rely on it. Servers look for changes twice a second by themselves (package change); what is added
// here is how a command learns that they have looked. It all happens in a folder beside the database:
//
//	ID.here       a server is at work; it holds a lock on the file, which the system lets go of when the process is gone
//	ID.ask        a command wants to know whether all before it was heard
//	ASK.ID.heard  the answer of that server
const (
	hereMark  = ".here"
	askMark   = ".ask"
	heardMark = ".heard"

	hearWithin = 6 * change.Every // how long a command waits at most: a server whose store is away hears of nothing
	hearLook   = 10 * time.Millisecond
)

// serving is the folder in which servers and commands on the same database find one another.
func (s *settings) serving() string { return filepath.Join(s.Data, "serving") }

// presence is a server that commands on the same folder wait for.
type presence struct {
	folder string
	id     string
	lock   *os.File
}

// appear lets commands know that a server is there, before it has read anything. Where the memory is the store, no command can be.
func appear(s *settings) (*presence, error) {
	if s.Store == "memory" {
		return nil, nil
	}
	p := &presence{folder: s.serving(), id: secret.NewID(time.Now())}
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the servers at work: %w", err)
	}
	hidden := filepath.Join(p.folder, p.id) // until it is locked: a file without a lock is one that was left behind
	f, err := os.OpenFile(hidden, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("tell commands that a server is at work: %w", err)
	}
	p.lock = f
	holdFile(f)
	if err := os.Rename(hidden, hidden+hereMark); err != nil {
		return nil, errors.Join(fmt.Errorf("tell commands that a server is at work: %w", err), f.Close(), os.Remove(hidden))
	}
	return p, nil
}

// leave ends the waiting for this server.
func (p *presence) leave() error {
	if p == nil {
		return nil
	}
	return errors.Join(os.Remove(filepath.Join(p.folder, p.id+hereMark)), p.lock.Close())
}

// asked finds the commands that wait, and returns how to tell them. It is change.Ear.Asked.
func (p *presence) asked() (heard func()) {
	if p == nil {
		return func() {}
	}
	questions := namesIn(p.folder, "", askMark)
	return func() {
		for _, q := range questions {
			answer := filepath.Join(p.folder, q+"."+p.id+heardMark)
			if f, err := os.OpenFile(answer, os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
				_ = f.Close()
			}
			if _, err := os.Stat(filepath.Join(p.folder, q)); errors.Is(err, fs.ErrNotExist) {
				_ = os.Remove(answer) // who asked has gone away meanwhile
			}
		}
	}
}

// namesIn returns the names in a folder that begin and end like this; of one that cannot be read, none.
func namesIn(folder, begin, end string) (names []string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), begin) && strings.HasSuffix(e.Name(), end) {
			names = append(names, e.Name())
		}
	}
	return names
}

// awaited is a command's store, and knows whether others have something to hear of.
type awaited struct {
	store.Store
	folder string
	ask    io.Writer // where it is said that a server did not answer
	news   atomic.Bool
}

// Put writes, and remembers that it wrote the note of a change.
func (a *awaited) Put(ctx context.Context, records ...store.Record) error {
	err := a.Store.Put(ctx, records...)
	for i := range records {
		if err == nil && records[i].Kind == store.Change {
			a.news.Store(true)
			break
		}
	}
	return err
}

// settle returns when every server on the folder has heard of what was written, or has had enough time to.
func (a *awaited) settle() {
	if !a.news.CompareAndSwap(true, false) {
		return
	}
	servers := alive(a.folder)
	if len(servers) == 0 {
		return
	}
	question := secret.NewID(time.Now()) + askMark
	at := filepath.Join(a.folder, question)
	f, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		time.Sleep(change.Every + change.Every/2) // without a question, the time it usually takes
		return
	}
	_ = f.Close()
	defer func() {
		_ = os.Remove(at)
		for _, answer := range namesIn(a.folder, question, heardMark) {
			_ = os.Remove(filepath.Join(a.folder, answer))
		}
	}()
	for deadline := time.Now().Add(hearWithin); ; time.Sleep(hearLook) {
		if a.answered(question, servers) {
			return
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(a.ask, "note: what was changed is kept, and a server on this folder has not heard of it yet; it will when it reaches its store again")
			return
		}
	}
}

// answered reports whether each server has answered, or is gone.
func (a *awaited) answered(question string, servers []string) bool {
	for _, id := range servers {
		if !exists(filepath.Join(a.folder, question+"."+id+heardMark)) && held(filepath.Join(a.folder, id+hereMark)) {
			return false
		}
	}
	return true
}

// alive returns the servers at work on a folder, and clears away what those left behind that were killed.
func alive(folder string) (servers []string) {
	for _, name := range namesIn(folder, "", hereMark) {
		if file := filepath.Join(folder, name); held(file) {
			servers = append(servers, name[:len(name)-len(hereMark)])
		} else {
			_ = os.Remove(file)
		}
	}
	return servers
}

// afterwards writes once everybody has heard: nothing that is said of a change is said before it is true everywhere.
type afterwards struct {
	io.Writer
	settle func()
}

// Write settles first.
func (w *afterwards) Write(p []byte) (int, error) {
	w.settle()
	return w.Writer.Write(p)
}
