package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func TestEventsAreReadPageByPageAlikeHereAndThere(t *testing.T) {
	w, ctx := open(t), t.Context()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.wants(201, "editor", "POST", clients, `{"name":"`+name+`"}`)
		w.pass(time.Second)
	}
	q := audit.Query{Tenant: "acme", ActorIs: "client:editor", Act: "client.create"}
	all, _, _, err := audit.Search(ctx, w.store, q)
	if err != nil || len(all) != 5 {
		t.Fatalf("%d events, %v", len(all), err)
	}
	r, q := w.remote("auditor", nil), audit.Query{ActorIs: q.ActorIs, Act: q.Act, Limit: 2}
	var seen []string
	for pages := 1; ; pages++ {
		events, next, _, err := r.Events(ctx, q)
		w.must(err)
		for _, e := range events {
			seen = append(seen, e.ID)
		}
		if next == "" {
			break
		}
		if pages == 3 || next != events[len(events)-1].ID {
			t.Fatalf("page %d goes on from %s", pages, next)
		}
		q.Before = next
	}
	if !slices.EqualFunc(seen, all, func(id string, e audit.Event) bool { return id == e.ID }) {
		t.Errorf("%v of %v", seen, all)
	}
	if old, next, _, err := r.Events(ctx, audit.Query{ActorIs: q.ActorIs, Act: q.Act, Before: all[2].ID}); err != nil || next != "" || len(old) != 2 || old[0].ID != all[3].ID {
		t.Errorf("before the third: %v, %q, %v", old, next, err)
	}
}

func TestACursorGoesOnBehindAnEventAndBelongsToIt(t *testing.T) {
	w := open(t)
	const path = "/v1/tenants/acme/events?act=client.create&limit=2&before="
	newest := read[EventPage](t, w.wants(200, "auditor", "GET", path, "")).Events[0].Id
	first := read[EventPage](t, w.wants(200, "auditor", "GET", path+newest, ""))
	second := read[EventPage](t, w.wants(200, "auditor", "GET", path+newest+"&cursor="+first.Next, ""))
	if len(first.Events) != 2 || len(second.Events) == 0 || second.Events[0].Id >= first.Events[1].Id {
		t.Errorf("%+v\n%+v", first, second)
	}
	w.wants(400, "auditor", "GET", path+"&cursor="+first.Next, "")
	if p := w.wants(400, "auditor", "GET", path+strings.Repeat("a", maxEventID+1), "").problem(t); p.Field != "before" {
		t.Errorf("%+v", p)
	}
}

// scripted is a server that gives these answers, one after the other, and what it was asked.
func scripted(t *testing.T, answers ...string) (r *Remote, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(*asked)
		*asked = append(*asked, r.URL.RawQuery)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answers[n]))
	}))
	t.Cleanup(server.Close)
	r, err := Dial(t.Context(), server.URL, "acme", func(context.Context) (string, error) { return "t", nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, asked
}

func TestASearchThatRanOutOfTimeWithoutAnEventIsTakenUpAgain(t *testing.T) {
	r, asked := scripted(t, `{"events":[],"next":"c1","more":true}`, `{"events":[{"id":"e1","time":"2026-11-22T04:09:00Z"}],"next":"c2","more":true}`)
	events, next, more, err := r.Events(t.Context(), audit.Query{Before: "e2", Act: "client."})
	if err != nil || len(events) != 1 || next != "e1" || !more {
		t.Errorf("%+v %q %v %v", events, next, more, err)
	}
	if want := []string{"act=client.&before=e2", "act=client.&before=e2&cursor=c1"}; !slices.Equal(*asked, want) {
		t.Errorf("asked %v", *asked)
	}
}

func TestAChangeHasItsNameInTheAuditRecordFromFarAway(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.client("acme", "c", "workflows")
	w.user("bob")
	r := w.remote("editor", nil)
	for _, act := range []string{"client.update", "client.apply", ""} {
		_, err := r.UpdateClient(ctx, "c", act, 0, func(c *registry.Client) error { c.Description = "by " + act; return nil })
		w.must(err)
		w.pass(time.Second)
	}
	_, err := r.UpdateUser(ctx, "bob", "user.apply", 0, func(u *registry.User) error { u.Name = "Bob"; return nil })
	w.must(err)
	events, _, _, err := w.remote("auditor", nil).Events(ctx, audit.Query{ActorIs: "client:editor"})
	w.must(err)
	var acts []string
	for _, e := range events {
		acts = append(acts, e.Act)
	}
	if want := []string{"user.apply", "client.update", "client.apply", "client.update"}; !slices.Equal(acts, want) {
		t.Errorf("%v", acts)
	}
	for _, act := range []string{"client.create", "user.apply", "x"} {
		_, err = r.UpdateClient(ctx, "c", act, 0, func(*registry.Client) error { return nil })
		if p, ok := errors.AsType[*registry.Problem](err); !ok || p.Field != "act" {
			t.Errorf("%s: %v", act, err)
		}
	}
	if p := w.wants(400, "editor", "PUT", "/v1/tenants/acme/users/bob?act=client.apply", `{}`, ifMatch, "*").problem(t); p.Field != "act" {
		t.Errorf("%+v", p)
	}
}

func TestAServerIsNotNamedByWhatGoesWrongThere(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{"))
	}))
	defer broken.Close()
	for server, want := range map[string]string{gone.URL: "the server does not answer: dial tcp 127.0.0.1:", other.URL: "the server answers 404, and not as",
		broken.URL: "the answer cannot be read: "} {
		r, err := Dial(t.Context(), server, "acme", func(context.Context) (string, error) { return "t", nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = r.Tenant(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "http") {
			t.Errorf("%v", err)
		}
	}
}

func TestTheTenantAndItsKeysAreWaitedForNoLongerThanTheCommand(t *testing.T) {
	w := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Dial(ctx, w.server.URL, "acme", func(context.Context) (string, error) { return w.tokens["viewer"], nil }, nil)
	w.must(err)
	cancel()
	if _, err := r.Tenant(); !errors.Is(err, context.Canceled) {
		t.Errorf("tenant: %v", err)
	}
	if _, err := r.Keys(); !errors.Is(err, context.Canceled) {
		t.Errorf("keys: %v", err)
	}
}
