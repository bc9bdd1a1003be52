package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How uses are written down: no more than a batch four times a second, so that many clients at work cost a small and even share of the
// store. Marks that nobody moves on, because their client fell silent, are looked at twice a minute.
const (
	useBatch = 100
	useTick  = 250 * time.Millisecond
	useRound = 30 * time.Second
	useLast  = 5 * time.Second // for all that is left when the process ends
)

// useOf names a record of uses.
type useOf struct{ tenant, client, part string }

// useWriter is the one that writes. What could not be written waits, and while it does nothing more is taken: it adds up in the queue
// and in the marks, which are bounded.
type useWriter struct {
	r       *Registry
	waiting map[useOf]*use
	shard   int       // where the present round has got to
	round   time.Time // when it began
	tenants *map[string]*Tenant
}

// WriteUses writes uses down until ctx is done, then what is left. What was counted is in the store two minutes later at most, also of a
// client that fell silent, as long as the store keeps up. One goroutine calls it.
func (r *Registry) WriteUses(ctx context.Context) {
	write := context.WithoutCancel(ctx) // what has been begun is finished
	w := &useWriter{r: r, waiting: map[useOf]*use{}, round: r.now()}
	for tick := time.NewTicker(useTick); ctx.Err() == nil; {
		w.begin(write)
		select { // the first after a quiet moment is written at once
		case n := <-w.r.uses.queue:
			w.add(n)
		case <-tick.C:
		case <-ctx.Done():
		}
		w.collect()
		w.keep(write)
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
		}
	}
	write, cancel := context.WithTimeout(write, useLast)
	defer cancel()
	w.rest(write)
}

// begin notes for new tenants since when uses are noted.
func (w *useWriter) begin(ctx context.Context) {
	tenants := w.r.tenants.Load()
	if tenants == w.tenants {
		return
	}
	for t := range *tenants {
		err := w.r.store.Put(ctx, store.Record{Tenant: t, Kind: store.Use, ID: useID("", sincePart), Body: encode(use{At: w.r.now()})})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return // the next tick tries again
		}
	}
	w.tenants = tenants
}

// collect fills the batch: from the queues, then from the marks when it is their turn.
func (w *useWriter) collect() {
	w.take()
	now := w.r.now()
	if w.shard == 0 {
		if now.Sub(w.round) < useRound {
			return
		}
		w.round = now
	}
	if w.sweep(now, true) {
		w.shard = 0
	}
}

// take fills the batch from the queues.
func (w *useWriter) take() {
	for len(w.waiting) < useBatch {
		select {
		case n := <-w.r.uses.queue:
			w.add(n)
		case n := <-w.r.uses.permissions:
			w.add(n)
		default:
			return
		}
	}
}

// sweep goes on with a round of the marks until the batch is full, and reports whether it has come to the end.
func (w *useWriter) sweep(now time.Time, due bool) bool {
	known := w.r.clients.known
	for ; len(w.waiting) < useBatch && w.shard < len(known.shards); w.shard++ {
		known.each(w.shard, func(it *item[*Client]) {
			eachUse(it, func(m *atomic.Int64) (int64, int64) { return drainMark(m, now.Unix(), due) }, w.add)
		})
	}
	return w.shard == len(known.shards)
}

// rest writes everything that is left, or gives up with the store or the time.
func (w *useWriter) rest(ctx context.Context) {
	w.shard = 0
	for swept := false; ; {
		w.take()
		swept = swept || w.sweep(w.r.now(), false)
		if len(w.waiting) == 0 && swept || w.keep(ctx) != nil {
			return
		}
	}
}

func (w *useWriter) add(n noted) {
	name := useOf{n.tenant, n.client, n.part}
	u := w.waiting[name]
	if u == nil {
		u = &use{}
		w.waiting[name] = u
	}
	u.add(&n)
	if n.count > 0 {
		w.r.uses.busy.count(n.tenant, n.client, dayOf(n.at), uint64(n.count))
	}
}

// keep adds what is waiting to what is written down already. The error is that of the store; what it kept does not wait any more.
func (w *useWriter) keep(ctx context.Context) error {
	var batch []store.Record
	var names []useOf
	for name, u := range w.waiting {
		rec, err := w.r.useRecord(ctx, name, u)
		if err != nil {
			return err
		}
		batch, names = append(batch, rec), append(names, name)
	}
	if len(batch) == 0 {
		return nil
	}
	err := w.r.store.Put(ctx, batch...)
	if err == nil {
		for _, name := range names {
			w.done(name)
		}
		return nil
	}
	if !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("write uses down: %w", err)
	}
	return w.keepEach(ctx, names) // another process notes uses of the same secrets
}

func (w *useWriter) keepEach(ctx context.Context, names []useOf) error {
	for _, name := range names {
		for try := 1; try <= maxTries; try++ {
			rec, err := w.r.useRecord(ctx, name, w.waiting[name])
			if err == nil {
				err = w.r.store.Put(ctx, rec)
			}
			if err == nil {
				w.done(name)
				break
			}
			if !errors.Is(err, store.ErrConflict) {
				return fmt.Errorf("write uses down: %w", err)
			}
		}
	}
	return nil
}

func (w *useWriter) done(name useOf) {
	if name.part != permissionsPart {
		for _, watcher := range w.r.watchers {
			watcher.Used(name.tenant, name.client, w.waiting[name].At)
		}
	}
	delete(w.waiting, name)
}

// useRecord returns what to write: what is written down, and this.
func (r *Registry) useRecord(ctx context.Context, name useOf, u *use) (store.Record, error) {
	id := useID(name.client, name.part)
	rec, err := r.store.Get(ctx, name.tenant, store.Use, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rec, fmt.Errorf("read uses: %w", err)
	}
	var all use
	if err == nil && json.Unmarshal(rec.Body, &all) != nil {
		all = use{} // it counts for less than that the next ones are kept
	}
	all.merge(u)
	return store.Record{Tenant: name.tenant, Kind: store.Use, ID: id, Rev: rec.Rev, Parent: name.client, Expires: all.At.Add(useKept), Body: encode(all)}, nil
}
