package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/admin"
	"github.com/tokenbooth/tokenbooth/internal/console"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// forOperators answers on the operators' listener what is neither health nor metrics: the operators' API, the calendar, the console.
func (b *booth) forOperators() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", admin.New(admin.Options{Office: b.office, Issuer: b.issuer, Registry: b.desk.registry, Store: b.desk.store, Sealer: b.desk.sealer,
		Now: b.now, Door: b.door, Log: b.log, URL: b.at,
		TokenEndpoints: func(t *registry.Tenant) []admin.TokenEndpoint { return tokenEndpoints(t, b.current.Load().dialects) },
		Dialect:        b.dialect, Fetches: b.keySetFetches}))
	contract := admin.Contract()
	mux.Handle("/.well-known/oauth-protected-resource/", admin.Metadata(b.at, b.desk.registry))
	mux.Handle("/openapi", contract)
	mux.Handle("/openapi.yaml", contract)
	mux.Handle("/openapi.css", contract)
	mux.HandleFunc("/calendar/{key}", b.calendar) // whatever the method: what stands in the path is a secret, and goes no further
	mux.Handle("/", console.New(console.Options{Office: b.office, Operators: b.operators, Public: b.handler, URL: b.at, Now: b.now, Log: b.log,
		Door: b.door, Version: version(), Health: b.facts, Fetches: b.fetches, Home: b.home,
		Dialects: func() map[string]*dialect.Dialect { return b.current.Load().dialects }}))
	return mux
}

// lazily makes a handler when it is first asked: the pages and the contract take a tenth of a second that no token should wait for at the
// start.
func lazily(make func() http.Handler) http.Handler {
	made := sync.OnceValue(make)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) })
}

// home is the tenant that the settings begin with.
func (b *booth) home() string {
	if tenants := b.current.Load().tenants; len(tenants) > 0 {
		return tenants[0].Name
	}
	return ""
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

// keySetFetches is fetches in the words of the operators' API.
func (b *booth) keySetFetches(tenant string) (all []admin.KeySetFetch) {
	for _, f := range b.fetches(tenant) {
		all = append(all, admin.KeySetFetch{From: f.From, Agent: f.Agent, At: f.At.UTC(), Current: f.Current})
	}
	return all
}

// dialect is a dialect in force in the words of the operators' API.
func (b *booth) dialect(name string) (admin.Dialect, bool) {
	d := b.current.Load().dialects[name]
	if d == nil {
		return admin.Dialect{}, false
	}
	out := admin.Dialect{Name: d.Name, About: d.About, Source: d.Source}
	if slices.Contains(dialect.Builtin(), d) {
		for _, t := range dialect.Transcripts(name) {
			out.Transcripts = append(out.Transcripts, admin.Transcript{Name: t.Name, Title: t.Title, Request: t.Request, Answer: t.Answer})
		}
	}
	return out, true
}

func entries(n uint64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
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
	settings := console.Fact{Name: "Settings", State: console.OK, Text: "those of the file"}
	if applied, refused := b.outcome.read(); refused != "" {
		settings.State = console.Warning
		settings.Text = "those of " + applied.UTC().Format(time.RFC3339) + " stay in force; the file's are refused: " + refused
	}
	facts := []console.Fact{store, settings, {Name: "Revocation feed", State: console.OK, Text: "in force, with " + entries(uint64(taken))}}
	for _, lost := range []struct {
		name string
		n    uint64
	}{{"Journal of issuances", b.journal.Lost()}, {"Record of refusals", b.refusals.Dropped()}} {
		f := console.Fact{Name: lost.name, State: console.OK, Text: "complete since the start"}
		if lost.n > 0 {
			f.State, f.Text = console.Warning, "lost since the start: "+entries(lost.n)
		}
		facts = append(facts, f)
	}
	return facts
}
