package registry

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store/paper"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
)

// onPaper is a registry on paper over another.
func onPaper(r *Registry, s *storetest.Faulty, c *clock) *Registry {
	return r.OnPaper(paper.New(s, c.now))
}

func TestOnPaperTheSameRulesRefuseTheSame(t *testing.T) {
	r, s, c := world(t)
	create(t, r, postman())
	createUser(t, r, "bob")
	nameless, unknown := postman(), postman()
	nameless.ID, nameless.Name = "new", ""
	unknown.ID, unknown.Permissions = "new", []string{"root"}
	bob := postman()
	bob.ID = "bob"
	for name, refused := range map[string]Client{"an id that is taken": postman(), "no name": nameless, "a permission nobody has": unknown, "the name of a user": bob} {
		_, _, want := r.CreateClient(ctx, by, refused)
		_, _, got := onPaper(r, s, c).CreateClient(ctx, by, refused)
		if want == nil || got == nil || got.Error() != want.Error() {
			t.Errorf("%s: on paper %v, and really %v", name, got, want)
		}
	}
	for name, refused := range map[string]User{"a name that is taken": {Tenant: "acme", Username: "BOB"}, "the id of a client": {Tenant: "acme", Username: "postman"},
		"a permission nobody has": {Tenant: "acme", Username: "new", UserSpec: UserSpec{Permissions: []string{"root"}}}} {
		_, want := r.CreateUser(ctx, by, refused, password)
		_, got := onPaper(r, s, c).CreateUser(ctx, by, refused, password)
		if want == nil || got == nil || got.Error() != want.Error() {
			t.Errorf("%s: on paper %v, and really %v", name, got, want)
		}
	}
	_, want := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "new"}, "short")
	_, got := onPaper(r, s, c).CreateUser(ctx, by, User{Tenant: "acme", Username: "new"}, "short")
	if want == nil || got == nil || got.Error() != want.Error() {
		t.Errorf("a weak password: on paper %v, and really %v", got, want)
	}
}

func TestWhatIsDoneOnPaperIsNeitherKeptNorRemembered(t *testing.T) {
	r, s, c := world(t)
	create(t, r, postman())
	createUser(t, r, "bob")
	if _, err := r.Client(ctx, "acme", "new"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	for _, id := range []string{"postman", "postman"} { // the first read makes it known
		if _, err := r.Client(ctx, "acme", id); err != nil {
			t.Fatal(err)
		}
	}
	before := kept(t, s)

	p := onPaper(r, s, c)
	n := postman()
	n.ID = "new"
	create(t, p, n)
	createUser(t, p, "eve")
	if err := errors.Join(disableClient(ctx, p, by, "acme", "postman", true), disableUser(ctx, p, by, "acme", "bob", true), deleteClient(ctx, p, by, "acme", "new")); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Client(ctx, "acme", "postman"); err != nil || !got.Disabled {
		t.Errorf("on paper: %+v, %v", got, err)
	}
	if after := kept(t, s); after != before {
		t.Errorf("something was kept:\n%s", after)
	}
	s.Down.Store(true) // from memory alone
	if got, err := r.Client(ctx, "acme", "postman"); err != nil || got.Disabled {
		t.Errorf("what is remembered of a client: %+v, %v", got, err)
	}
	if _, err := r.Client(ctx, "acme", "new"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is remembered of nobody: %v", err)
	}
}

func TestOnPaperTheStoreIsSeenAsItIsNow(t *testing.T) {
	r, s, c := world(t)
	p := onPaper(r, s, c)
	if _, err := p.Client(ctx, "acme", "postman"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	create(t, r, postman())
	if got, err := p.Client(ctx, "acme", "postman"); err != nil || got.Disabled {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := disableClient(ctx, r, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Client(ctx, "acme", "postman"); err != nil || !got.Disabled {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestPaperIsCheap: it is made for a single request, and reads no more than that asks for.
func TestPaperIsCheap(t *testing.T) {
	r, s, c := world(t)
	goroutines := runtime.NumGoroutine()
	s.Calls.Store(0)
	made := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			onPaper(r, s, c)
		}
	})
	if bytes := made.AllocedBytesPerOp(); bytes > 8<<10 || s.Calls.Load() != 0 {
		t.Errorf("%d bytes, and %d calls of the store", bytes, s.Calls.Load())
	}
	p := onPaper(r, s, c)
	create(t, p, postman())
	createUser(t, p, "bob")
	now := runtime.NumGoroutine()
	for began := time.Now(); now > goroutines && time.Since(began) < 5*time.Second; now = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond) // the benchmark's own may be about to end
	}
	if now > goroutines {
		t.Errorf("%d goroutines were %d", now, goroutines)
	}
}

func TestNoPasswordIsHashedOnPaper(t *testing.T) {
	r, s, c := world(t)
	r.lane = func(_ context.Context, work func()) error { t.Error("a password is hashed"); work(); return nil }
	if u := createUser(t, onPaper(r, s, c), "bob"); u.Hash != "" {
		t.Errorf("hash %.10s", u.Hash)
	}
}
