package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

var start = time.Date(2026, 11, 22, 4, 9, 0, 123_000_000, time.UTC)

func atStart() time.Time { return start }

// gate is a store whose Put waits until it is opened, or fails.
type gate struct {
	store.Store
	open chan struct{}
	fail atomic.Bool
	puts atomic.Int64
}

func (g *gate) Put(ctx context.Context, records ...store.Record) error {
	g.puts.Add(1)
	if g.fail.Load() {
		return errors.New("the disk is gone")
	}
	if g.open != nil {
		select {
		case <-g.open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g.Store.Put(ctx, records...)
}

func refusal(id string) Event {
	return Event{ID: id, Tenant: "acme", Time: start, Act: "token.refuse", Actor: "client:postman", Subject: "client:postman",
		Reason: "invalid_client: the secret is wrong", Source: "192.0.2.1"}
}

func TestReq100_a_refusal_is_kept_once_and_found_by_its_request_id(t *testing.T) {
	s := memory.New(atStart)
	l := NewLog(s, slog.New(slog.DiscardHandler))
	for i := range 300 {
		l.Refused(refusal(fmt.Sprintf("request-%03d", i)))
	}
	l.Close()
	for i := range 300 {
		id := fmt.Sprintf("request-%03d", i)
		e, err := Get(context.Background(), s, "acme", id)
		if err != nil {
			t.Fatal(err)
		}
		want := refusal(id)
		if e.ID != id || e.RequestID != id || e.Outcome != Refused || e.Reason != want.Reason || e.Actor != want.Actor || !e.Time.Equal(start) {
			t.Fatalf("kept %+v", e)
		}
	}
	all, _, _, err := Search(context.Background(), s, Query{Tenant: "acme", Limit: 1000})
	if err != nil || len(all) != 300 || all[0].ID != "request-299" || l.Dropped() != 0 {
		t.Fatalf("%d events, newest %q, %d dropped, %v", len(all), all[0].ID, l.Dropped(), err)
	}
	if _, err := Get(context.Background(), s, "other", "request-000"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another tenant found it: %v", err)
	}
}

func TestReq100_refusals_survive_a_restart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenbooth.db")
	s, err := sqlite.Open(sqlite.Options{Path: path, Now: atStart, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	l := NewLog(s, slog.New(slog.DiscardHandler))
	l.Refused(refusal("request-1"))
	l.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = sqlite.Open(sqlite.Options{Path: path, Now: atStart, Create: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, err := Get(context.Background(), s, "acme", "request-1"); err != nil || e.Outcome != Refused {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestRefusalsAreKeptForNinetyDaysAndChangesForGood(t *testing.T) {
	now := start
	s := memory.New(func() time.Time { return now })
	change := refusal("change")
	change.Outcome = Allowed
	refused := refusal("refusal")
	refused.Outcome = Refused
	if err := s.Put(context.Background(), Record(change), Record(refused)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(KeepRefusals)
	if _, err := Get(context.Background(), s, "acme", "refusal"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the refusal is there after 90 days: %v", err)
	}
	if _, err := Get(context.Background(), s, "acme", "change"); err != nil {
		t.Errorf("the change is gone: %v", err)
	}
}

func TestEventsAreFoundBySubjectActorAndPage(t *testing.T) {
	s := memory.New(atStart)
	for i, e := range []Event{
		{Actor: "cli:root", Subject: "client:a"}, {Actor: "cli:root", Subject: "client:b"}, {Actor: "cli:eve", Subject: "client:a"},
	} {
		e.ID, e.Tenant, e.Act, e.Outcome, e.Detail = fmt.Sprintf("%02d", i), "acme", "client.update", Allowed, map[string]string{"n": fmt.Sprint(i)}
		if err := s.Put(context.Background(), Record(e)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Subject: "client:a"}, "02 00"},
		{Query{Actor: "cli:root"}, "01 00"},
		{Query{Actor: "cli:"}, "02 01 00"},
		{Query{Before: "02", Limit: 1}, "01"},
		{Query{Subject: "client:"}, ""},
	} {
		c.q.Tenant = "acme"
		events, _, _, err := Search(context.Background(), s, c.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range events {
			got = append(got, e.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.q, got, c.want)
		}
	}
}

func TestB29_a_flood_of_refusals_fills_the_queue_and_no_more_and_is_counted(t *testing.T) {
	g := &gate{Store: memory.New(atStart), open: make(chan struct{})}
	l := NewLog(g, slog.New(slog.DiscardHandler))
	const flood = queueEvents + 1000
	began := time.Now()
	for i := range flood {
		l.Refused(refusal(fmt.Sprintf("request-%05d", i)))
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("refusing took %v while the store hung", d)
	}
	if d := l.Dropped(); d < 1000-2*batchEvents || d > 1000 {
		t.Errorf("%d dropped of a flood 1000 over the queue", d)
	}
	close(g.open)
	l.Close()
	kept := 0
	for q := (store.Query{Tenant: "acme", Kind: store.Event, Limit: store.MaxLimit}); ; {
		page, err := g.List(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		kept += len(page)
		if len(page) < store.MaxLimit {
			break
		}
		q.After = page[len(page)-1].ID
	}
	if kept+int(l.Dropped()) != flood {
		t.Errorf("%d kept and %d dropped of %d", kept, l.Dropped(), flood)
	}
}

func TestB29_a_flood_is_slowed_to_a_rate_the_disk_can_bear_for_ninety_days(t *testing.T) {
	var p pace
	now := start
	for range keepAtOnce {
		if d := p.after(1, now); d > 0 {
			t.Fatalf("a burst was slowed by %v", d)
		}
	}
	var slept time.Duration
	for range 1000 / batchEvents {
		d := p.after(batchEvents, now)
		slept += d
		now = now.Add(d)
	}
	if want := time.Duration(1000/batchEvents*batchEvents) * time.Second / keepPerSecond; slept != want {
		t.Errorf("1000 more took %v, want %v", slept, want)
	}
	if d := p.after(1, now.Add(time.Hour)); d > 0 {
		t.Errorf("after an hour of peace an event waits %v", d)
	}
}

func TestRefusalsWhoseStoreFailsAreCountedAndTheLogGoesOn(t *testing.T) {
	g := &gate{Store: memory.New(atStart)}
	var lines strings.Builder
	l := NewLog(g, slog.New(slog.NewTextHandler(&lines, nil)))
	g.fail.Store(true)
	l.Refused(refusal("lost"))
	for l.Dropped() == 0 {
		time.Sleep(time.Millisecond)
	}
	g.fail.Store(false)
	l.Refused(refusal("kept"))
	l.Close()
	if _, err := Get(context.Background(), g.Store, "acme", "kept"); err != nil || l.Dropped() != 1 {
		t.Errorf("%v; %d dropped, want 1", err, l.Dropped())
	}
	if !strings.Contains(lines.String(), "refusals were not recorded") {
		t.Errorf("nobody is told: %q", lines.String())
	}
}

func TestTwoRefusalsOfOneRequestLeaveTheFirstAndLoseNoOther(t *testing.T) {
	g := &gate{Store: memory.New(atStart), open: make(chan struct{})}
	l := NewLog(g, slog.New(slog.DiscardHandler))
	l.Refused(refusal("blocks"))
	for g.puts.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	second := refusal("a")
	second.Reason = "second"
	for _, e := range []Event{refusal("a"), refusal("b"), second, refusal("c")} {
		l.Refused(e)
	}
	close(g.open)
	l.Close()
	for _, id := range []string{"blocks", "a", "b", "c"} {
		if e, err := Get(context.Background(), g.Store, "acme", id); err != nil || e.Reason == "second" {
			t.Errorf("%s: %+v, %v", id, e, err)
		}
	}
	if l.Dropped() != 1 {
		t.Errorf("%d dropped, want the second of the two", l.Dropped())
	}
}

func TestARefusalAfterTheEndIsNoPanic(t *testing.T) {
	l := NewLog(memory.New(atStart), slog.New(slog.DiscardHandler))
	l.Close()
	for range queueEvents + 1 {
		l.Refused(refusal("late"))
	}
	if l.Dropped() != 1 {
		t.Errorf("%d dropped", l.Dropped())
	}
}

func TestReq101_names_in_an_event_cannot_break_out_of_it(t *testing.T) {
	s := memory.New(atStart)
	e := refusal("forged")
	e.Reason = "x\",\"outcome\":\"allowed\"}\r\n\x1b[31m{\"act\":\"forged\"}"
	e.Detail = map[string]string{"k\n\"": "\x00\x1b]0;title\a"}
	rec := Record(e)
	for _, c := range rec.Body {
		if c < 0x20 {
			t.Fatalf("a control character in %q", rec.Body)
		}
	}
	if err := s.Put(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	got, err := Get(context.Background(), s, "acme", "forged")
	if err != nil || got.Reason != e.Reason || got.Act != e.Act || got.Detail["k\n\""] != e.Detail["k\n\""] {
		t.Errorf("%+v, %v", got, err)
	}
}
