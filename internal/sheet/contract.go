package sheet

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// For returns the contracts that the client may ask by, the tenant's first first: for each a request that its registration allows. None:
// it asks for no tokens, or in no dialect given.
func For(t *registry.Tenant, c *registry.Client, dialects map[string]*dialect.Dialect) []Contract {
	var out []Contract
	add := func(name string, only, at string) {
		d := dialects[name]
		// A contract whose callers only name themselves has no use for a client's credential.
		if d == nil || !c.MaySpeak(name) || d.Terms.ClientLabel {
			return
		}
		examples := requests(d)
		for _, grant := range c.Grants {
			if grant == oauth.RefreshToken || grant == oauth.Password && !t.AllowPasswordGrant {
				continue
			}
			for _, e := range d.Endpoints() {
				if only != "" && e.Path != only {
					continue
				}
				if found := choose(examples, e.Path, grant, t, c); found != nil {
					out = append(out, contract(t, c, d, dialects, found, at))
				}
			}
		}
	}
	for _, name := range t.Dialects {
		add(name, "", "")
	}
	for _, own := range t.Endpoints {
		only := own.As
		if d := dialects[own.Dialect]; only == "" && d != nil && len(d.Endpoints()) > 0 {
			only = d.Endpoints()[0].Path
		}
		add(own.Dialect, only, own.Path)
	}
	return out
}

// contract describes an example at a path of its tenant; at is a path that the tenant chose itself.
func contract(t *registry.Tenant, c *registry.Client, d *dialect.Dialect, dialects map[string]*dialect.Dialect, e *example, at string) Contract {
	if at == "" {
		at = e.path
	}
	k := Contract{Dialect: d.Name, Grant: e.grant, base: Origin(t), example: e, terms: d.Terms, token: tokenPath(d, e.grant)}
	k.Title = fmt.Sprintf("%s: %s at %s", d.Name, grantNames[e.grant], at)
	k.URL = k.base + at
	if e.query != "" {
		k.URL += "?" + e.query
	}
	k.calls = calls(t, c, d, dialects)
	return k
}

// choose returns the first example of a grant at a path that the client may really send.
func choose(all []example, path string, grant oauth.GrantType, t *registry.Tenant, c *registry.Client) *example {
	for i := range all {
		e := &all[i]
		switch {
		case e.path != path || e.grant != grant:
		case e.bodyless && !(t.AllowBodylessToken && c.AllowBodylessToken):
		case e.basic && !c.MayProve(oauth.AuthBasic):
		case !e.basic && !c.MayProve(oauth.AuthPost):
		default:
			return e
		}
	}
	return nil
}

// Origin is where a tenant's callers reach it: its issuer where that is one of its hosts, else its first host.
func Origin(t *registry.Tenant) string {
	u, err := url.Parse(t.Issuer)
	if err != nil || len(t.Hosts) == 0 {
		return ""
	}
	if slices.Contains(t.Hosts, strings.ToLower(u.Hostname())) {
		return u.Scheme + "://" + u.Host
	}
	host := t.Hosts[0]
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port() != "" {
		host += ":" + u.Port()
	}
	return u.Scheme + "://" + host
}

// call is one call of an API with a token, for an example.
type call struct {
	api, method, path string      // the path as the settings write it, {name} for a segment
	header            [][2]string // with {{access_token}} where the token stands
}

// calls returns a call of each API for which the client holds a permission: one that only reads, where there is one.
func calls(t *registry.Tenant, c *registry.Client, own *dialect.Dialect, dialects map[string]*dialect.Dialect) []call {
	var out []call
	for i := range t.APIs {
		api := &t.APIs[i]
		var best *registry.Route
		for k := range api.Routes {
			r := &api.Routes[k]
			if !slices.Contains(c.Permissions, r.Permission) {
				continue
			}
			if best == nil || best.Method != "GET" && r.Method == "GET" {
				best = r
			}
		}
		if best == nil {
			continue
		}
		speaks := dialects[api.Dialect]
		if speaks == nil {
			speaks = own
		}
		name := api.Title
		if name == "" {
			name = api.Name
		}
		out = append(out, call{name, best.Method, best.Path, carriedIn(speaks)})
	}
	return out
}
