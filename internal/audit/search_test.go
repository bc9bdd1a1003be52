package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// record fills a store with n events, one a second from noon on, and returns them, the newest first.
func record(t testing.TB, s store.Store, n int) (all []Event) {
	t.Helper()
	var batch []store.Record
	for i := range n {
		at := noon.Add(time.Duration(i) * time.Second)
		e := Event{ID: secret.NewID(at), Tenant: "acme", Time: at, Act: []string{"client.create", "client.rotate", "token.refuse", "user.create"}[i%4],
			Actor: []string{"cli:ann", "operator:o1", "operator:o12"}[i%3], Subject: fmt.Sprint("client:c", i%5), Outcome: Allowed}
		if e.Act == "token.refuse" {
			e.Outcome = Refused
		}
		all = append(all, e)
		if batch = append(batch, Record(e)); len(batch) == store.MaxRecords || i == n-1 {
			if err := s.Put(context.Background(), batch...); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	slices.Reverse(all)
	return all
}

// clocked is a store in memory that is younger than its events.
func clocked() store.Store { return memory.New(func() time.Time { return noon }) }

func TestASearchFindsWhatAPlainLookAtAllEventsWould(t *testing.T) {
	s := clocked()
	all := record(t, s, 700)
	at := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Second) }
	for _, q := range []Query{
		{}, {Limit: 7}, {Limit: 700}, {ActorIs: "operator:o1"}, {ActorIs: "operator:"}, {Actor: "operator:"}, {Actor: "%"}, {ActorIs: "%"}, {Subject: "client:c3"},
		{Subject: "client:c3", ActorIs: "cli:ann"}, {Act: "client.create"}, {Act: "client."}, {Act: "client"}, {Act: "."}, {Outcome: Refused}, {Outcome: "ref"},
		{Since: at(650)}, {Until: at(30)}, {Since: at(100), Until: at(110)}, {Since: at(110), Until: at(100)}, {Since: at(-90), Until: at(3)}, {Since: at(9999)},
		{ActorIs: "cli:ann", Act: "user.", Outcome: Allowed, Since: at(300), Until: at(600), Limit: 3}, {Before: all[10].ID}, {Before: all[10].ID, Until: at(30)},
		{RequestID: all[5].ID}, {RequestID: all[5].ID, Act: "nothing"}, {RequestID: "x"}, {RequestID: all[5].ID, ActorIs: "x"}, {RequestID: all[5].ID, Subject: all[5].Subject},
	} {
		q.Tenant = "acme"
		var want []string
		for _, e := range all {
			if plainly(q, e) {
				want = append(want, e.ID)
			}
		}
		if got := searchAll(t, s, q); !slices.Equal(got, want) {
			t.Errorf("%+v finds %d events, not %d", q, len(got), len(want))
		}
		q.Tenant = "other"
		if got := searchAll(t, s, q); got != nil {
			t.Errorf("%+v finds %v", q, got)
		}
	}
}

// plainly says what Query says.
func plainly(q Query, e Event) bool {
	act := q.Act == "" || e.Act == q.Act || strings.HasSuffix(q.Act, ".") && strings.HasPrefix(e.Act, q.Act)
	return act && strings.HasPrefix(e.Actor, q.Actor) && (q.ActorIs == "" || e.Actor == q.ActorIs) && (q.Subject == "" || e.Subject == q.Subject) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) && (q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until)) &&
		(q.Before == "" || e.ID < q.Before) && (q.RequestID == "" || e.ID == q.RequestID)
}

// searchAll goes from page to page.
func searchAll(t *testing.T, s store.Store, q Query) (ids []string) {
	t.Helper()
	for range 2000 {
		page, next, more, err := Search(context.Background(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		if full := (store.Query{Limit: q.Limit}).Page(); len(page) > full || next != "" && !more && len(page) < full {
			t.Fatalf("%+v: a page of %d, next %q", q, len(page), next)
		}
		for _, e := range page {
			ids = append(ids, e.ID)
		}
		if q.Before = next; next == "" {
			return ids
		}
	}
	t.Fatalf("%+v never ends", q)
	return nil
}

func TestABudgetEndsASearchAndTheNextGoesOn(t *testing.T) {
	s := clocked()
	all := record(t, s, 3*searchPage)
	q := Query{Tenant: "acme", Act: "client.never", Budget: 1}
	page, next, more, err := Search(context.Background(), s, q)
	if err != nil || len(page) != 0 || !more || next != all[searchPage-1].ID {
		t.Errorf("%d events, next %q, more %v, %v", len(page), next, more, err)
	}
	q.Act = "token.refuse"
	if got := searchAll(t, s, q); len(got) != 3*searchPage/4 {
		t.Errorf("page by page %d are found", len(got))
	}
}

func TestReq113_NothingThatIsSearchedForIsAPattern(t *testing.T) {
	s := clocked()
	record(t, s, 20)
	for _, text := range []string{"%", "_", "*", "'", `"`, `\`, "' OR 1=1 --", "client%", "client_create", `client.create"`, `client.create","actor":"cli:ann`, "\xff", "é\x00"} {
		for _, q := range []Query{{Act: text}, {Outcome: text}, {Actor: text}, {ActorIs: text}, {Subject: text}} {
			q.Tenant = "acme"
			if page, _, _, err := Search(context.Background(), s, q); err != nil || len(page) != 0 {
				t.Errorf("%+v finds %d, %v", q, len(page), err)
			}
		}
	}
}

func TestASearchForASubjectAndAnActorLooksAtTheClock(t *testing.T) {
	s, batch := clocked(), []store.Record(nil)
	for i := range 900 { // the oldest is what is looked for: their actor and subject are busy otherwise
		e := Event{ID: secret.NewID(noon.Add(time.Duration(i) * time.Second)), Tenant: "acme", Time: noon, Act: "client.update", Actor: "operator:a", Subject: "client:t", Outcome: Allowed}
		if i%2 == 1 {
			e.Actor, e.Subject = "operator:b", "client:s"
		}
		if i == 0 {
			e.Subject = "client:s"
		}
		batch = append(batch, Record(e))
	}
	if err := s.Put(context.Background(), batch...); err != nil {
		t.Fatal(err)
	}
	q := Query{Tenant: "acme", Subject: "client:s", ActorIs: "operator:a", Budget: 1}
	found, _, more, err := Search(context.Background(), s, q)
	if err != nil || !more || len(found) != 0 {
		t.Fatalf("it did not stop when its time was up: %d found, %v", len(found), err)
	}
	if ids := searchAll(t, s, q); len(ids) != 1 || ids[0] != batch[0].ID {
		t.Errorf("it finds %v", ids)
	}
}

func TestAFailingStoreIsNoEmptyRecord(t *testing.T) {
	s := memory.New(time.Now)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, q := range []Query{{}, {RequestID: "x"}} {
		if _, _, _, err := Search(context.Background(), s, q); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if err := AddTally(context.Background(), s, "acme", noon, 1, 0); err == nil {
		t.Error("a count was lost without a word")
	}
	if _, err := Tallies(context.Background(), s, "acme", noon, noon.Add(time.Hour)); err == nil {
		t.Error("hours without requests")
	}
}

func TestSeveralProcessesCountTheTokensOfAnHour(t *testing.T) {
	ctx, s := context.Background(), clocked()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if err := AddTally(ctx, s, "acme", noon.Add(59*time.Minute), 3, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range []error{AddTally(ctx, s, "acme", noon.Add(2*time.Hour), 7, 0), AddTally(ctx, s, "other", noon, 9, 9), AddTally(ctx, s, "acme", noon.Add(time.Hour), 0, 0)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	east := time.FixedZone("east", 5*3600+1800)
	got, err := Tallies(ctx, s, "acme", noon.Add(30*time.Minute).In(east), noon.Add(2*time.Hour+time.Second))
	want := []Hour{{noon, 600, 200}, {noon.Add(time.Hour), 0, 0}, {noon.Add(2 * time.Hour), 7, 0}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; not %v", got, err, want)
	}
	if records, err := s.List(ctx, store.Query{Tenant: "acme", Kind: store.Tally}); err != nil || len(records) != 2 || !records[0].Expires.Equal(noon.Add(KeepTallies)) {
		t.Errorf("%+v, %v", records, err)
	}
	if got, err := Tallies(ctx, s, "acme", time.Time{}, noon.Add(time.Hour)); err != nil || len(got) != 90*24 || got[len(got)-1].Issued != 600 {
		t.Errorf("%d hours, %v", len(got), err)
	}
	if got, err := Tallies(ctx, s, "acme", noon, noon); err != nil || got != nil {
		t.Errorf("no time at all has %v, %v", got, err)
	}
}
