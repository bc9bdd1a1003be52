package limit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func site(i int) netip.Prefix { return netip.PrefixFrom(stranger(i), 32) }

// busy fills a lane and its queue from one source, each with work of 45 ms.
func busy(t *testing.T, l *Lane, callers int, turn Turn) (full *atomic.Int64) {
	t.Helper()
	full = new(atomic.Int64)
	for range callers {
		go func() {
			if err := l.Do(t.Context(), turn, func() { time.Sleep(45 * time.Millisecond) }); errors.Is(err, ErrFull) {
				full.Add(1)
			}
		}()
	}
	synctest.Wait()
	return full
}

func TestRow6_80CallersOfOneSourceKeepNobodyElseOutOfALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // until all have left
		l := NewLane(2, 64)
		full := busy(t, l, 80, Turn{Source: site(0)})
		if full.Load() != 80-2-64 {
			t.Fatalf("%d were refused", full.Load())
		}
		for i := 1; i <= 20; i++ {
			began := time.Now()
			if err := l.Do(t.Context(), Turn{Source: site(i)}, func() {}); err != nil {
				t.Errorf("source %d: %v", i, err)
			}
			if took := time.Since(began); took > 45*time.Millisecond {
				t.Errorf("source %d waited %v behind those of another", i, took)
			}
			busy(t, l, 4, Turn{Source: site(0)}) // full again
		}
	})
}

func TestRow6_AKnownPlaceComesBeforeAnyNumberOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // until all have left
		l := NewLane(2, 64)
		for i := range 80 { // each from a source of its own
			busy(t, l, 1, Turn{Source: site(i)})
		}
		if err := l.Do(t.Context(), Turn{Source: site(100)}, func() {}); !errors.Is(err, ErrFull) {
			t.Errorf("one more stranger, of whom nobody has more than a place: %v", err)
		}
		began := time.Now()
		if err := l.Do(t.Context(), Turn{Source: site(101), Known: true}, func() {}); err != nil {
			t.Errorf("a known place: %v", err)
		}
		if took := time.Since(began); took > 45*time.Millisecond {
			t.Errorf("a known place waited %v", took)
		}
	})
}

func TestRow6_KnownPlacesShareToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // until all have left
		l := NewLane(1, 8)
		busy(t, l, 20, Turn{Source: site(0), Known: true})
		if err := l.Do(t.Context(), Turn{Source: site(1), Known: true}, func() {}); err != nil {
			t.Errorf("another known place: %v", err)
		}
		busy(t, l, 20, Turn{Source: site(0), Known: true})
		if err := l.Do(t.Context(), Turn{Source: site(2)}, func() {}); !errors.Is(err, ErrFull) {
			t.Errorf("a stranger pushed a known place out: %v", err)
		}
	})
}

func TestRow6_WhoeverStopsWaitingLeavesNoShareBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // until all have left
		l := NewLane(1, 8)
		free := make(chan struct{})
		go func() { _ = l.Do(t.Context(), Turn{}, func() { <-free }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Do(ctx, Turn{Source: site(1)}, func() {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if l.waiting != 0 || len(l.unknown) != 0 {
			t.Errorf("%d wait, %d shares", l.waiting, len(l.unknown))
		}
		close(free)
		synctest.Wait()
		if l.free != 1 {
			t.Errorf("%d workers are free", l.free)
		}
	})
}

func TestRow6_APlaceWhereSomebodySignedInIsKnown(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 6400)
	known := func(k Key, from netip.Addr) bool {
		a, err := g.Begin(t.Context(), k, from)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Void()
		return a.Turn().Known
	}
	if known(ada, home) {
		t.Error("known before anybody signed in")
	}
	guess(t, g, ada, home, false)
	if known(ada, home) {
		t.Error("known by a wrong guess")
	}
	guess(t, g, ada, home, true)
	if !known(ada, home) || !known(Key{Name: "bob"}, home) {
		t.Error("not known where somebody signed in")
	}
	if known(ada, stranger(1)) {
		t.Error("the name alone makes known: that tells who is registered")
	}
	c.advance(knownFor)
	if known(ada, home) {
		t.Error("known for ever")
	}
}

// six is the i-th of many addresses, each in a /64 of its own.
func six(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i), 1})
}

func TestRow7_NoFloodOfMadeUpIdsMakesACountBeForgotten(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 6400)
	for range 10 {
		guess(t, g, ada, home, false)
	}
	for i := range 120_000 {
		k := Key{Tenant: "acme", Kind: "client", Name: fmt.Sprint("made up ", i), Apart: true}
		if i%2 == 0 {
			guess(t, g, k, six(i<<16), false) // a /48 each
		} else {
			g.Failed(k, six(i<<16))
		}
	}
	if ok, wait := guess(t, g, ada, home, true); ok || wait != time.Second {
		t.Errorf("ten wrong guesses are forgotten: checked %v, wait %v", ok, wait)
	}
	apart := 0
	for i := range g.accounts {
		apart += len(g.accounts[i].apart.slots)
	}
	if apart > 6400/apartShare+shards {
		t.Errorf("%d made-up ids are remembered", apart)
	}
}

func TestRow7_WhatIsLockedIsPushedOutLast(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 6400)
	for range 10 {
		guess(t, g, ada, home, false)
	}
	for i := range 300 {
		guess(t, g, Key{Name: fmt.Sprint("sprayed ", i)}, stranger(1), false)
	}
	for i := range 120_000 { // ids that are somebody's, from sources of their own
		guess(t, g, Key{Name: fmt.Sprint("somebody ", i)}, stranger(i+2), false)
	}
	if ok, _ := guess(t, g, ada, home, true); ok {
		t.Error("the count of an account is forgotten")
	}
	if ok, _ := guess(t, g, Key{Name: "one more"}, stranger(1), true); ok {
		t.Error("the count of a source is forgotten")
	}
}

func TestRow7_AllOfAnIPv6SubnetAndSiteIsOneSource(t *testing.T) {
	for _, of := range []struct {
		what  string
		shift int // between one /64 and the next
		want  int
	}{{"a /56", 0, 600}, {"a /48", 8, 1200}} {
		var c clock
		g := NewGuesses(c.now, 100_000)
		checked := 0
		for i := range 20_000 {
			if ok, _ := guess(t, g, Key{Name: fmt.Sprint(i)}, six(i%256<<of.shift), false); ok {
				checked++
			}
		}
		if checked != of.want {
			t.Errorf("%s: %d were checked, want %d", of.what, checked, of.want)
		}
		if n := len(g.sources[0].tried.slots); n > 2000 {
			t.Errorf("%d entries", n)
		}
		if ok, _ := guess(t, g, Key{Name: "x"}, six(1<<16), false); !ok {
			t.Errorf("%s: the next site is refused", of.what)
		}
	}
}

func TestRow7_GuessesThatAreRefusedMakeNoEntry(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	for i := range 100 {
		guess(t, g, ada, stranger(i), false)
	}
	count := func() (n int) {
		for i := range g.sources {
			n += len(g.sources[i].tried.slots)
		}
		return n
	}
	before := count()
	for i := range 10_000 {
		guess(t, g, ada, stranger(i+1000), false)
	}
	if after := count(); after != before {
		t.Errorf("%d sources became %d", before, after)
	}
}
