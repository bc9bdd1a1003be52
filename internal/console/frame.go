package console

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// frame is what surrounds a page.
type frame struct {
	Title    string
	Done     string // what was just done; "": nothing
	Who      string // the operator; "": nobody is signed in
	Username string
	Role     string // at the tenant, or at the desk where there is none
	Tenant   string // title of the tenant that the menu is of; "" when there is a choice to make
	Here     string // path of the page's tenant: "/t/acme"; "" on the desk's own pages
	Tenants  []frameLink
	Nav      []frameGroup
	Version  string
}

// To is the path of a page of the same tenant.
func (f frame) To(parts ...string) string { return f.Here + link.Path(parts...) }

type frameGroup struct {
	Label string
	Links []frameLink
}

type frameLink struct {
	Label, URL, Icon string
	Current          bool
}

// navigation is the menu of a tenant: who lacks a right does not see its entry. What a page lets them do is decided elsewhere.
var navigation = []struct {
	group, label, icon, path string
	right                    operator.Right
}{
	{"Administration", "Overview", "overview", "", ""},
	{"Administration", "API credentials", "clients", "clients", operator.ReadClients},
	{"Administration", "Users", "users", "users", operator.ReadUsers},
	{"Administration", "Tokens", "tokens", "tokens", operator.ReadTokens},
	{"Trust", "APIs & permissions", "apis", "apis", ""},
	{"Trust", "Signing keys", "keys", "keys", operator.ReadKeys},
	{"Trust", "Dialects", "dialects", "dialects", ""},
	{"Trust", "Audit log", "audit", "audit", operator.ReadAudit},
	{"Trust", "Settings", "settings", "settings", operator.ReadSettings},
}

func (v *visit) frame(title string) frame {
	f := frame{Title: title, Version: v.Version}
	if v.session == nil {
		return f
	}
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodPost {
		f.Done = v.notices.take(v.session.ID)
	}
	f.Username, f.Who = v.session.Operator.Username, v.session.Operator.Name
	if f.Who == "" {
		f.Who = f.Username
	}
	f.Role = string(v.actor.Role(operator.All))
	at := v.tenant
	tenants := v.Office.Tenants(&v.actor)
	if at == nil && len(tenants) == 1 { // of several, none is guessed: a menu that jumps to another tenant misleads
		at = tenants[0]
	}
	for _, t := range tenants {
		f.Tenants = append(f.Tenants, frameLink{Label: titleOf(t.Title, t.Name), URL: pathOf(t.Name), Current: v.tenant != nil && t.Name == v.tenant.Name})
	}
	if at != nil {
		f.Tenant = titleOf(at.Title, at.Name)
		if v.tenant != nil {
			f.Here = pathOf(at.Name)
		}
		f.Role = string(v.actor.Role(at.Name))
		f.Nav = v.tenantNav(at.Name)
	}
	if own := v.ownNav(); len(own.Links) > 0 {
		f.Nav = append(f.Nav, own)
	}
	return f
}

func titleOf(title, name string) string {
	if title == "" {
		return name
	}
	return title
}

func (v *visit) tenantNav(tenant string) []frameGroup {
	var groups []frameGroup
	for _, e := range navigation {
		if e.right != "" && !v.actor.Role(tenant).Can(e.right) {
			continue
		}
		link := v.link(e.label, e.icon, strings.TrimSuffix(pathOf(tenant)+"/"+e.path, "/"))
		if e.path == "" {
			link.Current = v.r.URL.Path == link.URL
		}
		if form, ok := strings.CutPrefix(v.r.URL.Path, pathOf(tenant)+"/new-"); ok && form+"s" == e.path { // the form for a new one is not below its list
			link.Current = true
		}
		if n := len(groups); n == 0 || groups[n-1].Label != e.group {
			groups = append(groups, frameGroup{Label: e.group})
		}
		last := &groups[len(groups)-1]
		last.Links = append(last.Links, link)
	}
	return groups
}

// ownNav is the part of the menu that belongs to no tenant.
func (v *visit) ownNav() frameGroup {
	g := frameGroup{Label: "This installation"}
	if v.actor.Role(operator.All).Can(operator.ReadOperators) {
		g.Links = append(g.Links, v.link("Operators", "operators", "/operators"), v.link("Desk audit log", "audit", "/audit"))
	}
	if v.actor.Role(operator.All).Can(operator.ReadSettings) {
		g.Links = append(g.Links, v.link("All settings", "settings", "/settings"))
	}
	return g
}

func (v *visit) link(label, icon, to string) frameLink {
	path := v.r.URL.EscapedPath()
	return frameLink{Label: label, URL: to, Icon: icon, Current: path == to || strings.HasPrefix(path, to+"/")}
}
