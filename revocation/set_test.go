package revocation_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/revocation"
)

// token returns the names of a token of its own client and user.
func token(id string) revocation.Names {
	return revocation.NamesOf(id, "f-"+id, "c-"+id, "u-"+id, "k-"+id)
}

func TestReq006_EachKindRefusesWhatItNames(t *testing.T) {
	names := token("1")
	for i, k := range revocation.Kinds() {
		var s revocation.Set
		if _, is := s.Refuses(&names, epoch); is || s.Has(names[i]) || s.Len() != 0 {
			t.Fatal("an empty set refuses")
		}
		e := revocation.Entry{Name: names[i], Until: epoch.Add(time.Hour)}
		if k != revocation.Token && k != revocation.Key {
			e.Before = epoch
		}
		before := s.Version()
		s.Add(epoch, e)
		if s.Version() == before || s.Len() != 1 || !s.Has(names[i]) {
			t.Errorf("%v: version %d, %d entries", k, s.Version(), s.Len())
		}
		for _, age := range []time.Duration{-time.Hour, -time.Millisecond, 0, time.Millisecond, time.Hour} {
			want := e.Before.IsZero() || age <= 0
			if got, is := s.Refuses(&names, epoch.Add(age)); is != want || is && got != k {
				t.Errorf("%v: issued %v after it: %v, %v", k, age, got, is)
			}
		}
		other := token("2")
		if _, is := s.Refuses(&other, epoch); is != (k == revocation.Issuer) {
			t.Errorf("%v: another's token: %v", k, is)
		}
		nameless := revocation.NamesOf("", "", "", "", "")
		if _, is := s.Refuses(&nameless, epoch); is != (k == revocation.Issuer) {
			t.Errorf("%v: a token without names: %v", k, is)
		}
	}
}

func TestOfTwoEntriesOfOneNameTheLaterCountsInAnyOrder(t *testing.T) {
	name := revocation.NameOf(revocation.Client, "portal")
	early := revocation.Entry{Name: name, Before: epoch, Until: epoch.Add(time.Hour)}
	late := revocation.Entry{Name: name, Before: epoch.Add(time.Minute), Until: epoch.Add(2 * time.Hour)}
	for _, order := range [][]revocation.Entry{{early, late}, {late, early}, {late, early, late, early}} {
		var together, apart revocation.Set
		together.Add(epoch, order...)
		for _, e := range order {
			apart.Add(epoch, e)
		}
		for _, s := range []*revocation.Set{&together, &apart} {
			names := revocation.NamesOf("1", "", "portal", "", "")
			_, is := s.Refuses(&names, late.Before)
			if _, after := s.Refuses(&names, late.Before.Add(time.Millisecond)); !is || after || s.Len() != 1 {
				t.Errorf("%v: refused %v, later ones %v, %d entries", order, is, after, s.Len())
			}
			s.Sweep(early.Until)
			if !s.Has(name) {
				t.Error("gone before its time")
			}
		}
	}
}

func TestB29_WhatIsOverIsDroppedAndNothingElse(t *testing.T) {
	var s revocation.Set
	all := entries(5000)
	for i := range all {
		all[i].Until = epoch.Add(time.Duration(i) * time.Second)
	}
	s.Add(epoch, all...)
	if s.Len() != 4999 || s.Has(all[0].Name) {
		t.Errorf("%d entries: one that is over when it comes is not kept", s.Len())
	}
	version := s.Version()
	s.Sweep(epoch.Add(2500 * time.Second))
	if s.Len() != 2499 || s.Has(all[2500].Name) || !s.Has(all[2501].Name) {
		t.Errorf("%d entries after a sweep", s.Len())
	}
	if s.Version() != version {
		t.Error("a sweep makes every token be looked up again")
	}
	s.Add(epoch.Add(2*5000*time.Second), revocation.Entry{Name: all[4999].Name, Until: epoch.Add(3 * 5000 * time.Second)})
	s.Sweep(epoch.Add(2 * 5000 * time.Second))
	if s.Len() != 1 {
		t.Errorf("%d entries at the end", s.Len())
	}
	s.Add(epoch)
	if s.Version() != version+1 {
		t.Error("adding nothing changes the version")
	}
}

// TestReq006_WhoeverSeesTheVersionSeesTheEntries holds the rule that the version is read before the look-up: a reader that saw the
// version of an entry finds the entry, whoever adds and sweeps meanwhile.
func TestReq006_WhoeverSeesTheVersionSeesTheEntries(t *testing.T) {
	const rounds = 2000
	var s revocation.Set
	var added atomic.Int64 // token-n is in the set for every n below it
	all := entries(rounds)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				n := added.Load()
				version := s.Version()
				if version < uint64(n) {
					t.Errorf("version %d after %d additions", version, n)
				}
				if n == 0 {
					continue
				}
				for _, at := range []int64{0, n / 2, n - 1} {
					if !s.Has(all[at].Name) {
						t.Errorf("entry %d of %d is not there", at, n)
					}
				}
				names := token(fmt.Sprint("other-", n))
				if kind, is := s.Refuses(&names, epoch); is {
					t.Errorf("a token that nobody revoked is refused: %v", kind)
				}
			}
		})
	}
	wg.Go(func() {
		for range 50 {
			s.Sweep(epoch)
			runtime.Gosched()
		}
	})
	for i, e := range all {
		s.Add(epoch, e)
		added.Store(int64(i) + 1)
	}
	close(done)
	wg.Wait()
	if s.Len() != rounds {
		t.Errorf("%d entries", s.Len())
	}
}

func TestAHundredThousandEntriesCostAGuardLessThan16MiB(t *testing.T) {
	var before, after runtime.MemStats
	all := entries(100_000)
	runtime.GC()
	runtime.ReadMemStats(&before)
	var s revocation.Set
	for i := 0; i < len(all); i += 100 {
		s.Add(epoch, all[i:i+100]...)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if s.Len() != len(all) {
		t.Errorf("%d entries", s.Len())
	}
	cost := after.HeapAlloc - before.HeapAlloc
	t.Logf("%d entries cost %.1f MiB", s.Len(), float64(cost)/(1<<20))
	if cost > 16<<20 {
		t.Errorf("%d bytes", cost)
	}
	runtime.KeepAlive(all)
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	var s revocation.Set
	s.Add(epoch, entries(1000)...)
	names := token("1")
	if n := testing.AllocsPerRun(100, func() { s.Refuses(&names, epoch); s.Has(names[0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRefuses(b *testing.B) {
	for _, n := range []int{0, 1, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var s revocation.Set
			s.Add(epoch, entries(n)...)
			names := token("1")
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, is := s.Refuses(&names, epoch); is {
						b.Error("refused")
					}
				}
			})
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{0, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var s revocation.Set
			s.Add(epoch, entries(n)...)
			more := entries(n + 1)[n:]
			b.ReportAllocs()
			for b.Loop() {
				s.Add(epoch, more...)
			}
		})
	}
}

func BenchmarkNamesOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		token("1")
	}
}
