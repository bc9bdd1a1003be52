package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/admin"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/console"
	"github.com/tokenbooth/tokenbooth/internal/expiry"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// backOffice is what operators work with: who they are, and every act of theirs.
type backOffice struct {
	operators *operator.Operators
	office    *office.Office
	at        string // the URL of the console, which new settings do not change
}

// openOffice opens the back office of a desk. refusals may be nil: then what is refused is written on the spot.
func openOffice(d *desk, i *issuer.Issuer, refusals *audit.Log) (o backOffice, err error) {
	o.at = d.settings.consoleURL()
	o.operators, err = operator.New(operator.Options{Store: d.store, Sealer: d.sealer, Hashing: i.Hashing, Now: d.now, Refusals: refusals, URL: o.at})
	if err != nil {
		return o, err
	}
	o.office = office.New(office.Options{Store: d.store, Registry: d.registry, Keys: d.keys, Issuer: i, Operators: o.operators, Refusals: refusals,
		JournalDir: d.settings.journal(), Now: d.now})
	return o, nil
}

// forOperators answers on the operators' listener what is neither health nor metrics: the operators' API, the calendar, the console.
func (b *booth) forOperators() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", admin.New(admin.Options{Office: b.office, Issuer: b.issuer, Registry: b.desk.registry, Store: b.desk.store, Sealer: b.desk.sealer,
		Now: b.now, NewID: b.newID, Log: b.log}))
	contract := admin.Contract()
	mux.Handle("/.well-known/oauth-protected-resource/", admin.Metadata(b.at, b.desk.registry))
	mux.Handle("/openapi", contract)
	mux.Handle("/openapi.yaml", contract)
	mux.Handle("/openapi.css", contract)
	mux.HandleFunc("GET /calendar/{key}", b.calendar)
	mux.Handle("/", console.New(console.Options{Office: b.office, Operators: b.operators, Public: b.handler, URL: b.at, Now: b.now, Log: b.log,
		NewID: b.newID, Version: version(), Health: b.facts, Fetches: b.fetches,
		Dialects: func() map[string]*dialect.Dialect { return b.shown.Load().dialects },
		Settings: func() []console.Setting { return b.shown.Load().settings }}))
	return mux
}

// shown is what the console shows of the settings in force.
type shown struct {
	dialects map[string]*dialect.Dialect
	settings []console.Setting
}

// showSettings takes what the console shows from settings that have just come into force.
func (b *booth) showSettings(s *settings) {
	all, err := loadDialects(s)
	if err != nil { // a file that has changed since it was compiled: the old ones stay
		b.log.Warn("the console shows the dialects of before", "error", err)
		all = b.shown.Load().dialects
	}
	b.shown.Store(&shown{all, s.inForce()})
}

// fetches says who asked for a tenant's key set lately.
func (b *booth) fetches(tenant string) []console.Fetch {
	_, now, err := b.desk.keys.JWKS(tenant)
	if err != nil {
		return nil
	}
	var all []console.Fetch
	for _, f := range b.handler.Fetches(tenant) {
		all = append(all, console.Fetch{From: f.From, Agent: f.Agent, Tag: f.Tag, At: f.At, Current: f.Tag == now})
	}
	return all
}

// facts says how the parts of a desk are.
func (b *booth) facts(r *http.Request) []console.Fact {
	store := console.Fact{Name: "Store", State: console.OK, Text: "reads and writes"}
	if err := b.storeReady(r.Context()); err != nil {
		store.State, store.Text = console.Failing, err.Error()
	}
	taken := 0
	for _, t := range b.desk.registry.Tenants() {
		taken += b.desk.feed.Set(t.Name).Len()
	}
	facts := []console.Fact{store, {Name: "Revocation feed", State: console.OK, Text: fmt.Sprintf("in force, with %d entries", taken)}}
	for _, lost := range []struct {
		name string
		n    uint64
	}{{"Journal of issuances", b.journal.Lost()}, {"Record of refusals", b.refusals.Dropped()}} {
		f := console.Fact{Name: lost.name, State: console.OK, Text: "complete since the start"}
		if lost.n > 0 {
			f.State, f.Text = console.Warning, fmt.Sprintf("%d entries were lost since the start", lost.n)
		}
		facts = append(facts, f)
	}
	return facts
}

// How far ahead a calendar looks, and how many entries it has at most: the soonest ones.
const (
	calendarFor  = 400 * day
	calendarMost = 1000
)

// calendar answers with what expires at the tenants of an operator. Calendar programs cannot sign in: the key in the path is the proof.
func (b *booth) calendar(w http.ResponseWriter, r *http.Request) {
	who, err := b.operators.ByCalendarKey(r.Context(), oauth.Secret(strings.TrimSuffix(r.PathValue("key"), ".ics")))
	if errors.Is(err, operator.ErrSignIn) || errors.Is(err, operator.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	var entries []expiry.Entry
	if err == nil {
		actor := operator.Actor{By: who.By(), Name: who.Name, Roles: who.Roles}
		for _, t := range b.office.Tenants(&actor) {
			found, failed := b.expiring(r.Context(), t.Name, calendarFor)
			err = cmp.Or(err, failed)
			entries = append(entries, found...)
		}
	}
	if err != nil {
		b.log.Error("a calendar could not be made", "error", err)
		http.Error(w, "The calendar is not there now; ask again.", http.StatusServiceUnavailable)
		return
	}
	slices.SortFunc(entries, func(a, b expiry.Entry) int { return a.At.Compare(b.At) })
	entries = entries[:min(len(entries), calendarMost)]
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("X-Content-Type-Options", "nosniff")
	if err := expiry.Calendar(w, "Credentials that expire", b.now(), entries); err != nil {
		b.log.Debug("a calendar was not taken", "error", err)
	}
}

// expiring lists what ends at a tenant within a time.
func (b *booth) expiring(ctx context.Context, tenant string, within time.Duration) ([]expiry.Entry, error) {
	found, err := b.desk.registry.Expiring(ctx, tenant, within)
	entries := make([]expiry.Entry, 0, len(found))
	for _, f := range found {
		e := expiry.Of(tenant, f)
		e.URL = b.at + "/t/" + tenant + "/clients/" + url.PathEscape(f.ID)
		entries = append(entries, e)
	}
	return entries, err
}

// newNotifier makes who tells of what expires, as the settings say.
func (b *booth) newNotifier() (*expiry.Notifier, error) {
	if b.settings.ExpiryWarnings == nil {
		return nil, nil
	}
	hook, err := b.settings.webhook()
	if err != nil {
		return nil, err
	}
	return &expiry.Notifier{Store: b.desk.store, Webhook: hook, Tenants: b.tenantNames, Expiring: b.desk.registry.Expiring, Now: b.now, Log: b.log}, nil
}

// warn sends warnings of what expires, where the settings name somebody to be told.
func (b *booth) warn(ctx context.Context) {
	if b.notifier != nil {
		b.notifier.Run(ctx)
	}
}

// tallyEvery is how often requests are added up: what a crash loses at most.
const tallyEvery = time.Minute

// tally keeps count of issued and refused requests, by tenant and hour.
func (b *booth) tally(ctx context.Context) {
	before := b.metrics.Outcomes()
	for done := false; !done; {
		select {
		case <-time.After(tallyEvery):
		case <-ctx.Done():
			done = true
		}
		now := b.metrics.Outcomes()
		for tenant, n := range now {
			was := before[tenant]
			if n == was {
				continue
			}
			write, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			err := audit.AddTally(write, b.desk.store, tenant, b.now(), n.Issued-was.Issued, n.Refused-was.Refused)
			cancel()
			if err != nil {
				b.log.Error("requests were not added up", "tenant", tenant, "error", err)
				now[tenant] = was // the next time
			}
		}
		before = now
	}
}

const day = 24 * time.Hour

// ends publishes how many credentials end when.
func (b *booth) ends() {
	g := expiry.Gauges{Tenants: b.tenantNames, Clients: b.desk.registry.Clients, Now: b.now}
	for _, f := range g.All() {
		b.metrics.Gauge(f.Name, f.Help, f.Read)
	}
}

// tenantNames are those of the tenants in force.
func (b *booth) tenantNames() (names []string) {
	for _, t := range b.desk.registry.Tenants() {
		names = append(names, t.Name)
	}
	return names
}
