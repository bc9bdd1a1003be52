package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// box is a choice to tick.
type box struct {
	Field, Value string
	ID           string // in the page
	Label, Hint  string
	Checked      bool
	Off          bool // cannot be ticked by whoever looks; Hint says why
}

// boxGroup is a set of choices that belong together: the permissions of one API.
type boxGroup struct {
	Title     string
	Plain     bool // its one permission says it all
	Operators bool // of the operators' API, which no other permission goes with
	Desk      bool // of those, the ones that count in every tenant
	Boxes     []box
}

// Chosen reports whether one of the choices is made: then a folded group is open.
func (g boxGroup) Chosen() bool {
	return slices.ContainsFunc(g.Boxes, func(b box) bool { return b.Checked })
}

// clientFields is the form of a client with everything it can be answered with, for whoever looks.
type clientFields struct {
	*clientForm
	Token                           string // makes the form good for one new client; empty when a client is changed
	Permitted                       []boxGroup
	GrantBoxes, ProofBoxes          []box
	DialectBoxes, ServerBoxes, Soon []box
	FormBoxes                       []box
	EndsNow                         time.Time // when the client ends so far; zero: never, or a new client
	MayBodyless, HasDialects        bool
	Today                           string // the first day that can be chosen
	AskNone                         bool   // a client without permissions was not confirmed
	More                            bool   // the seldom used fields are in use, so they are shown open
}

// fields completes a form for whoever looks. before is the client as it is, nil for a new one.
func (v *visit) fields(f *clientForm, before *registry.Client) *clientFields {
	if before == nil {
		before = &registry.Client{}
	}
	p := &clientFields{clientForm: f, EndsNow: before.Expires.Time, Today: v.Now().UTC().Format(time.DateOnly),
		MayBodyless: mayBodyless(v.tenant, before)}
	p.AskNone = len(f.Permissions) == 0 && f.Problems["permissions"] != ""
	p.Permitted = v.permissionBoxes(f.Permissions, before.Permissions)
	p.GrantBoxes = grantBoxes(v.tenant, f.Grants, before)
	p.ProofBoxes = ticked("auth_method", f.AuthMethods, [][3]string{
		{string(oauth.AuthBasic), "Authorization header", "client_secret_basic"},
		{string(oauth.AuthPost), "Request body", "client_secret_post"}})
	p.FormBoxes = ticked("token_form", []string{f.TokenForm}, [][3]string{{"", "Default", "what the dialect uses"},
		{string(oauth.JWT), "JWT", "APIs check it themselves"}, {string(oauth.Opaque), "Opaque", "APIs ask about it; revoked at once"},
		{string(oauth.UUID), "UUID", "opaque, written as a UUID"}})
	for _, d := range once(append(v.tenant.Spoken(), before.Dialects...)) {
		p.DialectBoxes = append(p.DialectBoxes, tick("dialect", d, d, "", f.Dialects))
	}
	for _, a := range v.tenant.APIs {
		if a.Name == registry.OperatorsAPIName { // the desk itself stands for it
			continue
		}
		p.ServerBoxes = append(p.ServerBoxes, tick("resource_server", a.Name, titleOf(a.Title, a.Name), a.Audience, f.Servers))
	}
	for _, name := range before.ResourceServers {
		if !slices.ContainsFunc(v.tenant.APIs, func(a registry.API) bool { return a.Name == name }) {
			p.ServerBoxes = append(p.ServerBoxes, tick("resource_server", name, name, "no longer in the settings", f.Servers))
		}
	}
	for _, days := range soonEnds {
		n := strconv.Itoa(days)
		p.Soon = append(p.Soon, tick("ends", n, "In "+n+" days", endOf(v.Now(), days).Format("2 January 2006"), []string{f.Ends}))
	}
	p.HasDialects = len(p.DialectBoxes) > 1 || len(f.Dialects) > 0 // what is not on the form would be lost by saving it
	p.More = len(f.AuthMethods) > 0 || len(f.Dialects) > 0 || len(f.Servers) > 0 || f.TokenForm != "" || f.Lifetime != "" || f.AllowFrom != ""
	for _, field := range []string{"grants", "lifetime", "allow_from", "dialects", "auth_methods", "token_form", "resource_servers"} {
		p.More = p.More || f.Problems[field] != ""
	}
	return p
}

// permissionBoxes groups the permissions of a tenant by API, those of the operators' API by where they count, because what counts everywhere
// must not be ticked by mistake. What the settings took away since stays where it is held, or a client could lose it by a change of its name.
func (v *visit) permissionBoxes(wanted, held []string) (groups []boxGroup) {
	for _, a := range v.tenant.APIs {
		g := boxGroup{Title: titleOf(a.Title, a.Name), Operators: a.Name == registry.OperatorsAPIName}
		everywhere := boxGroup{Title: g.Title, Operators: true, Desk: true}
		for _, p := range a.Permissions {
			b := tick("permission", p.Name, titleOf(p.Label, p.Name), p.Description, wanted)
			desk, owner := registry.IsDeskPermission(p.Name), "an owner"
			if desk {
				owner = "an owner of the desk"
			}
			if b.Off = !v.mayGrant(p.Name); b.Off {
				b.Hint = strings.TrimPrefix(p.Description+"; only "+owner+" gives it", "; ")
			}
			switch {
			case desk && b.Off && !slices.Contains(held, p.Name): // nothing that an operator of this tenant has to know of
			case desk:
				everywhere.Boxes = append(everywhere.Boxes, b)
			default:
				g.Boxes = append(g.Boxes, b)
			}
		}
		g.Plain = !g.Operators && len(g.Boxes) == 1 && g.Boxes[0].Label == g.Title
		for _, g := range []boxGroup{g, everywhere} {
			if len(g.Boxes) > 0 {
				groups = append(groups, g)
			}
		}
	}
	known := v.tenant.PermissionNames()
	gone := boxGroup{Title: "No longer in the settings"}
	for _, p := range held {
		if !slices.Contains(known, p) {
			gone.Boxes = append(gone.Boxes, tick("permission", p, p, "held from before; it opens nothing, and once dropped it cannot be given again", wanted))
		}
	}
	if len(gone.Boxes) > 0 {
		groups = append(groups, gone)
	}
	return groups
}

// userPermissions leaves out what no user can be given: the permissions of the operators' API, unless one is held.
func userPermissions(groups []boxGroup, held []string) []boxGroup {
	return slices.DeleteFunc(groups, func(g boxGroup) bool { return g.Operators && !holdsOperatorsAPI(held) })
}

func grantBoxes(t *registry.Tenant, wanted []string, before *registry.Client) []box {
	boxes := []box{tick("grant", string(oauth.ClientCredentials), "Client credentials", "the program asks in its own name, with client ID and secret", wanted)}
	if !t.AllowPasswordGrant && !before.MayUse(oauth.Password) && !before.MayUse(oauth.RefreshToken) {
		return boxes
	}
	return append(boxes,
		tick("grant", string(oauth.Password), "Password", "the program sends a person's name and password; for legacy callers only (RFC 9700, section 2.4)", wanted),
		tick("grant", string(oauth.RefreshToken), "Refresh token", "renews a sign-in by password without asking for the password again", wanted))
}

// ticked makes a box of each value, label and hint.
func ticked(field string, chosen []string, choices [][3]string) (boxes []box) {
	for _, c := range choices {
		boxes = append(boxes, tick(field, c[0], c[1], c[2], chosen))
	}
	return boxes
}

func tick(field, value, label, hint string, chosen []string) box {
	return box{Field: field, Value: value, ID: field + "-" + value, Label: label, Hint: hint, Checked: slices.Contains(chosen, value)}
}

// labelOf is what people call a permission.
func labelOf(t *registry.Tenant, permission string) string {
	for _, a := range t.APIs {
		for _, p := range a.Permissions {
			if p.Name == permission && p.Label != "" {
				return p.Label
			}
		}
	}
	return permission
}
