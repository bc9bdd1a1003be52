package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestASignInIsNoNewEditionOfAUserAndEachUpdateIs(t *testing.T) {
	r, s, c := world(t)
	text, _, err := secret.NewTOTP("acme", "bob")
	if err != nil {
		t.Fatal(err)
	}
	if u := createUser(t, r, "bob@acme.test"); u.Edition != 1 {
		t.Errorf("a new user is edition %d", u.Edition)
	}
	u, err := r.UpdateUser(ctx, by, "user.totp", "acme", "bob@acme.test", func(u *User) error {
		u.TOTP, u.Edition = r.SealTOTP(text), 99
		return nil
	})
	if err != nil || u.Edition != 2 {
		t.Fatalf("%+v %v", u, err)
	}
	code, err := totp.GenerateCode(text, c.now())
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := r.UseTOTP(ctx, u, oauth.Secret(code)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	after, err := r.UserByName(ctx, "acme", "bob@acme.test")
	if err != nil || after.Edition != u.Edition || after.Rev == u.Rev || !after.Updated.Equal(u.Updated) {
		t.Errorf("after a sign-in %+v, before %+v; %v", after, u, err)
	}

	rec, err := s.Get(ctx, "acme", store.User, u.ID) // as it was written before there were editions
	if err != nil {
		t.Fatal(err)
	}
	if rec.Body = bytes.Replace(rec.Body, []byte(`"edition":2,`), nil, 1); bytes.Contains(rec.Body, []byte("edition")) {
		t.Fatalf("%s", rec.Body)
	}
	if err := s.Put(ctx, rec); err != nil {
		t.Fatal(err)
	}
	page, _, err := open(t, s, c).Users(ctx, "acme", "", 10)
	if err != nil || len(page) != 1 || page[0].Edition != 1 {
		t.Errorf("%+v %v", page, err)
	}
	if err := r.SetPassword(ctx, by, "acme", "bob@acme.test", "eight yellow bicycles"); err != nil {
		t.Fatal(err)
	}
	if after, err = r.UserByName(ctx, "acme", "bob@acme.test"); err != nil || after.Edition != 2 {
		t.Errorf("%+v %v", after, err)
	}
}

// beaten is a store where somebody else is faster, so many times, than who changes a user.
type beaten struct {
	store.Store
	times atomic.Int64
}

func (s *beaten) Put(ctx context.Context, records ...store.Record) error {
	for _, rec := range records {
		if rec.Kind == store.User && rec.Rev > 0 && s.times.Add(-1) >= 0 {
			return store.ErrConflict
		}
	}
	return s.Store.Put(ctx, records...)
}

// hashing opens a registry that hashes in a lane, which holds up its work until hold is closed, and says how much was begun, and how much at
// once.
func hashing(t *testing.T, lane *limit.Lane, hold <-chan struct{}) (r *Registry, s *beaten, begun, most *atomic.Int64) {
	t.Helper()
	c := newClock()
	s, begun, most = &beaten{Store: memory.New(c.now)}, new(atomic.Int64), new(atomic.Int64)
	var running atomic.Int64
	r, err := New(Options{Store: s, Sealer: sealer(t), Now: c.now, Tenants: tenants(), Hash: func(ctx context.Context, work func()) error {
		return lane.Set(ctx, func() {
			begun.Add(1)
			n := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			<-hold
			work()
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r, s, begun, most
}

func TestReq111_OfManyWhoRegisterUsersAtOnceOnlyAsManyHashAsTheLaneHasWorkersAndTheSurplusIsRefused(t *testing.T) {
	const workers, queue, all = 2, 8, 100
	hold := make(chan struct{})
	r, _, begun, most := hashing(t, limit.NewLane(workers, queue), hold)
	var refused atomic.Int64
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			_, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: fmt.Sprintf("user-%d@acme.test", i)}, password)
			switch {
			case errors.Is(err, oauth.ErrUnavailable):
				refused.Add(1)
			case err != nil:
				t.Error(err)
			}
		})
	}
	for begin := time.Now(); refused.Load() < all-workers-queue && time.Since(begin) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	close(hold)
	wg.Wait()
	if most.Load() > workers || begun.Load() != workers+queue || refused.Load() != all-workers-queue {
		t.Errorf("%d at once, %d begun, %d refused", most.Load(), begun.Load(), refused.Load())
	}
	if users, _, err := r.Users(ctx, "acme", "", all); err != nil || len(users) != workers+queue {
		t.Errorf("%d users, %v", len(users), err)
	}
}

func TestAPasswordIsHashedOnceHoweverOftenOthersAreFasterAndNotAtAllWhenItWillNotDo(t *testing.T) {
	hold := make(chan struct{})
	close(hold)
	lane := limit.NewLane(1, 0)
	r, s, begun, _ := hashing(t, lane, hold)
	u := createUser(t, r, "bob@acme.test")
	begun.Store(0)
	s.times.Store(3)
	if err := r.SetPassword(ctx, by, "acme", "bob@acme.test", "eight yellow bicycles"); err != nil || begun.Load() != 1 {
		t.Errorf("%d hashes, %v", begun.Load(), err)
	}
	for name, err := range map[string]error{
		"too short":     r.SetPassword(ctx, by, "acme", "bob@acme.test", "x"),
		"of nobody":     r.SetPassword(ctx, by, "acme", "nobody@acme.test", "eight yellow bicycles"),
		"of a new user": func() error { _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "eve"}, "x"); return err }(),
		"of no new user": func() error {
			_, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "e v e"}, password)
			return err
		}(),
	} {
		if err == nil || begun.Load() != 1 {
			t.Errorf("%s: %v, %d hashes", name, err, begun.Load())
		}
	}
	inside, leave := make(chan struct{}), make(chan struct{})
	go func() { _ = lane.Set(ctx, func() { close(inside); <-leave }) }()
	<-inside
	err := r.SetPassword(ctx, by, "acme", "bob@acme.test", "nine orange umbrellas")
	close(leave)
	if after, failed := r.User(ctx, "acme", u.ID); !errors.Is(err, oauth.ErrUnavailable) || failed != nil || !after.Hash.Matches("eight yellow bicycles") {
		t.Errorf("when the lane is full: %v %v", err, failed)
	}
}
