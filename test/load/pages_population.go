//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// population is what a booth knows of that has been at work for years, and how it gets into the store: as the packages that own the
// records keep them, a thousand with each write, from several goroutines.
type population struct {
	pagesOf
	t   *booth
	db  *sqlite.Store
	now time.Time

	operators []string // ids
	clientIDs []string // in the order in which they were made
	users     []string // ids
	password  secret.Hash

	refusal, change, issuance string // ids of events and of a request, to look at
}

// staffSize is how many operators there are.
const staffSize = 20

// staff registers the operators and returns the one-time link of the first.
func (p *population) staff(binary string) (link string, err error) {
	for n := range staffSize {
		name := "boss@example.com"
		if n > 0 {
			name = fmt.Sprintf("operator%d@example.com", n)
		}
		cmd := exec.Command(binary, "operator", "create", name, "--role", "owner", "--json", "-c", p.t.file)
		cmd.Dir, cmd.Stderr = p.t.dir, os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("register an operator: %w", err)
		}
		var made struct {
			ID   string `json:"id"`
			Link string `json:"sign_in_link"`
		}
		if err := json.Unmarshal(text, &made); err != nil || made.Link == "" {
			return "", fmt.Errorf("no link is in %q (%v)", text, err)
		}
		p.operators = append(p.operators, made.ID)
		if n == 0 {
			link = made.Link
		}
	}
	return link, nil
}

// fillAll writes everything.
func (p *population) fillAll() (err error) {
	if p.db, err = sqlite.Open(sqlite.Options{Path: filepath.Join(p.t.dir, "tokenbooth.db"), Now: time.Now, Create: true}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.db.Close()) }()
	p.name()
	for _, part := range []struct {
		what   string
		n      int
		record func(*dice, int) []store.Record
	}{
		{"clients", p.clients, p.clientRecords}, {"users", len(p.users), p.userRecords}, {"chains", p.clients, p.chainRecords},
		{"opaque tokens", p.clients, p.opaqueRecords}, {"events", p.events, p.eventRecords},
	} {
		if err := p.fill(part.what, part.n, part.record); err != nil {
			return err
		}
	}
	if err := p.tally(); err != nil {
		return err
	}
	return p.journal()
}

// name gives clients and users their ids, which others refer to.
func (p *population) name() {
	const years = 3 * 365 * 24 * time.Hour
	step := years / time.Duration(p.clients)
	for n := range p.clients {
		p.clientIDs = append(p.clientIDs, secret.NewID(p.now.Add(-years+time.Duration(n)*step)))
	}
	for range max(100, p.clients/10) {
		p.users = append(p.users, "usr_"+secret.NewID(p.now.Add(-years)))
	}
	p.password = secret.HashPassword("a password that everybody has here")
}

// dice is what chance decides by. A chunk of records has dice of its own, so a store of one size always has the same in it.
//
// What happens within some minutes is the doing of a few: a caller with a wrong secret tries again and again, and a person at work changes
// one thing after the other. (It also lets a thousand events be written in a third of the time.)
type dice struct {
	*rand.Rand
	programs, people, changed []int // actors and clients that have a part in the chunk
}

func (p *population) newDice(chunk int) *dice {
	d := &dice{Rand: rand.New(rand.NewPCG(1, uint64(chunk)))}
	program, person := rand.NewZipf(d.Rand, 1.3, 1, programs-1), rand.NewZipf(d.Rand, 1.5, 1, actors-programs-1)
	for range 24 {
		d.programs = append(d.programs, int(program.Uint64()))
	}
	for range 4 {
		d.people, d.changed = append(d.people, programs+int(person.Uint64())), append(d.changed, d.IntN(p.clients))
	}
	return d
}

// one picks one of them.
func (d *dice) one(of []int) int { return of[d.IntN(len(of))] }

// oneIn reports whether one of n holds.
func (d *dice) oneIn(n int) bool { return d.IntN(n) == 0 }

// fill writes the records of 0 to n-1, and says how far it is.
func (p *population) fill(what string, n int, record func(*dice, int) []store.Record) error {
	const chunk, writers = store.MaxRecords, 4
	var taken, done atomic.Int64
	var once sync.Once
	var failed error
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for {
				first := int(taken.Add(chunk)) - chunk
				if first >= n {
					return
				}
				var records []store.Record
				d := p.newDice(first)
				for i := first; i < min(n, first+chunk); i++ {
					records = append(records, record(d, i)...)
				}
				if err := put(p.db, records); err != nil {
					once.Do(func() { failed = fmt.Errorf("write %s: %w", what, err) })
					taken.Store(int64(n))
					return
				}
				done.Add(int64(min(n, first+chunk) - first))
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for began := time.Now(); ; {
		select {
		case <-ended:
			return failed
		case <-time.After(5 * time.Second):
			fmt.Fprintf(os.Stderr, "        %s of %s %s, %s a second\n", whole(float64(done.Load())), whole(float64(n)), what, whole(float64(done.Load())/time.Since(began).Seconds()))
		}
	}
}
