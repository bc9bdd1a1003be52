package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// callers is how many goroutines the checks below use: as many as a busy desk.
const callers = 32

// crowd runs call in many goroutines and returns how many calls returned nil, checking that the others got want.
func (d desk) crowd(want error, call func(i int) error) int {
	d.Helper()
	var won atomic.Int64
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range callers {
		wg.Go(func() {
			<-begin
			switch err := call(i); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, want):
				d.Errorf("caller %d: error %v, want %v", i, err, want)
			}
		})
	}
	close(begin)
	wg.Wait()
	return int(won.Load())
}

var sharing = []promise{
	{"of many that create one record, one wins", func(d desk) {
		for round := range 20 {
			id := fmt.Sprint("r", round)
			if n := d.crowd(store.ErrConflict, func(int) error { return d.Put(ctx, rec(id)) }); n != 1 {
				d.Errorf("round %d: %d created the record", round, n)
			}
			d.wantGet(rec(id), 1)
		}
	}},
	{"of many that replace one revision, one wins", func(d desk) {
		d.mustPut(rec("a"))
		for round := range uint64(20) {
			r := d.mustGet("a")
			n := d.crowd(store.ErrConflict, func(i int) error {
				mine := r
				mine.Body = fmt.Appendf(nil, "%d", i)
				return d.Put(ctx, mine)
			})
			if now := d.mustGet("a"); n != 1 || now.Rev != round+2 {
				d.Errorf("round %d: %d won, revision %d", round, n, now.Rev)
			}
		}
	}},
	{"losers of a race leave nothing behind", func(d desk) {
		d.mustPut(rec("contested"))
		n := d.crowd(store.ErrConflict, func(i int) error {
			r := rec("contested")
			r.Rev = 1
			return d.Put(ctx, rec(fmt.Sprint("before", i)), r, rec(fmt.Sprint("after", i)))
		})
		if ids := d.ids(store.Query{}); n != 1 || len(ids) != 3 {
			d.Errorf("%d won; kept %q, want three records", n, ids)
		}
	}},
	{"losers of a race have changed nothing", func(d desk) {
		own := func(i int) store.Record { return rec(fmt.Sprint("own", i)) }
		for i := range callers {
			d.mustPut(own(i))
		}
		won := d.crowd(store.ErrConflict, func(i int) error {
			mine := own(i)
			mine.Rev, mine.Label = 1, "changed"
			return d.Put(ctx, mine, rec("contested"))
		})
		changed := 0
		for i := range callers {
			if r := d.mustGet(own(i).ID); r.Rev != 1 || r.Label != "" {
				changed++
			}
		}
		if won != 1 || changed != 1 {
			d.Errorf("%d won and %d have changed their own record, want one", won, changed)
		}
	}},
	{"no increment is lost", func(d desk) {
		d.mustPut(rec("counter"))
		const each = 10
		d.crowd(nil, func(int) error {
			for done := 0; done < each; {
				r, err := d.Get(ctx, "acme", store.Client, "counter")
				if err != nil {
					return err
				}
				if err = d.Put(ctx, r); err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					return err
				}
			}
			return nil
		})
		d.wantGet(rec("counter"), 1+callers*each)
	}},
	{"what was acknowledged is seen by the next read, whoever reads", func(d desk) {
		n := d.crowd(nil, func(i int) error {
			for j := range 20 {
				r := rec(fmt.Sprintf("%02d-%02d", i, j))
				if err := d.Put(ctx, r); err != nil {
					return err
				}
				if _, err := d.Get(ctx, r.Tenant, r.Kind, r.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if got := len(d.ids(store.Query{Limit: store.MaxLimit})); got != n*20 {
			d.Errorf("%d records, want %d", got, n*20)
		}
	}},
	{"readers beside writers see a put whole or not at all", func(d desk) {
		d.mustPut(rec("a"), rec("b"))
		var done atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for !done.Load() {
					page, err := d.List(ctx, store.Query{Tenant: "acme", Kind: store.Client})
					if err != nil || len(page) != 2 || page[0].Rev != page[1].Rev {
						d.Errorf("List = %+v, %v; want two records of one revision", page, err)
						return
					}
				}
			})
		}
		for rev := uint64(1); rev <= 50; rev++ {
			a, b := rec("a"), rec("b")
			a.Rev, b.Rev = rev, rev
			d.mustPut(a, b)
		}
		done.Store(true)
		wg.Wait()
	}},
	{"writers, losers, sweepers and removers get along, and what is swept is counted once", func(d desk) {
		var swept atomic.Int64
		sweep := func(limit int) error {
			n, err := d.Sweep(ctx, start, limit)
			swept.Add(int64(n))
			return err
		}
		d.mustPut(rec("contested"))
		d.crowd(nil, func(i int) error { return d.mingle(fmt.Sprintf("%02d", i), sweep) })
		if err := sweep(0); err != nil {
			d.Fatal(err)
		}
		if n := swept.Load(); n != callers*10 {
			d.Errorf("%d swept, want %d", n, callers*10)
		}
		d.wantIDs(store.Query{Limit: store.MaxLimit}, "contested")
	}},
	{"a storm of cancelled calls gets nobody else's record, and what a cancelled put would have written is not there", func(d desk) {
		var gone sync.Map
		for i := range callers {
			d.mustPut(rec(fmt.Sprintf("own-%02d", i)))
		}
		d.crowd(nil, func(i int) error { return d.storm(i, &gone) })
		cancelled := 0
		gone.Range(func(id, _ any) bool {
			cancelled++
			d.wantNone(id.(string)+"a", id.(string)+"b")
			return true
		})
		d.Logf("%d puts were cancelled", cancelled)
	}},
	{"any sequence of calls is answered as a plain map would", model},
}

// mingle does ten times everything at once, losing each race for what is contested.
func (d desk) mingle(prefix string, sweep func(limit int) error) error {
	for j := range 10 {
		passing := lasting(fmt.Sprintf("%s-%02d", prefix, j), -time.Second)
		kept := rec("kept-" + passing.ID)
		if err := d.Put(ctx, passing, kept); err != nil {
			return err
		}
		if err := d.Put(ctx, rec("contested")); !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("creating what is there: %w", err)
		}
		if err := sweep(5); err != nil {
			return err
		}
		if err := d.Delete(ctx, kept.Tenant, kept.Kind, kept.ID); err != nil {
			return err
		}
	}
	return nil
}

// storm makes calls whose contexts end at any moment, and notes in gone the pairs that it was not allowed to put.
func (d desk) storm(i int, gone *sync.Map) error {
	own := rec(fmt.Sprintf("own-%02d", i))
	for j := range 200 {
		hurry, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(1000))*time.Microsecond)
		r, err := d.Get(hurry, own.Tenant, own.Kind, own.ID)
		if err == nil && (r.ID != own.ID || string(r.Body) != string(own.Body)) {
			err = fmt.Errorf("asked for %q and got %+v", own.ID, r)
		}
		if err == nil {
			id := fmt.Sprintf("pair-%02d-%03d", i, j)
			if err = d.Put(hurry, rec(id+"a"), rec(id+"b")); err != nil {
				gone.Store(id, nil)
			}
		}
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}
