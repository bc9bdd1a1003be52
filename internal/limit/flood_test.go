package limit

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestB29_EveryMapOfGuessesStaysWithinItsCapacity(t *testing.T) {
	var c clock
	const capacity = 6400
	g := NewGuesses(c.now, capacity)
	guess(t, g, ada, home, true)
	for i := range 30_000 {
		k := Key{Tenant: "acme", Kind: "user", Name: fmt.Sprint("made up ", i)}
		guess(t, g, k, stranger(i), i%3 == 0)
		g.Failed(Key{Tenant: "acme", Kind: "client", Name: fmt.Sprint("made up ", i)}, stranger(i+100_000))
		g.Failed(Key{Tenant: "acme", Kind: "client", Name: "one"}, stranger(i))
		if i%100 == 0 {
			guess(t, g, ada, home, true)
		}
	}
	accounts, sources := 0, 0
	for i := range g.accounts {
		s := &g.accounts[i]
		if len(s.tried.slots) > capacity/shards || len(s.entered.slots) > capacity/shards || len(g.sources[i].tried.slots) > capacity/shards {
			t.Errorf("shard %d: %d accounts, %d entered, %d sources, want at most %d of each", i,
				len(s.tried.slots), len(s.entered.slots), len(g.sources[i].tried.slots), capacity/shards)
		}
		for _, a := range s.tried.slots {
			if n := len(a.value.pairs.slots); n > pairsPerAccount {
				t.Errorf("%d sources at one account", n)
			}
		}
		accounts += len(s.tried.slots)
		sources += len(g.sources[i].tried.slots)
	}
	if accounts < capacity*9/10 || sources < capacity*9/10 {
		t.Errorf("only %d accounts and %d sources are remembered", accounts, sources)
	}
	for i := range 100 {
		guess(t, g, ada, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), true)
	}
	near := aroundOf(home)
	as, _ := g.shardsOf(ada, &near)
	if n := len(as.entered.peek(ada).value); n != knownPlaces {
		t.Errorf("%d known places, want %d", n, knownPlaces)
	}
}

func TestB29_WhenEveryCountIsInUseAGuessIsRefusedAndNoCountIsLost(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 1) // one slot a shard
	var held []*Attempt
	refused := 0
	for i := range 1000 {
		a, err := g.Begin(t.Context(), Key{Name: fmt.Sprint(i)}, stranger(i))
		if err != nil {
			refused++
			continue
		}
		held = append(held, a)
	}
	if len(held) > shards || refused == 0 {
		t.Errorf("%d guesses in hand, %d refused, want at most %d in hand", len(held), refused, shards)
	}
	for _, a := range held {
		a.End(false)
		if a.account.held != 0 || a.source[0].held != 0 || a.pairSlot.held != 0 || a.pair.checking != 0 {
			t.Fatal("an ended guess is still held")
		}
	}
}

func TestB29_ASourceAtItsLimitCannotPushOutTheCountsOfOthers(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 6400)
	for range 10 {
		guess(t, g, ada, home, false)
	}
	for i := range 100_000 {
		guess(t, g, Key{Name: fmt.Sprint("made up ", i)}, stranger(1), false)
	}
	if ok, _ := guess(t, g, ada, home, false); ok {
		t.Error("made-up names made the count be forgotten")
	}
}

func TestB24_ATurnThatIsNotTakenGoesToTheNextInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuesses(time.Now, 100_000)
		begin := func(k Key) *Attempt {
			a, err := g.Begin(t.Context(), k, home)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for range 9 {
			begin(ada).End(false)
		}
		last := begin(ada)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			if _, err := g.Begin(ctx, ada, home); err == nil {
				t.Error("the first in line passed a full source")
			}
		}()
		synctest.Wait()
		passed := false
		go func() {
			if a, err := g.Begin(t.Context(), ada, home); err == nil {
				passed = true
				a.End(true)
			}
		}()
		synctest.Wait()

		var others []*Attempt
		for i := range 290 { // with nine wrong guesses and the last one, all that the source may have
			others = append(others, begin(Key{Name: fmt.Sprint(i)}))
		}
		last.Void()
		others = append(others, begin(Key{Name: "quicker"}))
		time.Sleep(2 * time.Second) // the first in line was woken, found the source full, and loses patience
		for _, a := range others {
			a.End(true)
		}
		synctest.Wait()
		if !passed {
			t.Error("the second in line was forgotten")
		}
	})
}

func BenchmarkGuessesThrottledNobody(b *testing.B) {
	g := NewGuesses(time.Now, 100_000)
	for b.Loop() {
		g.Throttled(ada, home)
	}
}

func BenchmarkGuessesThrottledKnownFailures(b *testing.B) {
	g := NewGuesses(time.Now, 100_000)
	g.Failed(ada, home)
	for b.Loop() {
		g.Throttled(ada, home)
	}
}

func BenchmarkGuessesSucceeded(b *testing.B) {
	g := NewGuesses(time.Now, 100_000)
	for b.Loop() {
		g.Succeeded(ada, home)
	}
}

func BenchmarkGuessesBeginEnd(b *testing.B) {
	g := NewGuesses(time.Now, 100_000)
	for b.Loop() {
		a, err := g.Begin(b.Context(), ada, home)
		if err != nil {
			b.Fatal(err)
		}
		a.End(true)
	}
}
