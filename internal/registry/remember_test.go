package registry

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// follow lets a registry hear of what others change on its store, until the test ends.
func follow(t *testing.T, r *Registry) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		change.Follow(ctx, r.store, r.now, change.Ear{
			Heard: func(_ context.Context, kind store.Kind, tenant, id string) error {
				r.Heard(kind, tenant, id)
				return nil
			},
			Missed: func(context.Context) error { r.Missed(); return nil },
		})
	})
	t.Cleanup(func() { cancel(); done.Wait() })
}

// within waits until something has happened, and no longer than a second.
func within1s(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for began := time.Now(); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Second {
			t.Fatalf("not within a second: %s", what)
		}
	}
}

func TestReq6_a_change_made_by_another_process_is_seen_within_a_second(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenbooth.db")
	desk := func() (*Registry, store.Store) {
		s, err := sqlite.Open(sqlite.Options{Path: path, Now: time.Now, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		r, err := New(Options{Store: s, Sealer: sealer(t), Now: time.Now, Tenants: tenants()})
		if err != nil {
			t.Fatal(err)
		}
		return r, s
	}
	here, _ := desk()
	there, _ := desk()
	follow(t, here)

	if _, err := here.Client(ctx, "acme", "postman"); !errors.Is(err, ErrNotFound) { // remembered as unknown
		t.Fatal(err)
	}
	create(t, there, postman())
	within1s(t, "a client that was unknown is known", func() bool { _, err := here.Client(ctx, "acme", "postman"); return err == nil })
	if err := disableClient(ctx, there, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	within1s(t, "a disabled client is barred", func() bool {
		c, err := here.Client(ctx, "acme", "postman")
		return err == nil && c.Disabled
	})
	u := createUser(t, there, "bob@acme.test")
	if _, err := here.User(ctx, "acme", u.ID); err != nil {
		t.Fatal(err)
	}
	if err := there.SetPassword(ctx, by, "acme", "bob@acme.test", "another good password"); err != nil {
		t.Fatal(err)
	}
	within1s(t, "a new password is known", func() bool {
		u, err := here.User(ctx, "acme", u.ID)
		return err == nil && !u.NotBefore.IsZero()
	})
}

func TestReadsComeFromMemoryUntilSomethingChanges(t *testing.T) {
	r, s, _ := world(t)
	create(t, r, postman())
	first, err := r.Client(ctx, "acme", "postman")
	if err != nil {
		t.Fatal(err)
	}
	before := s.Calls.Load()
	for range 100 {
		if c, err := r.Client(ctx, "acme", "postman"); err != nil || !reflect.DeepEqual(c, first) {
			t.Fatal(err)
		}
	}
	if _, err := r.Client(ctx, "acme", "nobody"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	for range 100 {
		if _, err := r.Client(ctx, "acme", "nobody"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
	if n := s.Calls.Load() - before; n != 1 {
		t.Errorf("201 reads asked the store %d times", n)
	}
	if err := disableClient(ctx, r, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Client(ctx, "acme", "postman"); err != nil || !c.Disabled || first.Disabled {
		t.Errorf("the change is not seen at once, or the old copy was changed: %+v %v", c, err)
	}
}

// late is a store whose Get of a client ends only when it is told to.
type late struct {
	store.Store
	reached, proceed chan struct{}
}

func (s *late) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	rec, err := s.Store.Get(ctx, tenant, kind, id)
	if kind == store.Client && s.reached != nil {
		s.reached <- struct{}{}
		<-s.proceed
	}
	return rec, err
}

func TestAReadThatAChangeOvertakesLeavesNothingStaleBehind(t *testing.T) {
	c := newClock()
	inner := memory.New(c.now)
	slow := &late{Store: inner}
	here, there := open(t, slow, c), open(t, inner, c)
	create(t, there, postman())
	slow.reached, slow.proceed = make(chan struct{}), make(chan struct{})
	read := make(chan *Client)
	go func() {
		c, _ := here.Client(ctx, "acme", "postman")
		read <- c
	}()
	<-slow.reached // it has read, and has not yet remembered
	if err := disableClient(ctx, there, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	here.forget(store.Client, "acme", "postman") // as whoever is told of it does
	close(slow.proceed)
	<-read
	slow.reached = nil
	if c, err := here.Client(ctx, "acme", "postman"); err != nil || !c.Disabled {
		t.Errorf("remembered what was no longer so: %+v %v", c, err)
	}
}

func TestAfterALongSilenceNothingRememberedIsTrusted(t *testing.T) {
	r, s, c := world(t)
	create(t, r, postman())
	if _, err := r.Client(ctx, "acme", "postman"); err != nil {
		t.Fatal(err)
	}
	s.Down.Store(true)
	follow(t, r)
	time.Sleep(change.Every + change.Every/2)
	if err := disableClient(ctx, open(t, s.Store, c), by, "acme", "postman", true); err != nil { // elsewhere
		t.Fatal(err)
	}
	c.advance(change.Keep + time.Minute) // the note is gone
	if cl, err := r.Client(ctx, "acme", "postman"); err != nil || cl.Disabled {
		t.Fatalf("this test is no longer about anything: %+v %v", cl, err)
	}
	s.Down.Store(false)
	within1s(t, "what happened during the outage is seen", func() bool {
		cl, err := r.Client(ctx, "acme", "postman")
		return err == nil && cl.Disabled
	})
}

func TestSecretsSayWhenTheyWereLastUsedAfterARestartToo(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "tokenbooth.db"), newClock()
	s, err := sqlite.Open(sqlite.Options{Path: path, Now: c.now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, s, c)
	create(t, r, postman())
	use := func(n int, from string) {
		cl, err := r.Client(ctx, "acme", "postman")
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			r.Used(cl, &cl.Credentials[0], netip.MustParseAddr(from))
		}
	}
	first := c.now()
	use(100, "192.0.2.1")
	if n := len(r.uses.queue); n != 1 {
		t.Errorf("100 uses in a minute made %d notes", n)
	}
	c.advance(59 * time.Second)
	use(1, "192.0.2.2")
	if n := len(r.uses.queue); n != 1 {
		t.Errorf("a use within the minute was noted")
	}
	c.advance(time.Second)
	use(1, "192.0.2.3")

	stopped, stop := context.WithCancel(ctx)
	stop()
	r.WriteUses(stopped) // writes what is queued still
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = sqlite.Open(sqlite.Options{Path: path, Now: c.now, Create: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cl, err := open(t, s, c).InspectClient(ctx, "acme", "postman")
	if err != nil || !cl.Credentials[0].LastUsed.Equal(first.Add(time.Minute)) || cl.Credentials[0].LastUsedFrom != "192.0.2.3" {
		t.Errorf("%+v %v", cl, err)
	}
	if strings.Contains(string(encode(cl)), "192.0.2.3") {
		t.Error("the last use is kept in the client: each use would change it")
	}
}

func TestAnOlderUseDoesNotReplaceAYoungerOne(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	cl, err := r.Client(ctx, "acme", "postman")
	if err != nil {
		t.Fatal(err)
	}
	w := &useWriter{r: r, waiting: map[useOf]*use{}}
	note := func(at time.Time, from string) noted {
		return noted{tenant: "acme", client: "postman", part: cl.Credentials[0].ID, at: at, from: from, count: 1}
	}
	younger, older := note(c.now(), "192.0.2.2"), note(c.now().Add(-time.Minute), "192.0.2.1")
	for _, batch := range [][]noted{{younger}, {older}, {younger, older}} {
		for _, n := range batch {
			w.add(n)
		}
		if err := w.keep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if cl, err = r.InspectClient(ctx, "acme", "postman"); err != nil || cl.Credentials[0].LastUsedFrom != "192.0.2.2" {
		t.Errorf("%+v %v", cl, err)
	}
}

func TestB29_uses_that_nobody_writes_down_fill_the_queue_and_no_more(t *testing.T) {
	r, _, c := world(t)
	made, _ := create(t, r, postman())
	for range useQueue + 100 {
		r.Used(made, &made.Credentials[0], netip.Addr{})
		c.advance(time.Minute)
	}
	if n := len(r.uses.queue); n != useQueue {
		t.Errorf("%d uses wait", n)
	}
}

// TestR18_a_store_that_fails_is_never_nobody fails each call of each method in turn.
func TestR18_a_store_that_fails_is_never_nobody(t *testing.T) {
	r, s, c := world(t)
	create(t, r, postman())
	u := createUser(t, r, "bob@acme.test")
	n := 0
	fresh := func() string { n++; return fmt.Sprintf("fresh-%d", n) }
	for name, do := range map[string]func(*Registry) error{
		"Client":        func(r *Registry) error { _, err := r.Client(ctx, "acme", "postman"); return err },
		"InspectClient": func(r *Registry) error { _, err := r.InspectClient(ctx, "acme", "postman"); return err },
		"Clients":       func(r *Registry) error { _, _, err := r.Clients(ctx, "acme", "", 10); return err },
		"LastUses":      func(r *Registry) error { _, _, err := r.LastUses(ctx, "acme", "", 10); return err },
		"FindUsers":     func(r *Registry) error { _, _, err := r.FindUsers(ctx, "acme", "bob@acme.test", "", 10); return err },
		"Usage":         func(r *Registry) error { _, err := r.Usage(ctx, "acme", "postman"); return err },
		"CreateClient": func(r *Registry) error {
			reg := postman()
			reg.ID = fresh()
			_, _, err := r.CreateClient(ctx, by, reg)
			return err
		},
		"ImportClient": func(r *Registry) error {
			_, err := r.ImportClient(ctx, by, Client{Tenant: "acme", ID: fresh(), ClientSpec: ClientSpec{Name: "X", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, "secret", "")
			return err
		},
		"RotateSecret": func(r *Registry) error { _, _, err := rotateSecret(ctx, r, by, "acme", "postman", 0); return err },
		"User":         func(r *Registry) error { _, err := r.User(ctx, "acme", u.ID); return err },
		"UserByName":   func(r *Registry) error { _, err := r.UserByName(ctx, "acme", "bob@acme.test"); return err },
		"Users":        func(r *Registry) error { _, _, err := r.Users(ctx, "acme", "", 10); return err },
		"CreateUser": func(r *Registry) error {
			_, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: fresh()}, password)
			return err
		},
		"DisableUser": func(r *Registry) error { return disableUser(ctx, r, by, "acme", "bob@acme.test", true) },
	} {
		for at := int64(1); ; at++ {
			if at > 20 {
				t.Fatalf("%s never ends without a failure", name)
			}
			again := open(t, s, c) // remembers nothing
			s.Calls.Store(0)
			s.FailAt.Store(at)
			err := do(again)
			s.FailAt.Store(0)
			if s.Calls.Load() < at {
				if err != nil {
					t.Errorf("%s without a failure: %v", name, err)
				}
				break
			}
			if !errors.Is(err, storetest.ErrDisk) || errors.Is(err, ErrNotFound) || oauth.AsError(err) != nil {
				t.Errorf("%s, call %d failed: %v", name, at, err)
			}
		}
	}
}
