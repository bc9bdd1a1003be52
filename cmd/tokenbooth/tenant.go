package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/admin"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
)

func tenantCommand() *cobra.Command {
	return addServerFlag(group("tenant", "See the tenants that the settings declare",
		`A tenant has its own hosts, issuer, keys, APIs, clients and users. Tenants are declared in the settings file, or in files
of the folder that tenant_files names, which "tokenbooth apply" writes too; a running server reads them anew when they change. At a server elsewhere those are shown in which whoever asks has a role.`,
		tenantListCommand(), addTenantFlag(tenantShowCommand())))
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
	Upstream    string           `json:"upstream"` // empty for whoever may not read settings, at a server elsewhere
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

// viewTenant shows a tenant, here or elsewhere.
func viewTenant(t *registry.Tenant, endpoints []admin.TokenEndpoint) tenantView {
	v := tenantView{Name: t.Name, Title: t.Title, Instance: t.Instance, Region: t.Region, State: "active", Hosts: t.Hosts, Issuer: t.Issuer,
		Algorithm: t.Algorithm, AllowPasswordGrant: t.AllowPasswordGrant, AllowBodylessToken: t.AllowBodylessToken,
		Endpoints: []endpointView{}, APIs: []apiView{}}
	if t.Disabled {
		v.State = "disabled"
	}
	for _, e := range endpoints {
		v.Endpoints = append(v.Endpoints, endpointView{e.Dialect, e.Url})
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
	return v
}

// dialects are those that a tenant speaks, each once.
func (v *tenantView) dialects() (names []string) {
	for _, e := range v.Endpoints {
		if !slices.Contains(names, e.Dialect) {
			names = append(names, e.Dialect)
		}
	}
	return names
}

// tokenEndpoints says where a tenant gives out tokens. A dialect that is not there has none: while settings are read anew, a tenant may be
// ahead of it for a moment.
func tokenEndpoints(t *registry.Tenant, dialects map[string]*dialect.Dialect) (all []admin.TokenEndpoint) {
	for _, name := range t.Dialects {
		if d := dialects[name]; d != nil {
			for _, e := range d.Endpoints() {
				all = append(all, admin.TokenEndpoint{Dialect: name, Url: sheet.Origin(t) + e.Path})
			}
		}
	}
	for _, own := range t.Endpoints {
		all = append(all, admin.TokenEndpoint{Dialect: own.Dialect, Url: sheet.Origin(t) + own.Path})
	}
	return all
}

// tenantHere compiles a tenant of the settings as the server does, so that what is shown is what is answered.
func tenantHere(s *settings, t *registry.Tenant) (tenantView, error) {
	dialects, err := loadDialects(s)
	if err != nil {
		return tenantView{}, err
	}
	if _, err := serverTenant(s, placeOf(s, t), t, dialects); err != nil {
		return tenantView{}, err
	}
	return viewTenant(t, tokenEndpoints(t, dialects)), nil
}

// tenantsOf returns the tenants of the settings, or of the server elsewhere, by name.
func tenantsOf(cmd *cobra.Command) ([]tenantView, error) {
	views := []tenantView{}
	if at := serverFlag(cmd); at != "" {
		staff, err := staffElsewhere(at)
		if err != nil {
			return nil, err
		}
		all, err := staff.Tenants(cmd.Context())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		for i := range all {
			views = append(views, viewTenant(all[i].Registered(), all[i].TokenEndpoints))
		}
		return views, nil
	}
	s, err := settingsOf(cmd)
	if err != nil {
		return nil, err
	}
	for i := range s.Tenants {
		v, err := tenantHere(s, &s.Tenants[i])
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	slices.SortFunc(views, func(a, b tenantView) int { return strings.Compare(a.Name, b.Name) })
	return views, nil
}

// tenantOf returns one tenant of the settings, or of the server elsewhere.
func tenantOf(cmd *cobra.Command, name string) (tenantView, error) {
	if at := serverFlag(cmd); at != "" {
		remote, err := tenantElsewhere(cmd.Context(), at, name)
		if err != nil {
			return tenantView{}, err
		}
		t, err := remote.Shown(cmd.Context())
		if err != nil {
			return tenantView{}, fmt.Errorf("%s: %w", at, err)
		}
		return viewTenant(t.Registered(), t.TokenEndpoints), nil
	}
	s, err := settingsOf(cmd)
	if err != nil {
		return tenantView{}, err
	}
	t, err := pickTenant(s, name)
	if err != nil {
		return tenantView{}, err
	}
	return tenantHere(s, t)
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
			views, err := tenantsOf(cmd)
			if err != nil {
				return err
			}
			p := printerOf(cmd)
			var rows [][]string
			for _, v := range views {
				rows = append(rows, []string{v.Name, v.Title, v.Issuer, strings.Join(v.dialects(), " "), fmt.Sprint(len(v.APIs)), v.State})
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
			v, err := tenantOf(cmd, name)
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
		if a.Upstream != "" {
			about = append(about, a.Upstream)
		}
		for _, perm := range a.Permissions {
			about = append(about, "permission "+strings.TrimRight(perm.Name+"  "+orElse(perm.Description, perm.Label), " "))
		}
		for _, r := range a.Routes {
			about = append(about, fmt.Sprintf("%s %s needs %s", r.Method, r.Path, orElse(r.Permission, "nothing: it is public")))
		}
		lines = append(lines, line{"API " + a.Name, strings.Join(about, "\n")})
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
