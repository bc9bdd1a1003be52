package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// rations counts the calls of routes that have a rate: those of each client, or of each address where no client is known.
func (f *front) rations(t *registry.Tenant) func(api, route, client string, source netip.Addr) (time.Duration, bool) {
	type name struct{ api, route string }
	rates := map[name]limit.Rate{}
	for _, a := range t.DeclaredAPIs() {
		for _, r := range a.Routes {
			if r.Rate != (registry.Rate{}) {
				rates[name{a.Name, r.Method + " " + r.Path}] = limit.Rate(r.Rate)
			}
		}
	}
	if len(rates) == 0 {
		return nil
	}
	return func(api, route, client string, source netip.Addr) (time.Duration, bool) {
		rate, limited := rates[name{api, route}]
		if !limited {
			return 0, true
		}
		kind := "calls of"
		if client == "" {
			kind, client = "calls from", limit.Place(source).String()
		}
		return f.calls.Allow(limit.Key{Tenant: t.Name, Kind: kind + " " + api + " " + route, Name: client}, rate)
	}
}

// callRefused writes down a call to an API that did not get its answer: one line and one event, which of a fault does not say what the API
// or the network said: that is for the log.
func (f *front) callRefused(tenant string) func(context.Context, *http.Request, gateway.Refusal) {
	return func(_ context.Context, _ *http.Request, no gateway.Refusal) {
		attrs := []slog.Attr{slog.String("request_id", no.RequestID), slog.String("tenant", tenant), slog.String("api", no.API),
			slog.String("route", no.Route), slog.Int("status", no.Status), slog.String("code", no.Code), slog.String("case", string(no.Case)), slog.String("reason", no.Reason), slog.String("method", no.Method),
			slog.String("path", no.Path), slog.String("source", no.Caller.From())}
		actor := ""
		if no.Token != nil {
			actor = "client:" + no.Token.ClientID
			attrs = append(attrs, slog.String("client", no.Token.ClientID))
		}
		act := "api.refuse"
		if no.Err != nil {
			act = "api.fail"
			f.log.LogAttrs(context.Background(), slog.LevelError, "call failed", append(attrs, slog.String("error", no.Err.Error()))...)
		} else {
			f.log.LogAttrs(context.Background(), slog.LevelInfo, "call refused", attrs...)
		}
		detail := map[string]string{"method": no.Method, audit.CaseDetail: string(no.Case)}
		if no.Route != "" {
			detail["route"] = no.Route
		} else {
			detail["path"] = no.Path
		}
		f.refusals.Refused(audit.Event{ID: no.RequestID, Tenant: tenant, Time: f.now(), Act: act, Actor: actor, Subject: "api:" + no.API,
			Reason: no.Code + ": " + no.Reason, Source: no.Caller.From(), Detail: detail})
	}
}

// misdirected writes down a request for a host that no tenant has: it is no tenant's.
func (f *front) misdirected(m server.Misdirected) {
	detail := map[string]string{audit.CaseDetail: string(m.Case), "host": f.veil.Of(m.Host)}
	if m.TLSName != "" {
		detail = map[string]string{audit.CaseDetail: string(m.Case)} // the reason names both: one of them is a tenant's, as a rule
	}
	f.refusals.Refused(audit.Event{ID: m.ID, Time: f.now(), Act: "host.refuse", Reason: string(m.Case.Code()) + ": " + m.Reason,
		Source: m.From(), Detail: detail})
}

// gates hands a request to the gateway of its tenant. The table is swapped whole.
type gates struct {
	table atomic.Pointer[gateTable]
}

type gateTable struct{ byTenant, byHost map[string]*gateway.Gateway }

func (g *gates) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if gw := g.table.Load().byTenant[edge.Of(r).Tenant]; gw != nil {
		gw.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "No tenant has this host name.", http.StatusMisdirectedRequest) // the settings took the tenant away a moment ago
}

// at returns the gateway of the tenant that has a host name, or nil.
func (g *gates) at(host string) *gateway.Gateway { return g.table.Load().byHost[host] }

// put swaps the gateways; the old ones finish what they have begun.
func (g *gates) put(s *surface) {
	next := &gateTable{s.gateways, map[string]*gateway.Gateway{}}
	for _, t := range s.tenants {
		for _, h := range t.Hosts {
			next.byHost[h] = s.gateways[t.Name]
		}
	}
	if old := g.table.Swap(next); old != nil {
		for _, gw := range old.byTenant {
			gw.Close()
		}
	}
}
