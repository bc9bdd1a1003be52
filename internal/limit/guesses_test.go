package limit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	ada  = Key{Tenant: "acme", Kind: "user", Name: "ada@example.org"}
	home = netip.MustParseAddr("192.0.2.1")
)

// stranger is the i-th of many sources.
func stranger(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
}

// guess makes one guess and reports whether it was checked, and how long to wait when it was not.
func guess(t testing.TB, g *Guesses, k Key, from netip.Addr, right bool) (checked bool, wait time.Duration) {
	t.Helper()
	a, err := g.Begin(t.Context(), k, from)
	if err != nil {
		many, ok := errors.AsType[*TooMany](err)
		if !ok || many.RetryAfter <= 0 || many.RetryAfter > lastWait {
			t.Errorf("Begin: %v", err)
			return false, 0
		}
		return false, many.RetryAfter
	}
	a.End(right)
	return true, 0
}

func TestReq052_AfterTenWrongGuessesFromOneSourceEachFurtherOneMustWaitLonger(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 1000)
	for i := range 10 {
		if checked, _ := guess(t, g, ada, home, false); !checked {
			t.Fatalf("guess %d was refused", i+1)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		want *= time.Second
		checked, wait := guess(t, g, ada, home, true)
		if checked || wait != want {
			t.Fatalf("checked %v, wait %v, want %v", checked, wait, want)
		}
		c.advance(want - 1)
		if checked, _ := guess(t, g, ada, home, true); checked {
			t.Fatal("checked before the wait was over")
		}
		c.advance(1)
		if checked, _ := guess(t, g, ada, home, false); !checked {
			t.Fatal("refused after the wait was over")
		}
	}
	c.advance(lastWait)
	if checked, _ := guess(t, g, ada, home, true); !checked {
		t.Fatal("the right secret was refused after the wait")
	}
	for i := range 10 {
		if checked, _ := guess(t, g, ada, home, false); !checked {
			t.Fatalf("a right guess did not end the row: guess %d was refused", i+1)
		}
	}
}

func TestReq052_AtMost100WrongGuessesInARowAtOneAccountFromAnyNumberOfSources(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	checked := 0
	for i := range 1000 {
		if ok, _ := guess(t, g, ada, stranger(i), false); ok {
			checked++
		}
	}
	if checked != 100 {
		t.Errorf("%d were checked, want 100", checked)
	}
	day := 0
	for range 24 * 60 * 6 {
		c.advance(10 * time.Second)
		if ok, _ := guess(t, g, ada, stranger(day+5000), false); ok {
			day++
		}
	}
	if day > 110 {
		t.Errorf("%d more in the following day, want about 96", day)
	}
}

func TestReq052_OneSourceIsHeldTo300WrongGuessesIn15MinutesOverAllAccounts(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	spray := func() (checked int) {
		for i := range 1000 {
			k := Key{Tenant: "acme", Kind: "user", Name: fmt.Sprint("user ", i)}
			if ok, _ := guess(t, g, k, home, false); ok {
				checked++
			}
		}
		return checked
	}
	if n := spray(); n != 300 {
		t.Errorf("%d were checked, want 300", n)
	}
	if ok, wait := guess(t, g, Key{Name: "x"}, home, true); ok || wait != 15*time.Minute {
		t.Errorf("one more: %v, wait %v", ok, wait)
	}
	if ok, _ := guess(t, g, Key{Name: "x"}, stranger(1), false); !ok {
		t.Error("another source is refused")
	}
	c.advance(15 * time.Minute)
	if n := spray(); n != 300 {
		t.Errorf("%d were checked in the next 15 minutes, want 300", n)
	}
}

func TestReq052_ARightGuessAtOnesOwnAccountDoesNotBuyMoreGuessesAtOthers(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	checked := 0
	for i := range 1000 {
		guess(t, g, Key{Name: "mallory"}, home, true)
		if ok, _ := guess(t, g, Key{Name: fmt.Sprint("victim ", i)}, home, false); ok {
			checked++
		}
	}
	if checked != 300 {
		t.Errorf("%d were checked, want 300", checked)
	}
}

// crowd makes n guesses at once, each checked for a while, and returns how many were checked.
func crowd(t *testing.T, g *Guesses, n int, from func(int) netip.Addr, right bool) int64 {
	var checked atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			a, err := g.Begin(t.Context(), ada, from(i))
			if err != nil {
				if _, ok := errors.AsType[*TooMany](err); !ok {
					t.Error(err)
				}
				return
			}
			defer a.End(false)
			checked.Add(1)
			time.Sleep(45 * time.Millisecond)
			a.End(right)
		})
	}
	wg.Wait()
	return checked.Load()
}

func TestReq052_B24_OfAThousandParallelWrongGuessesNoMoreThanTheLimitAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if n := crowd(t, NewGuesses(time.Now, 1000), 1000, func(int) netip.Addr { return home }, false); n != 10 {
			t.Errorf("from one source %d were checked, want 10", n)
		}
		if n := crowd(t, NewGuesses(time.Now, 100_000), 1000, stranger, false); n != 100 {
			t.Errorf("from 1,000 sources %d were checked, want 100", n)
		}
		known := NewGuesses(time.Now, 100_000)
		guess(t, known, ada, home, true)
		if n := crowd(t, known, 1000, func(int) netip.Addr { return home }, false); n != 10 {
			t.Errorf("from a known source %d were checked, want 10", n)
		}
	})
}

func TestReq052_B24_FiftyParallelRightGuessesAllPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, before := range []int{0, 9} {
			for name, from := range map[string]func(int) netip.Addr{
				"one source":   func(int) netip.Addr { return home },
				"many sources": stranger,
				"five sources": func(i int) netip.Addr { return stranger(i % 5) },
			} {
				g := NewGuesses(time.Now, 100_000)
				for range before {
					guess(t, g, ada, from(0), false)
				}
				if n := crowd(t, g, 50, from, true); n != 50 {
					t.Errorf("%s, %d wrong before: %d passed, want 50", name, before, n)
				}
			}
		}
		if n := crowd(t, NewGuesses(time.Now, 100_000), 250, stranger, true); n != 250 {
			t.Errorf("of 250 from as many sources %d passed", n)
		}
	})
}

func TestB24_WhoeverWaitsIsNotForgottenWhenGuessesAtOtherAccountsHoldTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuesses(time.Now, 100_000)
		var checked atomic.Int64
		var wg sync.WaitGroup
		for i := range 500 { // 25 accounts, one source: the source's 300 and each account's 10 both stand in the way
			wg.Go(func() {
				a, err := g.Begin(t.Context(), Key{Name: fmt.Sprint(i % 25)}, home)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Duration(i%7) * time.Millisecond)
				a.End(true)
				checked.Add(1)
			})
		}
		wg.Wait()
		if checked.Load() != 500 {
			t.Errorf("%d of 500 passed", checked.Load())
		}
	})
}

func TestB25_Req112_AFloodFromManyAddressesDoesNotLockTheOwnerOut(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	guess(t, g, ada, home, true)
	for round := range 200 {
		for i := range 50 {
			guess(t, g, ada, stranger(i), false)
		}
		if ok, _ := guess(t, g, ada, home, true); !ok {
			t.Fatalf("round %d: the owner was refused at home", round)
		}
		c.advance(time.Minute)
	}
	// From a new address the owner has to wait, but not for ever, and that address is then known too.
	office := netip.MustParseAddr("2001:db8:1:2:3::4")
	ok, wait := guess(t, g, ada, office, true)
	if ok || wait > lastWait {
		t.Fatalf("from a new address: %v, wait %v", ok, wait)
	}
	c.advance(wait)
	if ok, _ := guess(t, g, ada, office, true); !ok {
		t.Fatal("refused after the wait")
	}
	for i := range 500 {
		guess(t, g, ada, stranger(i), false)
	}
	if ok, _ := guess(t, g, ada, netip.MustParseAddr("2001:db8:1:2::99"), true); !ok {
		t.Error("another address of a known /64 was refused")
	}
}

func TestReq112_AKnownSourceIsStillHeldToItsOwnTenGuesses(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	guess(t, g, ada, home, true)
	checked := 0
	for i := range 1000 {
		if ok, _ := guess(t, g, ada, home, false); ok {
			checked++
		}
		guess(t, g, ada, stranger(i), false) // a flood from elsewhere must not make the count of home be forgotten
	}
	if checked != 10 {
		t.Errorf("%d were checked, want 10", checked)
	}
}

func TestReq112_ASourceIsKnownFor30Days(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	guess(t, g, ada, home, true)
	c.advance(knownFor - 1)
	for i := range 200 {
		guess(t, g, ada, stranger(i), false)
	}
	if ok, _ := guess(t, g, ada, home, false); !ok {
		t.Error("refused within 30 days")
	}
	c.advance(1)
	if ok, _ := guess(t, g, ada, home, true); ok {
		t.Error("still known after 30 days without a right guess")
	}
}

func TestWaitingEndsWithTheContextAndPassesTheTurnOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuesses(time.Now, 1000)
		var held []*Attempt
		for range 10 {
			a, err := g.Begin(t.Context(), ada, home)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, a)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Begin(ctx, ada, home); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("waiting in vain: %v", err)
		}
		var passed atomic.Int64
		for range 5 {
			go func() {
				if a, err := g.Begin(t.Context(), ada, home); err == nil {
					passed.Add(1)
					a.End(true)
				}
			}()
		}
		synctest.Wait()
		if passed.Load() != 0 {
			t.Error("somebody did not wait")
		}
		held[0].Void() // as when the store could not be asked
		synctest.Wait()
		if passed.Load() != 5 {
			t.Errorf("%d of 5 passed once there was room", passed.Load())
		}
		for _, a := range held {
			a.Void()
			a.End(false) // comes second and counts for nothing
		}
		if _, yes := g.Throttled(ada, home); yes {
			t.Error("voided guesses count")
		}
	})
}

func TestReq052_SecretsTooRandomToGuessAreThrottledByClientAndSource(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 100_000)
	client := Key{Tenant: "acme", Kind: "client", Name: "a"}
	for i := range 10 {
		if wait, yes := g.Throttled(client, home); yes || wait != 0 {
			t.Fatalf("throttled after %d", i)
		}
		g.Failed(client, home)
	}
	if wait, yes := g.Throttled(client, home); !yes || wait != time.Second {
		t.Errorf("after 10: %v, %v", wait, yes)
	}
	if _, yes := g.Throttled(client, stranger(1)); yes {
		t.Error("the client is shut out from other sources")
	}
	if _, yes := g.Throttled(Key{Tenant: "acme", Kind: "client", Name: "b"}, home); yes {
		t.Error("another client is shut out at the source")
	}
	c.advance(time.Second)
	if _, yes := g.Throttled(client, home); yes {
		t.Error("throttled after the wait")
	}
	g.Succeeded(client, home)
	g.Failed(client, home)
	if _, yes := g.Throttled(client, home); yes {
		t.Error("a right secret did not end the row")
	}
	for i := range 300 {
		g.Failed(Key{Tenant: "acme", Kind: "client", Name: fmt.Sprint("guess ", i)}, home)
	}
	if wait, yes := g.Throttled(client, home); !yes || wait > 15*time.Minute {
		t.Errorf("a source that tries many clients: %v, %v", wait, yes)
	}
}

func TestAClientThatFirstTriesAnotherWayIsNotShutOut(t *testing.T) {
	var c clock
	g := NewGuesses(c.now, 1000)
	client := Key{Tenant: "acme", Kind: "client", Name: "connector"}
	for range 200 {
		g.Failed(client, home)
		if _, yes := g.Throttled(client, home); yes {
			t.Fatal("the second way was not even tried")
		}
		g.Succeeded(client, home)
		c.advance(15 * time.Minute)
	}
}

func TestPlacesAreAddressesOfIPv4And64sOfIPv6(t *testing.T) {
	same := func(a, b string) bool { return Place(netip.MustParseAddr(a)) == Place(netip.MustParseAddr(b)) }
	if !same("2001:db8::1", "2001:db8::ffff:0:0:2") || same("2001:db8::1", "2001:db8:0:1::1") || !same("192.0.2.1", "::ffff:192.0.2.1") ||
		same("192.0.2.1", "192.0.2.2") || !same("fe80::1%eth0", "fe80::1%eth1") || Place(netip.Addr{}).IsValid() {
		t.Error("addresses are put into the wrong places")
	}
}
