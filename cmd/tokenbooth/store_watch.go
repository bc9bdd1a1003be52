package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// probeEvery is how often it is seen whether the store can be written, where nothing else was written meanwhile.
const probeEvery = 5 * time.Second

// unwritten is why the store could not be written when that was last tried; nil: it could.
type unwritten struct{ fault atomic.Pointer[error] }

func (u *unwritten) read() error {
	if p := u.fault.Load(); p != nil {
		return *p
	}
	return nil
}

// watchStore tries whether the store can be written, one try at a time, and says in the log when that changes: nobody else may ask. What
// ends all writing until a restart is seen each second.
func (f *front) watchStore(ctx context.Context) {
	var tried time.Time
	for tick := time.NewTicker(sweepEvery); ; {
		err := f.kept.broken()
		if err != nil {
			f.noteStore(err)
		} else if time.Since(tried) >= probeEvery {
			err = f.kept.probe(ctx, probeEvery)
			tried = time.Now()
			if ctx.Err() == nil {
				f.noteStore(err)
			}
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

func (f *front) noteStore(err error) {
	before, now := causeOf(f.unwritten.read()), causeOf(err)
	f.unwritten.fault.Store(&err)
	switch {
	case now == before:
	case err == nil:
		f.log.Info("the store can be written again")
	default:
		f.log.Error("the store has stopped writing", "cause", now, "error", err)
	}
}

// causeOf says in a word why the store cannot be written; nothing: it can.
func causeOf(err error) string {
	if err == nil {
		return ""
	}
	return sqlite.Cause(err)
}

// storeReady reports whether the store answers, and can be written: if not, JWTs are still issued and checked, but nothing can be taken
// back, and whoever watches must hear of it.
func (f *front) storeReady(ctx context.Context) error {
	if err := f.storeFault(); err != nil {
		return fmt.Errorf("the store cannot be written (%s): %w", causeOf(err), err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := f.kept.store.List(ctx, store.Query{Kind: store.Change, Limit: 1})
	return err
}

func (f *front) storeFault() error {
	if err := f.kept.broken(); err != nil {
		return err
	}
	return f.unwritten.read()
}

// countStore publishes whether the store can be written, and why not.
func (f *front) countStore() {
	f.metrics.By("tokenbooth_store_fault", "1 while the store cannot be written for this cause.", "cause", func() map[string]float64 {
		now, all := causeOf(f.storeFault()), map[string]float64{}
		for _, cause := range sqlite.Causes {
			all[cause] = oneIf(cause == now)
		}
		return all
	})
}
