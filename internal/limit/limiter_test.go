package limit

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is a time that stands still until a test moves it.
type clock struct{ offset atomic.Int64 }

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (c *clock) now() time.Time          { return epoch.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func TestLimiterLetsABurstPassAndThenTheRate(t *testing.T) {
	var c clock
	l := NewLimiter(c.now, 100)
	k, r := Key{Tenant: "acme", Kind: "client", Name: "a"}, Rate{PerSecond: 10, Burst: 3}
	for range 3 {
		if _, ok := l.Allow(k, r); !ok {
			t.Fatal("the burst is refused")
		}
	}
	wait, ok := l.Allow(k, r)
	if ok || wait != 100*time.Millisecond {
		t.Fatalf("beyond the burst: %v, %v", wait, ok)
	}
	if _, ok := l.Allow(Key{Tenant: "acme", Kind: "user", Name: "a"}, r); !ok {
		t.Error("another kind shares the count")
	}
	c.advance(wait - 1)
	if _, ok := l.Allow(k, r); ok {
		t.Error("it was let on before Retry-After was over")
	}
	c.advance(1)
	if _, ok := l.Allow(k, r); !ok {
		t.Error("it was refused after Retry-After was over")
	}
	c.advance(time.Hour)
	for range 3 {
		if _, ok := l.Allow(k, r); !ok {
			t.Error("a rested key has less than its burst")
		}
	}
	if _, ok := l.Allow(k, r); ok {
		t.Error("a rested key has more than its burst")
	}
}

func TestNoSpanLetsMoreThanBurstAndRatePass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c clock
		l := NewLimiter(c.now, 10)
		r := Rate{PerSecond: rapid.Float64Range(0.1, 1000).Draw(t, "rate"), Burst: rapid.IntRange(1, 20).Draw(t, "burst")}
		var let []time.Duration
		for _, pause := range rapid.SliceOfN(rapid.IntRange(0, int(2*time.Second)), 1, 200).Draw(t, "pauses") {
			c.advance(time.Duration(pause))
			if wait, ok := l.Allow(Key{Name: "a"}, r); ok {
				let = append(let, time.Duration(c.offset.Load()))
			} else if wait <= 0 {
				t.Fatal("refused without a wait")
			}
		}
		for i := range let {
			for j := i; j < len(let); j++ {
				if most := float64(r.Burst) + (let[j]-let[i]).Seconds()*r.PerSecond + 1e-3; float64(j-i+1) > most {
					t.Fatalf("%d passed where %.3f may", j-i+1, most)
				}
			}
		}
	})
}

func TestOddRatesNeitherOverflowNorBlockForEver(t *testing.T) {
	var c clock
	for _, r := range []Rate{{}, {PerSecond: -1}, {PerSecond: math.NaN(), Burst: 1}, {PerSecond: math.Inf(1)}, {PerSecond: 1e300, Burst: 1}} {
		l := NewLimiter(c.now, 1)
		for range 1000 {
			if _, ok := l.Allow(Key{}, r); !ok {
				t.Fatalf("%v limits", r)
			}
		}
	}
	l := NewLimiter(c.now, 1)
	for _, r := range []Rate{{PerSecond: 1e-300, Burst: math.MaxInt}, {PerSecond: math.SmallestNonzeroFloat64, Burst: 1}, {PerSecond: 1e-9}} {
		l.Allow(Key{}, r)
		if wait, ok := l.Allow(Key{}, r); ok || wait <= 0 || wait > longest {
			t.Errorf("%v: wait %v, %v", r, wait, ok)
		}
	}
	// A key that was held to a slow rate is not held to it once the rate is raised.
	fast := Rate{PerSecond: 1, Burst: 1}
	if wait, _ := l.Allow(Key{}, fast); wait > time.Second {
		t.Errorf("after the rate was raised the wait is %v", wait)
	}
}

func TestReq052_LimiterIsExactUnderConcurrency(t *testing.T) {
	var c clock
	l := NewLimiter(c.now, 100)
	var let atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for range 100 {
				if _, ok := l.Allow(Key{Name: "a"}, Rate{PerSecond: 1, Burst: 500}); ok {
					let.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if let.Load() != 500 {
		t.Errorf("%d passed, want 500", let.Load())
	}
}

func TestB27_NamesWithSeparatorsDoNotShareACount(t *testing.T) {
	var c clock
	l := NewLimiter(c.now, 1000)
	r := Rate{PerSecond: 1, Burst: 1}
	for _, n := range [][3]string{{"a", "b", "c"}, {"ab", "", "c"}, {"", "ab", "c"}, {"a", "bc", ""}, {"a/b", "c", ""},
		{"a", "b/c", ""}, {"a\x00b", "c", ""}, {"a", "b\x00c", ""}} {
		k := Key{Tenant: n[0], Kind: n[1], Name: n[2]}
		if _, ok := l.Allow(k, r); !ok {
			t.Errorf("%v shares another's count", k)
		}
	}
}

func TestB29_LimiterStaysWithinItsCapacityAndForgetsTheIdlestFirst(t *testing.T) {
	var c clock
	l := NewLimiter(c.now, 6400)
	r := Rate{PerSecond: 0.001, Burst: 1}
	busy := Key{Name: "busy"}
	l.Allow(busy, r)
	for i := range 100_000 {
		l.Allow(Key{Name: fmt.Sprint("made up ", i)}, r)
		if _, ok := l.Allow(busy, r); ok {
			t.Fatal("a busy key was forgotten")
		}
	}
	total := 0
	for i := range l.shard {
		n := len(l.shard[i].due.slots)
		if n > 100 {
			t.Errorf("shard %d holds %d keys, want at most 100", i, n)
		}
		total += n
	}
	if total < 6300 {
		t.Errorf("only %d keys are remembered", total)
	}
	if _, ok := l.Allow(Key{Name: "made up 0"}, r); !ok {
		t.Error("the idlest key was not forgotten")
	}
}

func BenchmarkLimiterAllow(b *testing.B) {
	l := NewLimiter(time.Now, 100_000)
	k, r := Key{Tenant: "acme", Kind: "client", Name: "0kf3Zr9bTq81XyA2"}, Rate{PerSecond: 1e6, Burst: 1000}
	for b.Loop() {
		l.Allow(k, r)
	}
}

func BenchmarkLimiterAllowManyKeysParallel(b *testing.B) {
	l := NewLimiter(time.Now, 100_000)
	keys := make([]Key, 10_000)
	for i := range keys {
		keys[i] = Key{Tenant: "acme", Kind: "client", Name: fmt.Sprintf("%016d", i)}
	}
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			l.Allow(keys[i%len(keys)], Rate{PerSecond: 1000, Burst: 1000})
		}
	})
}
