package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
)

func tenantCommand() *cobra.Command {
	return group("tenant", "See the tenants that the settings declare",
		"A tenant has its own hosts, issuer, keys, APIs, clients and users. Tenants are declared in the settings file; a running server reads\nit anew when it changes.",
		tenantListCommand(), addTenantFlag(tenantShowCommand()))
}

// tenantView is what the settings say of a tenant, and what follows from it. These names are a promise to programs.
type tenantView struct {
	Name               string         `json:"name"`
	Title              string         `json:"title"`
	Instance           string         `json:"instance"`
	Region             string         `json:"region"`
	State              string         `json:"state"` // active or disabled
	Hosts              []string       `json:"hosts"`
	Issuer             string         `json:"issuer"`
	Algorithm          string         `json:"algorithm"`
	AllowPasswordGrant bool           `json:"allow_password_grant"`
	AllowBodylessToken bool           `json:"allow_bodyless_token"`
	Endpoints          []endpointView `json:"endpoints"`
	APIs               []apiView      `json:"apis"`
}

type endpointView struct {
	Dialect string `json:"dialect"`
	URL     string `json:"url"`
}

type apiView struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Audience    string           `json:"audience"`
	Upstream    string           `json:"upstream"`
	Dialect     string           `json:"dialect"`
	Permissions []permissionView `json:"permissions"`
	Routes      []routeView      `json:"routes"`
}

type permissionView struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description"`
}

type routeView struct {
	Method     string  `json:"method"`
	Path       string  `json:"path"`
	Permission string  `json:"permission"` // empty when public
	Public     bool    `json:"public"`
	PerSecond  float64 `json:"per_second"` // calls of each client; 0: no limit
	MaxBody    int64   `json:"max_body"`   // bytes of a request; 0: no limit
}

// viewTenant compiles a tenant as the server does, so that what is shown is what is answered.
func viewTenant(s *settings, t *registry.Tenant) (tenantView, error) {
	v := tenantView{Name: t.Name, Title: t.Title, Instance: t.Instance, Region: t.Region, State: "active", Hosts: t.Hosts, Issuer: t.Issuer,
		Algorithm: t.Algorithm, AllowPasswordGrant: t.AllowPasswordGrant, AllowBodylessToken: t.AllowBodylessToken,
		Endpoints: []endpointView{}, APIs: []apiView{}}
	if t.Disabled {
		v.State = "disabled"
	}
	dialects, err := loadDialects(s)
	if err != nil {
		return v, err
	}
	if _, err := serverTenant(s, placeOf(s, t), t, dialects); err != nil {
		return v, err
	}
	for _, name := range t.Dialects {
		for _, e := range dialects[name].Endpoints() {
			v.Endpoints = append(v.Endpoints, endpointView{name, sheet.Origin(t) + e.Path})
		}
	}
	for _, own := range t.Endpoints {
		v.Endpoints = append(v.Endpoints, endpointView{own.Dialect, sheet.Origin(t) + own.Path})
	}
	for _, a := range t.DeclaredAPIs() {
		av := apiView{Name: a.Name, Title: a.Title, Audience: a.Audience, Upstream: a.Upstream, Dialect: a.Dialect, Permissions: []permissionView{}, Routes: []routeView{}}
		for _, p := range a.Permissions {
			av.Permissions = append(av.Permissions, permissionView(p))
		}
		for _, r := range a.Routes {
			av.Routes = append(av.Routes, routeView{r.Method, r.Path, r.Permission, r.Public, r.Rate.PerSecond, r.MaxBody})
		}
		v.APIs = append(v.APIs, av)
	}
	return v, nil
}

// placeOf is where in the settings a tenant stands.
func placeOf(s *settings, t *registry.Tenant) string {
	for i := range s.Tenants {
		if s.Tenants[i].Name == t.Name {
			return fmt.Sprintf("tenants[%d]", i)
		}
	}
	return "tenants"
}

func tenantListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the tenants",
		Args:  want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			p := printerOf(cmd)
			views := []tenantView{}
			var rows [][]string
			for i := range s.Tenants {
				v, err := viewTenant(s, &s.Tenants[i])
				if err != nil {
					return err
				}
				views = append(views, v)
				rows = append(rows, []string{v.Name, v.Title, v.Issuer, strings.Join(spoken(&s.Tenants[i]), " "), fmt.Sprint(len(v.APIs)), v.State})
			}
			if p.json {
				return p.object(views)
			}
			return p.table("", []string{"NAME", "TITLE", "ISSUER", "DIALECTS", "APIS", "STATE"}, rows)
		},
	}
}

func tenantShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show one tenant: its token endpoints, APIs, permissions and routes",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return want("[NAME]")(cmd, args)
		},
		ValidArgsFunction: completeFirst(completeTenants),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := tenantFlag(cmd)
			if len(args) == 1 {
				if name != "" && name != args[0] {
					return fmt.Errorf("--tenant says %s and the argument says %s: say one of them", name, args[0])
				}
				name = args[0]
			}
			s, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			t, err := pickTenant(s, name)
			if err != nil {
				return err
			}
			v, err := viewTenant(s, t)
			if err != nil {
				return err
			}
			return printerOf(cmd).showTenant(&v)
		},
	}
}

func (p *printer) showTenant(v *tenantView) error {
	if p.json {
		return p.object(v)
	}
	lines := []line{{"Name", v.Name}, {"Title", v.Title}, {"Instance", v.Instance}, {"Region", v.Region}, {"State", v.State}, {"Issuer", v.Issuer},
		{"Hosts", strings.Join(v.Hosts, " ")}, {"Signing algorithm", v.Algorithm}, {"Password grant", yesNo(v.AllowPasswordGrant)},
		{"Request without body", yesNo(v.AllowBodylessToken)}}
	for i, e := range v.Endpoints {
		lines = append(lines, line{first(i, "Token endpoints"), e.URL + " (" + e.Dialect + ")"})
	}
	for _, a := range v.APIs {
		var about []string
		for _, perm := range a.Permissions {
			about = append(about, "permission "+strings.TrimRight(perm.Name+"  "+orElse(perm.Description, perm.Label), " "))
		}
		for _, r := range a.Routes {
			about = append(about, fmt.Sprintf("%s %s needs %s", r.Method, r.Path, orElse(r.Permission, "nothing: it is public")))
		}
		lines = append(lines, line{"API " + a.Name, strings.Join(append([]string{a.Upstream}, about...), "\n")})
	}
	return p.sheet(lines)
}

// first is a name for the first of several lines, and a blank for the others.
func first(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}
