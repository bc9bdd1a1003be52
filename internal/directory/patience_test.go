package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// sluggish is a store in which a page of clients, or of their uses, takes a second.
type sluggish struct {
	store.Store
	pages  atomic.Int64 // of clients
	down   atomic.Bool
	broken atomic.Bool  // it panics
	one    atomic.Int64 // how long one record takes
}

func (s *sluggish) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	time.Sleep(time.Duration(s.one.Load()))
	return s.Store.Get(ctx, tenant, kind, id)
}

func (s *sluggish) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if q.Kind == store.Client || q.Kind == store.Use {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.down.Load() {
		return nil, storetest.ErrDisk
	}
	if s.broken.Load() {
		panic("broken")
	}
	if q.Kind == store.Client {
		s.pages.Add(1)
	}
	return s.Store.List(ctx, q)
}

const manyClients, pagesOfThem = 2500, 3

// sluggishly runs f in a bubble of time over a directory of many clients whose store is slow. survey begins its Survey, which ends with the test.
func sluggishly(t *testing.T, f func(t *testing.T, d *Directory, s *sluggish, survey func() (stop func()))) {
	synctest.Test(t, func(t *testing.T) {
		s := &sluggish{Store: memory.New(time.Now)}
		d := open(t, s, newClock())
		for i := range manyClients {
			create(t, d, registry.Client{Tenant: "acme", ID: fmt.Sprintf("app-%04d", i), ClientSpec: registry.ClientSpec{Name: fmt.Sprintf("App %04d", i), Grants: []oauth.GrantType{oauth.ClientCredentials}}})
		}
		f(t, d, s, func() func() {
			life, stop := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() { d.Survey(life); close(over) }()
			stopAndWait := func() { stop(); <-over }
			t.Cleanup(stopAndWait)
			synctest.Wait()
			return stopAndWait
		})
	})
}

// ask searches with a patience of 50 ms, and checks that it took no longer.
func ask(t *testing.T, d *Directory) (Page, error) {
	t.Helper()
	const patience = 50 * time.Millisecond
	asked := time.Now()
	page, err := d.Find(WithPatience(t.Context(), patience), "acme", Search{Limit: 1})
	if took := time.Since(asked); took > patience {
		t.Errorf("the caller waited for %s", took)
	}
	return page, err
}

// reads checks that the clients are being read, and how many have been.
func reads(t *testing.T, d *Directory, clients int) {
	t.Helper()
	_, err := ask(t, d)
	reading, ok := errors.AsType[*Reading](err)
	if !ok || reading.Clients != clients {
		t.Errorf("%v, want %d clients read", err, clients)
	}
}

func TestASearchWaitsNoLongerThanItsCallerAndIsAnsweredOnceAllAreRead(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, s *sluggish, survey func() func()) {
		survey()
		reads(t, d, 0)
		time.Sleep(time.Second)
		reads(t, d, 1000)
		time.Sleep(time.Second)
		reads(t, d, 2000)
		time.Sleep(3 * time.Second)
		if page, err := ask(t, d); err != nil || page.Total != manyClients {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestWhoHasNoPatienceMakesTheDirectoryOnceForAll(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, s *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		d.registry.Missed()
		s.pages.Store(0)
		for range 5 {
			go func() {
				if _, err := ask(t, d); err == nil {
					t.Error("an answer before anything was read")
				}
			}()
		}
		answered := make(chan Page)
		go func() { // the API and the command line want the answer
			page, err := d.Find(t.Context(), "acme", Search{Limit: 1})
			if err != nil {
				t.Error(err)
			}
			answered <- page
		}()
		if page := <-answered; page.Total != manyClients {
			t.Errorf("%d found by who waited", page.Total)
		}
		if n := s.pages.Load(); n != pagesOfThem {
			t.Errorf("%d pages were read, want each of %d once", n, pagesOfThem)
		}
	})
}

func TestAChangeMadeBeforeAnImpatientSearchIsFoundByIt(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, _ *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		create(t, d, postman())
		if page, err := ask(t, d); err != nil || page.Total != manyClients+1 {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestReadingForWhoWentAwayEndsWithTheSurvey(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, _ *sluggish, survey func() func()) {
		stop := survey()
		time.Sleep(time.Minute)
		d.registry.Missed()
		reads(t, d, 0)
		stopped := time.Now()
		stop() // the bubble fails the test if a goroutine is left
		if took := time.Since(stopped); took > 0 {
			t.Errorf("it went on for %s", took)
		}
	})
}

func TestAFaultThatNobodyWaitedForIsToldToTheNextWhoAsks(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, s *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		d.registry.Missed()
		s.down.Store(true)
		reads(t, d, 0)
		time.Sleep(2 * time.Second)
		if _, err := ask(t, d); !errors.Is(err, storetest.ErrDisk) {
			t.Errorf("%v, want the fault", err)
		}
		s.down.Store(false)
		reads(t, d, 0)
		time.Sleep(time.Minute)
		if page, err := ask(t, d); err != nil || page.Total != manyClients {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestAFaultOfLongAgoIsToldToNobody(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, s *sluggish, survey func() func()) {
		d.now = time.Now
		survey()
		time.Sleep(time.Minute)
		d.registry.Missed()
		s.down.Store(true)
		reads(t, d, 0)
		time.Sleep(2 * time.Second)
		s.down.Store(false)
		time.Sleep(time.Hour)
		reads(t, d, 0)
	})
}

func TestAPanicOfReadingBehindIsAFaultAndNoEndOfTheProcess(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, s *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		d.registry.Missed()
		s.broken.Store(true)
		reads(t, d, 0)
		time.Sleep(2 * time.Second)
		if _, err := ask(t, d); err == nil || !strings.Contains(err.Error(), "panic: broken") {
			t.Errorf("%v, want the panic", err)
		}
	})
}

func TestOnceAllAreReadASearchWaitsForTheFewThatWereChanged(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, s *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		create(t, d, postman())
		s.one.Store(int64(200 * time.Millisecond))
		page, err := d.Find(WithPatience(t.Context(), time.Millisecond), "acme", Search{Limit: 1})
		if err != nil || page.Total != manyClients+1 {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestWithoutASurveyASearchIsAnsweredInPlace(t *testing.T) {
	sluggishly(t, func(t *testing.T, d *Directory, _ *sluggish, _ func() func()) {
		page, err := d.Find(WithPatience(t.Context(), time.Millisecond), "acme", Search{Limit: 1})
		if err != nil || page.Total != manyClients {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}
