package expiry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
)

// world is a store, a clock, a directory that says what expires, and a receiver of warnings.
type world struct {
	t       *testing.T
	at      atomic.Int64
	store   *memory.Store
	entries []directory.Expiry
	log     bytes.Buffer
	server  *httptest.Server

	mu   sync.Mutex
	got  []message
	away bool // the receiver answers 503
}

func newWorld(t *testing.T, entries ...directory.Expiry) *world {
	w := &world{t: t, entries: entries}
	w.at.Store(noon.UnixMicro())
	w.store = memory.New(w.now)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var m message
		if err := json.Unmarshal(text, &m); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, text, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, m)
		if w.away {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) now() time.Time           { return time.UnixMicro(w.at.Load()).UTC() }
func (w *world) advance(by time.Duration) { w.at.Add(by.Microseconds()) }

func (w *world) notifier() *Notifier {
	return &Notifier{Store: w.store, Webhook: Webhook{URL: w.server.URL + "/secret-path", Secret: hookSecret, AllowPrivate: true}, Now: w.now,
		Tenants: func() []string { return []string{"acme"} },
		Expiring: func(_ context.Context, _ string, within time.Duration) (all []directory.Expiry, err error) {
			for _, e := range w.entries {
				if left := e.At.Sub(w.now()); left > 0 && left <= within {
					all = append(all, e)
				}
			}
			return all, nil
		},
		Log: slog.New(slog.NewTextHandler(&w.log, nil))}
}

// turn is what Run does once.
func (w *world) turn(n *Notifier) time.Time {
	n.look(w.t.Context())
	return n.deliver(w.t.Context())
}

// said returns what was received since the last time, in short.
func (w *world) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, m := range w.got {
		out = append(out, fmt.Sprintf("%s %s %d", strings.TrimSuffix(m.Type, ".expiring"), m.ClientID, m.ThresholdDays))
	}
	w.got = nil
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestEachThresholdIsToldOnce: 30, 7 and 1 days ahead, to the hour, of a secret and of a client.
func TestEachThresholdIsToldOnce(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Name: "A", Credential: "c1", At: noon.Add(40 * day)}, directory.Expiry{ID: "b", At: noon.Add(6 * day)},
		directory.Expiry{ID: "b", Credential: "c2", At: noon.Add(6 * day)})
	n := w.notifier()
	want := map[time.Duration]string{0: "client b 7, credential b 7", 5 * day: "client b 1, credential b 1", 10 * day: "credential a 30", 33 * day: "credential a 7",
		39 * day: "credential a 1"}
	for h := time.Duration(0); h < 45*day; h += time.Hour {
		w.turn(n)
		if h%day == 12*time.Hour { // another process, which remembers nothing
			n = w.notifier()
		}
		if got := w.said(); got != want[h] {
			t.Errorf("after %v: told %q, want %q", h, got, want[h])
		}
		w.advance(time.Hour)
	}
}

func TestAWarningSaysWhatExpires(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Name: "Nightly", Credential: "c1", At: noon.Add(6 * day)})
	w.turn(w.notifier())
	w.got[0].ID = ""
	if want := (message{Type: "credential.expiring", Tenant: "acme", ClientID: "a", ClientName: "Nightly", Credential: "c1", ExpiresAt: noon.Add(6 * day),
		ExpiresIn: 6 * 86400, ThresholdDays: 7}); w.got[0] != want {
		t.Errorf("got %+v", w.got[0])
	}
}

// TestAnEndThatIsMovedIsToldAnew: a rotation with overlap brings it near, an extension far.
func TestAnEndThatIsMovedIsToldAnew(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Credential: "c", At: noon.Add(20 * day)})
	n := w.notifier()
	w.turn(n)
	w.entries[0].At = noon.Add(25 * day)
	w.turn(n)
	w.entries[0].At = noon.Add(12 * time.Hour)
	w.turn(n)
	if got := w.said(); got != "credential a 1, credential a 30, credential a 30" {
		t.Error(got)
	}
}

// TestTwoProcessesSendOnce: both look and deliver at the same time, again and again.
func TestTwoProcessesSendOnce(t *testing.T) {
	var entries []directory.Expiry
	for i := range 50 {
		entries = append(entries, directory.Expiry{ID: fmt.Sprintf("c%02d", i), Credential: "x", At: noon.Add(6 * day)})
	}
	w := newWorld(t, entries...)
	var all sync.WaitGroup
	for range 4 {
		n := w.notifier()
		n.Log = slog.New(slog.DiscardHandler)
		all.Go(func() {
			for range 3 {
				w.turn(n)
			}
		})
	}
	all.Wait()
	seen := map[string]int{}
	for _, m := range w.got {
		seen[m.ID]++
	}
	if len(w.got) != 50 || len(seen) != 50 {
		t.Errorf("%d messages about %d credentials, want 50 about 50", len(w.got), len(seen))
	}
}

// TestWhatWasNotDeliveredIsTriedAgain: ever more seldom, with the same id, and no more once it was delivered.
func TestWhatWasNotDeliveredIsTriedAgain(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Credential: "c", At: noon.Add(6 * day)})
	w.away = true
	n := w.notifier()
	var waits []time.Duration
	for range 9 {
		waits = append(waits, w.turn(n).Sub(w.now()))
		w.turn(n) // too early: nothing happens
		w.advance(waits[len(waits)-1])
	}
	want := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}
	if !slices.Equal(waits, want) || len(w.got) != 9 || w.got[0].ID != w.got[8].ID {
		t.Errorf("waited %v; told %d times", waits, len(w.got))
	}
	w.away = false
	if next := w.turn(n); !next.IsZero() || len(w.got) != 10 {
		t.Errorf("again at %v", next)
	}
	w.advance(2 * time.Hour)
	if w.turn(n); len(w.got) != 10 {
		t.Error("told again")
	}
}

// TestAfterADayItIsGivenUp: even when the credential has ended meanwhile; the log and an event say so, without the webhook's address.
func TestAfterADayItIsGivenUp(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Credential: "c", At: noon.Add(12 * time.Hour)})
	w.away = true
	n := w.notifier()
	for range 30 {
		w.turn(n)
		w.advance(time.Hour)
	}
	if got := len(w.got); got != 25 {
		t.Errorf("tried %d times in a day", got)
	}
	events, _, _, err := audit.Search(t.Context(), w.store, audit.Query{Tenant: "acme", Subject: "client:a"})
	if err != nil || len(events) != 1 || events[0].Act != GaveUp || events[0].Detail["credential"] != "c" || !strings.Contains(events[0].Reason, "503") {
		t.Fatalf("%v %+v", err, events)
	}
	if log := w.log.String(); !strings.Contains(log, "for a day") || strings.Contains(log, "secret-path") || strings.Contains(log, hookSecret) {
		t.Error(log)
	}
}

// TestAClaimRunsOut: a process that died while it was sending leaves the warning to the next.
func TestAClaimRunsOut(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Credential: "c", At: noon.Add(6 * day)})
	dead := w.notifier()
	ctx, die := context.WithCancel(t.Context())
	w.server.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the caller has gone
		die()
		<-r.Context().Done()
	})
	dead.look(ctx)
	dead.deliver(ctx)
	w.server.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { w.mu.Lock(); w.got = append(w.got, message{}); w.mu.Unlock() })
	next := w.notifier()
	if w.turn(next); len(w.got) != 0 {
		t.Error("what another has claimed was sent")
	}
	w.advance(lease)
	if w.turn(next); len(w.got) != 1 {
		t.Errorf("sent %d times", len(w.got))
	}
}

// TestAReceiverThatIsAwayIsNotFlooded: three failures end a look.
func TestAReceiverThatIsAwayIsNotFlooded(t *testing.T) {
	var entries []directory.Expiry
	for i := range 100 {
		entries = append(entries, directory.Expiry{ID: fmt.Sprintf("c%02d", i), Credential: "x", At: noon.Add(6 * day)})
	}
	w := newWorld(t, entries...)
	w.away = true
	n := w.notifier()
	w.turn(n)
	if len(w.got) != maxFailures {
		t.Errorf("%d messages to a receiver that is away", len(w.got))
	}
	w.mu.Lock()
	w.away, w.got = false, nil
	w.mu.Unlock()
	w.advance(time.Hour)
	if w.turn(n); len(w.got) != 100 {
		t.Errorf("%d messages when it is back", len(w.got))
	}
}

type failing struct {
	store.Store
	puts atomic.Int32
}

var errDisk = errors.New("the disk is gone")

func (f *failing) Put(ctx context.Context, r ...store.Record) error {
	if f.puts.Add(-1) < 0 {
		return errDisk
	}
	return f.Store.Put(ctx, r...)
}

// TestAStoreThatFailsLosesNoWarning: at whichever write.
func TestAStoreThatFailsLosesNoWarning(t *testing.T) {
	for puts := range int32(4) {
		w := newWorld(t, directory.Expiry{ID: "a", Credential: "c", At: noon.Add(6 * day)})
		n := w.notifier()
		f := &failing{Store: w.store}
		f.puts.Store(puts)
		n.Store = f
		w.turn(n)
		f.puts.Store(100)
		w.advance(time.Hour)
		w.turn(n)
		w.advance(time.Hour)
		w.turn(n)
		if len(w.got) < 1 || len(w.got) > 2 || len(w.got) == 2 && puts != 2 { // sent, but not kept as sent: told twice, with one id
			t.Errorf("%d writes: told %d times", puts, len(w.got))
		}
	}
}

// TestRunEndsWithItsContext, and sends on the way.
func TestRunEndsWithItsContext(t *testing.T) {
	w := newWorld(t, directory.Expiry{ID: "a", Credential: "c", At: noon.Add(6 * day)})
	ctx, stop := context.WithCancel(t.Context())
	n := w.notifier()
	done := make(chan struct{})
	go func() { n.Run(ctx); close(done) }()
	for range 200 {
		if w.said() != "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it did not end")
	}
	bad := w.notifier()
	bad.Webhook.URL = "http://hooks.example/"
	if bad.Run(t.Context()); !strings.Contains(w.log.String(), "no warnings of expiry are sent") {
		t.Error("nothing was said about a webhook that cannot be")
	}
}
