package registry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
)

// sluggish is a store in which a page of clients, or of their uses, takes a second.
type sluggish struct {
	store.Store
	pages atomic.Int64 // of clients
	down  atomic.Bool
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
		return nil, errDisk
	}
	if q.Kind == store.Client {
		s.pages.Add(1)
	}
	return s.Store.List(ctx, q)
}

const manyClients, pagesOfThem = 2500, 3

// sluggishly runs f in a bubble of time over a registry of many clients whose store is slow. survey begins its Survey, which ends with the test.
func sluggishly(t *testing.T, f func(t *testing.T, r *Registry, s *sluggish, survey func() (stop func()))) {
	synctest.Test(t, func(t *testing.T) {
		s := &sluggish{Store: memory.New(time.Now)}
		r := open(t, s, newClock())
		for i := range manyClients {
			c := Client{Tenant: "acme", ID: fmt.Sprintf("app-%04d", i), Name: fmt.Sprintf("App %04d", i)}
			if err := s.Put(t.Context(), c.record()); err != nil {
				t.Fatal(err)
			}
		}
		f(t, r, s, func() func() {
			life, stop := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() { r.Survey(life); close(over) }()
			stopAndWait := func() { stop(); <-over }
			t.Cleanup(stopAndWait)
			synctest.Wait()
			return stopAndWait
		})
	})
}

// ask searches with a patience of 50 ms, and checks that it took no longer.
func ask(t *testing.T, r *Registry) (ClientPage, error) {
	t.Helper()
	const patience = 50 * time.Millisecond
	asked := time.Now()
	page, err := r.FindClients(WithPatience(t.Context(), patience), "acme", ClientSearch{Limit: 1})
	if took := time.Since(asked); took > patience {
		t.Errorf("the caller waited for %s", took)
	}
	return page, err
}

// reads checks that the clients are being read, and how many have been.
func reads(t *testing.T, r *Registry, clients int) {
	t.Helper()
	_, err := ask(t, r)
	reading, ok := errors.AsType[*Reading](err)
	if !ok || reading.Clients != clients {
		t.Errorf("%v, want %d clients read", err, clients)
	}
}

func TestASearchWaitsNoLongerThanItsCallerAndIsAnsweredOnceAllAreRead(t *testing.T) {
	sluggishly(t, func(t *testing.T, r *Registry, s *sluggish, survey func() func()) {
		survey()
		reads(t, r, 0)
		time.Sleep(time.Second)
		reads(t, r, 1000)
		time.Sleep(time.Second)
		reads(t, r, 2000)
		time.Sleep(3 * time.Second)
		if page, err := ask(t, r); err != nil || page.Total != manyClients {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestWhoHasNoPatienceMakesTheDirectoryOnceForAll(t *testing.T) {
	sluggishly(t, func(t *testing.T, r *Registry, s *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		r.Missed()
		s.pages.Store(0)
		for range 5 {
			go func() {
				if _, err := ask(t, r); err == nil {
					t.Error("an answer before anything was read")
				}
			}()
		}
		answered := make(chan ClientPage)
		go func() { // the API and the command line want the answer
			page, err := r.FindClients(t.Context(), "acme", ClientSearch{Limit: 1})
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
	sluggishly(t, func(t *testing.T, r *Registry, _ *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		create(t, r, postman())
		if page, err := ask(t, r); err != nil || page.Total != manyClients+1 {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestReadingForWhoWentAwayEndsWithTheSurvey(t *testing.T) {
	sluggishly(t, func(t *testing.T, r *Registry, _ *sluggish, survey func() func()) {
		stop := survey()
		time.Sleep(time.Minute)
		r.Missed()
		reads(t, r, 0)
		stopped := time.Now()
		stop() // the bubble fails the test if a goroutine is left
		if took := time.Since(stopped); took > 0 {
			t.Errorf("it went on for %s", took)
		}
	})
}

func TestAFaultThatNobodyWaitedForIsToldToTheNextWhoAsks(t *testing.T) {
	sluggishly(t, func(t *testing.T, r *Registry, s *sluggish, survey func() func()) {
		survey()
		time.Sleep(time.Minute)
		r.Missed()
		s.down.Store(true)
		reads(t, r, 0)
		time.Sleep(2 * time.Second)
		if _, err := ask(t, r); !errors.Is(err, errDisk) {
			t.Errorf("%v, want the fault", err)
		}
		s.down.Store(false)
		reads(t, r, 0)
		time.Sleep(time.Minute)
		if page, err := ask(t, r); err != nil || page.Total != manyClients {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}

func TestWithoutASurveyASearchIsAnsweredInPlace(t *testing.T) {
	sluggishly(t, func(t *testing.T, r *Registry, _ *sluggish, _ func() func()) {
		page, err := r.FindClients(WithPatience(t.Context(), time.Millisecond), "acme", ClientSearch{Limit: 1})
		if err != nil || page.Total != manyClients {
			t.Errorf("%d found, %v", page.Total, err)
		}
	})
}
