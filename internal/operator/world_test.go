package operator

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time           { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Microseconds()) }

// watched is a store that counts writes, and fails when it is told to.
type watched struct {
	store.Store
	puts  atomic.Int64
	down  atomic.Bool
	hoard atomic.Bool // deletes nothing
}

var errDisk = errors.New("the disk is gone")

func (s *watched) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	if s.down.Load() {
		return store.Record{}, errDisk
	}
	return s.Store.Get(ctx, tenant, kind, id)
}

func (s *watched) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if s.down.Load() {
		return nil, errDisk
	}
	return s.Store.List(ctx, q)
}

func (s *watched) Put(ctx context.Context, records ...store.Record) error {
	if s.down.Load() {
		return errDisk
	}
	s.puts.Add(1)
	return s.Store.Put(ctx, records...)
}

func (s *watched) Delete(ctx context.Context, tenant string, kind store.Kind, ids ...string) error {
	if s.hoard.Load() {
		return errDisk
	}
	return s.Store.Delete(ctx, tenant, kind, ids...)
}

const (
	consoleURL = "https://desk.example.com"
	password   = oauth.Secret("nine wet umbrellas")
	root       = "cli:root"
)

// home is where requests come from when a test does not say.
var home = From{Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.7")}, Agent: "Browser/1"}

// world is a desk to be tested.
type world struct {
	*Operators
	t     *testing.T
	ctx   context.Context
	clock *clock
	store *watched
	log   *audit.Log
}

func newWorld(t *testing.T) *world { return newWorldAt(t, consoleURL) }

func newWorldAt(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), clock: &clock{}}
	w.clock.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	w.store = &watched{Store: memory.New(w.clock.now)}
	w.log = audit.NewLog(w.store, slog.New(slog.NewTextHandler(io.Discard, nil)))
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	w.Operators, err = New(Options{Store: w.store, Sealer: sealer, Hashing: limit.NewLane(2, 100), Now: w.clock.now, Refusals: w.log, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func must[V any](v V, err error) func(t *testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// is fails the test when an error is not the one it should be.
func is(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("the error is %v, want %v", got, want)
	}
}

// isProblem fails the test when an error is no fault in that field.
func isProblem(t *testing.T, err error, field string) {
	t.Helper()
	if p, ok := errors.AsType[*registry.Problem](err); !ok || p.Field != field {
		t.Errorf("the error is %v, want a problem with %s", err, field)
	}
}

// make registers an operator with a role everywhere.
func (w *world) make(username string, role Role) *Operator {
	w.t.Helper()
	return must(w.Create(w.ctx, root, Operator{Username: username, Name: "N. " + username, Roles: map[string]Role{All: role}}))(w.t)
}

// byLink signs an operator in by a new link.
func (w *world) byLink(op *Operator) (*Session, oauth.Secret) {
	w.t.Helper()
	link, _, err := w.Invite(w.ctx, root, op.ID, time.Hour, true)
	if err != nil {
		w.t.Fatal(err)
	}
	s, cookie, err := w.SignInByLink(w.ctx, link, home)
	if err != nil {
		w.t.Fatal(err)
	}
	return s, cookie
}

// person is an operator with all that a person knows and has.
type person struct {
	*Operator
	totp     oauth.Secret
	recovery []oauth.Secret
}

// enrol makes an owner with a password and one-time codes.
func (w *world) enrol(username string) *person {
	w.t.Helper()
	p := &person{Operator: w.make(username, Owner)}
	s, _ := w.byLink(p.Operator)
	p.totp, _ = must2(w.NewTOTP(p.Operator))(w.t)
	p.recovery = must(w.SetPassword(w.ctx, s, password, p.totp, w.code(p)))(w.t)
	return p
}

func must2[V, W any](v V, x W, err error) func(t *testing.T) (V, W) {
	return func(t *testing.T) (V, W) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v, x
	}
}

// code is the one-time code that a person's app shows now.
func (w *world) code(p *person) oauth.Secret {
	w.t.Helper()
	return oauth.Secret(must(totp.GenerateCode(p.totp.Reveal(), w.clock.now()))(w.t))
}

// next lets time pass until the person's app shows a new code, and returns it.
func (w *world) next(p *person) oauth.Secret {
	w.clock.advance(30 * time.Second)
	return w.code(p)
}

// signIn signs a person in as it should be done.
func (w *world) signIn(p *person) (*Session, oauth.Secret) {
	w.t.Helper()
	s, cookie, err := w.SignIn(w.ctx, p.Username, password, w.next(p), home)
	if err != nil {
		w.t.Fatal(err)
	}
	return s, cookie
}

// events returns the desk's events of an act, the newest first.
func (w *world) events(act string) []audit.Event {
	w.t.Helper()
	all, _, _, err := audit.Search(w.ctx, w.store, audit.Query{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var found []audit.Event
	for _, e := range all {
		if e.Act == act {
			found = append(found, e)
		}
	}
	return found
}

// reasons waits until refusals are written and returns why they were, the newest first.
func (w *world) reasons() []string {
	w.t.Helper()
	w.log.Close()
	var all []string
	for _, e := range w.events("operator.sign-in.refuse") {
		all = append(all, e.Reason)
	}
	return all
}
