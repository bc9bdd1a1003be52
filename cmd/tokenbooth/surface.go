package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/server"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// surface is what the settings say about tenants, compiled: endpoints and gateways. A reload makes a new one.
type surface struct {
	tenants  []server.Tenant
	gateways map[string]*gateway.Gateway
}

// compile makes the surface of some settings. Nothing of what runs is touched, so faulty settings change nothing.
func (b *booth) compile(s *settings) (*surface, error) {
	dialects, err := loadDialects(s)
	if err != nil {
		return nil, err
	}
	out := &surface{gateways: map[string]*gateway.Gateway{}}
	for i := range s.Tenants {
		t := &s.Tenants[i]
		place := fmt.Sprintf("tenants[%d]", i)
		st, err := serverTenant(s, place, t, dialects)
		if err != nil {
			return nil, err
		}
		out.tenants = append(out.tenants, st)
		if out.gateways[t.Name], err = b.gateway(s, place, t, dialects); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// serverTenant finds the dialects of a tenant and the paths they are spoken at.
func serverTenant(s *settings, place string, t *registry.Tenant, dialects map[string]*dialect.Dialect) (server.Tenant, error) {
	out := server.Tenant{Name: t.Name, Hosts: t.Hosts, Issuer: t.Issuer, Endpoints: map[string]*dialect.Endpoint{},
		Metadata: server.Metadata{Grants: []oauth.GrantType{oauth.ClientCredentials}, Scopes: t.PermissionNames()}}
	if t.AllowPasswordGrant {
		out.Metadata.Grants = append(out.Metadata.Grants, oauth.Password, oauth.RefreshToken)
	}
	add := func(field, path string, e *dialect.Endpoint) error {
		if other := out.Endpoints[path]; other != nil {
			return s.fault(field, fmt.Sprintf("path %s is spoken for by dialect %s already", path, other.Dialect().Name))
		}
		out.Endpoints[path] = e
		return nil
	}
	for i, name := range t.Dialects {
		field := fmt.Sprintf("%s.dialects[%d]", place, i)
		d := dialects[name]
		if d == nil {
			return out, s.fault(field, unknownDialect(name, dialects))
		}
		for _, e := range d.Endpoints() {
			if err := add(field, e.Path, e); err != nil {
				return out, err
			}
		}
	}
	for i, own := range t.Endpoints {
		field := fmt.Sprintf("%s.endpoints[%d]", place, i)
		d := dialects[own.Dialect]
		if d == nil {
			return out, s.fault(field+".dialect", unknownDialect(own.Dialect, dialects))
		}
		e := d.Endpoints()[0]
		if own.As != "" {
			e = d.Endpoint(own.As)
		}
		if e == nil {
			return out, s.fault(field+".as", fmt.Sprintf("dialect %s has no endpoint %s", own.Dialect, own.As))
		}
		if err := add(field+".path", own.Path, e); err != nil {
			return out, err
		}
	}
	return out, nil
}

func unknownDialect(name string, dialects map[string]*dialect.Dialect) string {
	return fmt.Sprintf("there is no dialect %q; there are %v", name, dialectNames(dialects))
}

func dialectNames(dialects map[string]*dialect.Dialect) []string {
	var names []string
	for n := range dialects {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// gateway makes the gateway of a tenant's APIs.
func (b *booth) gateway(s *settings, place string, t *registry.Tenant, dialects map[string]*dialect.Dialect) (*gateway.Gateway, error) {
	o := gateway.Options{
		Tenant:    t.Name,
		Tokens:    b.tokens(t),
		Scheme:    schemeOf(t.Issuer),
		RequestID: func(r *http.Request) string { return server.Of(r).ID },
		Source:    func(r *http.Request) netip.Addr { return server.Of(r).Source },
		Refused:   b.callRefused(t.Name),
		Served:    func(api, route string, status int) { b.metrics.Called(t.Name, api, route, status) },
	}
	for i, a := range t.APIs {
		field := fmt.Sprintf("%s.apis[%d]", place, i)
		d := dialects[a.Dialect]
		if d == nil {
			return nil, s.fault(field+".dialect", unknownDialect(a.Dialect, dialects))
		}
		if a.Refusals != "" {
			var err error
			if d, err = d.WithRefusals(field+".refusals", a.Refusals); err != nil {
				return nil, s.fault(field+".refusals", err.Error())
			}
		}
		upstream, err := url.Parse(a.Upstream)
		if err != nil || upstream.Host == "" {
			return nil, s.fault(field+".upstream", fmt.Sprintf("an upstream is a URL like http://127.0.0.1:9000, not %q", a.Upstream))
		}
		api := gateway.API{Name: a.Name, Audience: a.Audience, Realm: a.Name, Upstream: upstream, Dialect: d}
		for _, r := range a.Routes {
			api.Routes = append(api.Routes, gateway.Route{Methods: []string{r.Method}, Pattern: r.Path, Permission: r.Permission, Public: r.Public})
		}
		o.APIs = append(o.APIs, api)
	}
	g, err := gateway.New(o)
	if err != nil {
		return nil, s.fault(place+".apis", err.Error())
	}
	return g, nil
}

// tokens says how a tenant's access tokens are checked: JWTs by its own keys, opaque ones by the store, both by who is still there.
func (b *booth) tokens(t *registry.Tenant) bearer.Options {
	tenant := t.Name
	return bearer.Options{
		Issuer: t.Issuer,
		Keys: func(kid string) (bearer.Key, bool) {
			k, ok := b.desk.keys.Key(tenant, kid)
			return bearer.Key{ID: k.ID, Algorithm: string(k.Algorithm), Public: k.Key}, ok
		},
		Opaque: func(ctx context.Context, text string) (*bearer.Token, error) {
			in, err := b.issuer.Introspect(ctx, tenant, text)
			if err != nil {
				return nil, err
			}
			if !in.Active {
				return nil, oauth.Refuse(oauth.InvalidToken, "The access token is invalid or expired.", "no such opaque token, or it expired or died with its chain")
			}
			return bearerToken(&in), nil
		},
		Alive: func(ctx context.Context, tok *bearer.Token) error {
			return b.alive(ctx, tenant, tok)
		},
		Stale: func(time.Duration) { b.stale.Add(1) },
		Now:   b.desk.now,
	}
}

// alive asks whether those whom a token speaks for may still act. A JWT is good by itself: when the store cannot be asked, it stays
// good until it expires.
func (b *booth) alive(ctx context.Context, tenant string, tok *bearer.Token) error {
	err := b.issuer.Alive(ctx, tenant, tok.ClientID, tok.Subject, tok.IssuedAt)
	if err != nil && oauth.AsError(err) == nil {
		b.stale.Add(1)
		return nil
	}
	return err
}

func bearerToken(in *oauth.Introspection) *bearer.Token {
	return &bearer.Token{Issuer: in.Issuer, ID: in.ID, Subject: in.Subject, ClientID: in.ClientID, Username: in.Username, Name: in.Name,
		Scope: in.Scope, Permissions: in.Permissions, Audience: in.Audience, IssuedAt: in.IssuedAt, Expires: in.Expires}
}

// callRefused writes down a call to an API that did not get its answer: one line, and for refusals one event.
func (b *booth) callRefused(tenant string) func(context.Context, *http.Request, gateway.Refusal) {
	return func(_ context.Context, r *http.Request, f gateway.Refusal) {
		known := server.Of(r)
		attrs := []slog.Attr{slog.String("request_id", known.ID), slog.String("tenant", tenant), slog.String("api", f.API),
			slog.String("route", f.Route), slog.Int("status", f.Status), slog.String("code", f.Code), slog.String("reason", f.Reason),
			slog.String("source", known.Source.String())}
		actor := ""
		if f.Token != nil {
			actor = "client:" + f.Token.ClientID
			attrs = append(attrs, slog.String("client", f.Token.ClientID))
		}
		if f.Err != nil {
			b.log.LogAttrs(context.Background(), slog.LevelError, "call failed", append(attrs, slog.String("error", f.Err.Error()))...)
			return
		}
		b.log.LogAttrs(context.Background(), slog.LevelInfo, "call refused", attrs...)
		b.refusals.Refused(audit.Event{ID: known.ID, Tenant: tenant, Time: b.desk.now(), Act: "api.refuse", Actor: actor, Subject: "api:" + f.API,
			Reason: f.Code + ": " + f.Reason, Source: known.Source.String(), Detail: map[string]string{"route": f.Route, "method": r.Method}})
	}
}

func schemeOf(iss string) string {
	u, err := url.Parse(iss)
	if err != nil {
		return ""
	}
	return u.Scheme
}

// gates hands a request to the gateway of its tenant. The table is swapped whole.
type gates struct {
	byTenant atomic.Pointer[map[string]*gateway.Gateway]
}

func (g *gates) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if gw := (*g.byTenant.Load())[server.Of(r).Tenant]; gw != nil {
		gw.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// put swaps the gateways; the old ones finish what they have begun.
func (g *gates) put(next map[string]*gateway.Gateway) {
	if old := g.byTenant.Swap(&next); old != nil {
		for _, gw := range *old {
			gw.Close()
		}
	}
}
