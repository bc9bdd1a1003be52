package admin

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// Tenants returns the tenants in which the token gives a role, by name, as the contract has them.
func (r *RemoteStaff) Tenants(ctx context.Context) ([]Tenant, error) {
	var out TenantList
	err := r.do(ctx, request{method: http.MethodGet, path: []string{tenantsPath}}, &out)
	return out.Tenants, err
}

// Shown returns the tenant as the contract has it, which says more than Tenant: where it gives out tokens.
func (r *Remote) Shown(ctx context.Context) (Tenant, error) {
	var out Tenant
	if err := r.do(ctx, request{method: http.MethodGet}, &out); err != nil {
		return Tenant{}, err
	}
	if out.Name != r.tenant { // names are shown, compared and made into the names of files
		return Tenant{}, fmt.Errorf("asked for tenant %s, the server answers with another: is this its address?", r.tenant)
	}
	return out, nil
}

// Tenant returns the tenant, as far as those who work at its desk may know it. It ends with the context of Dial.
func (r *Remote) Tenant() (*registry.Tenant, error) {
	shown, err := r.Shown(r.ctx)
	if err != nil {
		return nil, err
	}
	return shown.Registered(), nil
}

// Registered is the tenant as the rest of the product has it.
func (t *Tenant) Registered() *registry.Tenant {
	out := &registry.Tenant{Name: t.Name, Title: t.Title, Instance: t.Instance, Region: t.Region, Disabled: t.Disabled, Issuer: t.Issuer, Hosts: t.Hosts,
		Dialects: t.Dialects, Algorithm: t.Algorithm, AllowPasswordGrant: t.AllowPasswordGrant, AllowBodylessToken: t.AllowBodylessToken}
	for _, e := range t.Endpoints {
		out.Endpoints = append(out.Endpoints, registry.Endpoint{Path: e.Path, Dialect: e.Dialect, As: e.As})
	}
	for i := range t.Apis {
		out.APIs = append(out.APIs, t.Apis[i].registered())
		out.OperatorsAPI = out.OperatorsAPI || t.Apis[i].Name == registry.OperatorsAPIName
	}
	return out
}

func (a *API) registered() registry.API {
	out := registry.API{Name: a.Name, Title: a.Title, Audience: a.Audience, Dialect: a.Dialect, Upstream: a.Upstream}
	for _, p := range a.Permissions {
		out.Permissions = append(out.Permissions, registry.Permission{Name: p.Name, Label: p.Label, Description: p.Description})
	}
	for _, r := range a.Routes {
		out.Routes = append(out.Routes, registry.Route{Method: r.Method, Path: r.Path, Permission: r.Permission, Public: r.Public,
			Rate: registry.Rate{PerSecond: r.PerSecond}, MaxBody: r.MaxBody})
	}
	return out
}
