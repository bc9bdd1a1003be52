package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/server"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// surface is what the settings say about tenants, compiled: endpoints and gateways. A reload makes a new one.
type surface struct {
	tenants  []server.Tenant
	gateways map[string]*gateway.Gateway
	checks   *gateway.Checks
	dialects map[string]*dialect.Dialect
	manners  server.Manners
	scrapers server.Scrapers
	inForce  func() []office.Setting // the settings, for who may read them
}

// compile makes the surface of some settings. Nothing of what runs is touched, so faulty settings change nothing.
func (f *front) compile(s *settings) (*surface, error) {
	dialects, err := loadDialects(s)
	if err != nil {
		return nil, err
	}
	out := &surface{gateways: map[string]*gateway.Gateway{}, dialects: dialects, manners: s.manners(), scrapers: server.Scrapers(s.Scrapers),
		inForce: sync.OnceValue(s.inForce)}
	if out.checks, err = f.compileChecks(s); err != nil {
		return nil, err
	}
	for i := range s.Tenants {
		t := &s.Tenants[i]
		place := fmt.Sprintf("tenants[%d]", i)
		st, err := serverTenant(s, place, t, dialects)
		if err != nil {
			return nil, err
		}
		if field, path := unreachable(t, &st); path != "" {
			return nil, s.fault(place+"."+field, fmt.Sprintf("calls of %s never get to the API: the token desk answers there itself", path))
		}
		out.tenants = append(out.tenants, st)
		if out.gateways[t.Name], err = f.gateway(s, place, t, dialects); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// serverTenant finds the dialects of a tenant and the paths they are spoken at.
func serverTenant(s *settings, place string, t *registry.Tenant, dialects map[string]*dialect.Dialect) (server.Tenant, error) {
	out := server.Tenant{Name: t.Name, Hosts: t.Hosts, Issuer: t.Issuer, Endpoints: map[string]*dialect.Endpoint{},
		Metadata: server.Metadata{Grants: []oauth.GrantType{oauth.ClientCredentials}, Scopes: t.PermissionNames()}}
	out.Resources = resourcesOf(t)
	if t.AllowPasswordGrant {
		out.Metadata.Grants = append(out.Metadata.Grants, oauth.Password, oauth.RefreshToken)
	}
	own := out.Paths()
	add := func(field, path string, e *dialect.Endpoint) error {
		if slices.Contains(own, path) {
			return s.fault(field, fmt.Sprintf("path %s has another use in every tenant", path))
		}
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

// resourcesOf describes a tenant's APIs, one description for all that share an audience.
func resourcesOf(t *registry.Tenant) (all []server.Resource) {
	for _, a := range t.DeclaredAPIs() {
		i := slices.IndexFunc(all, func(r server.Resource) bool { return r.URL == a.Audience })
		if i < 0 {
			i, all = len(all), append(all, server.Resource{URL: a.Audience, Name: orElse(a.Title, a.Name)})
		} else {
			all[i].Name = orElse(t.Title, t.Name)
		}
		for _, p := range a.Permissions {
			all[i].Scopes = append(all[i].Scopes, p.Name)
		}
	}
	return all
}

// metadataOf is where the description of an API is to be found, when that is on one of the tenant's hosts.
func metadataOf(t *registry.Tenant, audience string) string {
	address, _ := oauth.ResourceMetadataURL(audience)
	if u, err := url.Parse(address); err != nil || !slices.Contains(t.Hosts, strings.ToLower(u.Hostname())) {
		return ""
	}
	return address
}

// unreachable says which route of a tenant's APIs stands at a path that the server answers itself, or nothing.
func unreachable(t *registry.Tenant, st *server.Tenant) (field, path string) {
	own := st.Paths()
	for i, a := range t.DeclaredAPIs() {
		for j, r := range a.Routes {
			if slices.Contains(own, r.Path) {
				return fmt.Sprintf("apis[%d].routes[%d]", i, j), r.Path
			}
		}
	}
	return "", ""
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
func (f *front) gateway(s *settings, place string, t *registry.Tenant, dialects map[string]*dialect.Dialect) (*gateway.Gateway, error) {
	tokens, err := f.guards(t)
	if err != nil {
		return nil, s.fault(place+".follow", err.Error())
	}
	o := gateway.Options{
		Tenant:  t.Name,
		Tokens:  tokens,
		Scheme:  schemeOf(t.Issuer),
		Near:    func(r *http.Request) string { return f.handler.Near(r) },
		Refused: f.callRefused(t.Name),
		Served:  func(api, route string, status int) { f.metrics.Called(t.Name, api, route, status) },
		Allow:   f.rations(t),
	}
	if f.opened != nil {
		o.Opened = func(client, permission string) { f.opened(t.Name, client, permission) }
	}
	for i, a := range t.DeclaredAPIs() {
		field := fmt.Sprintf("%s.apis[%d]", place, i)
		d := dialects[a.Dialect]
		if d == nil {
			return nil, s.fault(field+".dialect", unknownDialect(a.Dialect, dialects))
		}
		if a.Refusals != "" {
			var err error
			if d, err = d.WithRefusals(s.named(field+".refusals"), a.Refusals); err != nil {
				return nil, s.fault(field+".refusals", err.Error())
			}
		}
		api := gateway.API{Name: a.Name, Audience: a.Audience, Realm: a.Name, Dialect: d, CheckOnly: a.Upstream == ""}
		if api.Upstream, err = upstreamOf(s, field, &a); err != nil {
			return nil, err
		}
		api.Metadata = metadataOf(t, a.Audience)
		api.CORS = (*gateway.CORS)(a.CORS)
		if err := api.CORS.Check(); err != nil {
			return nil, s.fault(field+".cors", err.Error())
		}
		for _, r := range a.Routes {
			api.Routes = append(api.Routes, gateway.Route{Methods: []string{r.Method}, Pattern: r.Path, Permission: r.Permission, Public: r.Public, MaxBody: r.MaxBody})
		}
		o.APIs = append(o.APIs, api)
	}
	g, err := gateway.New(o)
	if err != nil {
		return nil, s.fault(place+".apis", err.Error())
	}
	return g, nil
}

// upstreamOf reads where calls go. An API without one is guarded where a proxy stands in front of it and asks (check).
func upstreamOf(s *settings, field string, a *registry.API) (*url.URL, error) {
	if a.Upstream == "" {
		if s.Check == nil {
			return nil, s.fault(field, "where shall calls go? Give an upstream, or check, where a reverse proxy asks for decisions")
		}
		return nil, nil
	}
	u, err := url.Parse(a.Upstream)
	if err != nil || u.Host == "" {
		return nil, s.fault(field+".upstream", fmt.Sprintf("an upstream is a URL like http://127.0.0.1:9000, not %q", a.Upstream))
	}
	return u, nil
}

func schemeOf(iss string) string {
	u, err := url.Parse(iss)
	if err != nil {
		return ""
	}
	return u.Scheme
}
