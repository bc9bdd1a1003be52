package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Bounds of the journal's memory, and how long a line may wait for the disk.
const (
	flushEvery   = 250 * time.Millisecond
	journalBytes = 8 << 20
)

// Issuance is one token given out.
type Issuance struct {
	Time      time.Time
	Tenant    string
	RequestID string
	Dialect   string
	Grant     string
	ClientID  string
	Subject   string
	Scope     string
	TokenID   string
	Expires   time.Time
	Source    netip.Addr
}

// Journal is the append-only book of issuances: one file a day, issued-2026-11-22.jsonl, one JSON object a line.
//
// A line is in memory when Write returns and in the file within a quarter of a second; a crash of the machine may lose that last
// quarter. When the disk does not take lines, they wait in 8 MiB of memory, and what comes after is counted as lost. A line is never
// divided between two files, and one that a crash cut off is ended before the next begins. A file that is moved away is left, at the next
// flush, for a new one of its name.
type Journal struct {
	dir  string
	now  func() time.Time
	log  *slog.Logger
	lost atomic.Uint64

	mu      sync.Mutex // guards pending and taken; held only to append
	pending []byte
	taken   int // bytes that the flusher has and may bring back

	// Only the flusher touches these.
	file    *os.File
	day     string
	torn    bool // the file ends in the middle of a line
	failing bool
	spare   []byte

	stop chan struct{}
	held func() bool   // says when lines are to wait, because the disk's room is another's; nil: never
	anew chan struct{} // has something in it when the file is to be opened anew
	done sync.WaitGroup
}

// OpenJournal starts a journal in dir, which it makes with mode 0700 where it is missing. Close ends it.
func OpenJournal(dir string, now func() time.Time, log *slog.Logger) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the journal's folder: %w", err)
	}
	j := &Journal{dir: dir, now: now, log: log, stop: make(chan struct{}), anew: make(chan struct{}, 1)}
	if err := j.open(); err != nil {
		return nil, err
	}
	j.done.Go(j.flushLoop)
	return j, nil
}

// Write appends an issuance. It does not wait for the disk.
func (j *Journal) Write(i *Issuance) {
	j.mu.Lock()
	if len(j.pending)+j.taken > journalBytes {
		j.mu.Unlock()
		j.lost.Add(1)
		return
	}
	j.pending = i.append(j.pending)
	j.mu.Unlock()
}

// Reopen has the file of today opened anew before the next line: for who rotates files and says so by a signal. One that was moved away,
// deleted or cut to nothing is noticed without it.
func (j *Journal) Reopen() {
	select {
	case j.anew <- struct{}{}:
	default: // it is about to be
	}
}

// HoldWhile has lines wait in memory, as on a disk that does not take them, while held says so. It is to be called before the first Write.
func (j *Journal) HoldWhile(held func() bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.held = held
}

// PruneJournal removes from the journal in dir the files of days that ended before a time. What was rotated under another name stays: it is
// kept by whoever rotates.
func PruneJournal(dir string, before time.Time) error {
	files, err := filepath.Glob(filepath.Join(dir, "issued-*.jsonl"))
	if err != nil {
		return fmt.Errorf("look for the journal: %w", err)
	}
	var errs []error
	for _, file := range files {
		day, err := time.Parse("issued-"+time.DateOnly+".jsonl", filepath.Base(file))
		if err == nil && !day.Add(24*time.Hour).After(before) {
			errs = append(errs, os.Remove(file))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove old days of the journal: %w", err)
	}
	return nil
}

// Lost returns how many issuances did not reach the file.
func (j *Journal) Lost() uint64 { return j.lost.Load() }

// Close writes what is pending, to the disk, and ends the journal. What is written after it is lost.
func (j *Journal) Close() error {
	close(j.stop)
	j.done.Wait()
	j.mu.Lock()
	left := bytes.Count(j.pending, []byte{'\n'})
	j.mu.Unlock()
	j.lost.Add(uint64(left))
	err := errors.Join(j.file.Sync(), j.file.Close())
	if left > 0 {
		err = errors.Join(err, fmt.Errorf("%d issuances could not be written", left))
	}
	if err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

func (j *Journal) flushLoop() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			j.flush()
		case <-j.stop:
			j.flush()
			return
		}
	}
}

// flush moves the pending lines to the file. What cannot be written goes back in front of what came meanwhile.
func (j *Journal) flush() {
	j.mu.Lock()
	if j.held != nil && j.held() {
		j.mu.Unlock()
		return
	}
	lines := j.pending
	j.pending, j.taken = j.spare[:0], len(lines)
	j.mu.Unlock()
	j.spare = lines
	n, err := j.put(lines)
	j.mu.Lock()
	j.taken = 0
	if n < len(lines) {
		j.pending = append(append([]byte(nil), lines[n:]...), j.pending...)
	}
	j.mu.Unlock()
	if err != nil && !j.failing { // said once: it is tried four times a second
		j.log.Error("the journal of issuances cannot be written; lines wait in memory", "dir", j.dir, "error", err)
	}
	j.failing = err != nil
}

// put writes lines to today's file and returns how many bytes it took. The rest of a torn line goes where its beginning is.
func (j *Journal) put(lines []byte) (int, error) {
	if len(lines) == 0 {
		return 0, nil
	}
	if !j.torn {
		if err := j.open(); err != nil {
			return 0, err
		}
	}
	n, err := j.file.Write(lines)
	if n > 0 {
		j.torn = lines[n-1] != '\n'
	}
	return n, err
}

// open makes sure that the file of today, by its name, is the one written to.
func (j *Journal) open() error {
	day := j.now().UTC().Format(time.DateOnly)
	name := filepath.Join(j.dir, "issued-"+day+".jsonl")
	select {
	case <-j.anew:
	default:
		if j.file != nil && day == j.day && j.named(name) {
			return nil
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	if err := endLine(f); err != nil {
		return fmt.Errorf("open the journal: %w", errors.Join(err, f.Close()))
	}
	if j.file != nil {
		_ = j.file.Close() // every line in it was handed to the system already
	}
	j.file, j.day = f, day
	return nil
}

// named reports whether the open file is the one of this name: another program may have moved it away, to rotate it. A file that was copied
// and then cut to nothing is the same one, and lines that are appended go to its new end.
func (j *Journal) named(name string) bool {
	there, err := os.Stat(name)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // what cannot be looked at is written to as before
	}
	ours, err := j.file.Stat()
	return err == nil && os.SameFile(there, ours)
}

// endLine ends the line that a crash has cut off.
func endLine(f *os.File) error {
	at, err := f.Stat()
	if err != nil || at.Size() == 0 {
		return err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], at.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte{'\n'})
	return err
}

// append writes the line of an issuance. Names are quoted as JSON, so that none can forge a line.
func (i *Issuance) append(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = i.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, '"')
	for _, f := range [...]struct{ name, value string }{
		{"tenant", i.Tenant}, {"request_id", i.RequestID}, {"dialect", i.Dialect}, {"grant", i.Grant}, {"client_id", i.ClientID},
		{"subject", i.Subject}, {"scope", i.Scope}, {"token_id", i.TokenID},
	} {
		if f.value == "" {
			continue
		}
		b = append(b, `,"`...)
		b = append(b, f.name...)
		b = append(b, `":`...)
		b = oauth.AppendJSON(b, f.value)
	}
	if i.Source.IsValid() {
		b = append(b, `,"source":"`...)
		b = append(i.Source.AppendTo(b), '"')
	}
	b = append(b, `,"expires":`...)
	b = strconv.AppendInt(b, i.Expires.Unix(), 10)
	return append(b, '}', '\n')
}
