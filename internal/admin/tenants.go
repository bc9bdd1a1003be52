package admin

import (
	"context"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// ListTenants answers the tenants of the token.
func (a *api) ListTenants(ctx context.Context, _ ListTenantsRequestObject) (ListTenantsResponseObject, error) {
	who := &callOf(ctx).actor
	out := TenantList{Tenants: []Tenant{}}
	for _, t := range a.Office.Tenants(who) {
		out.Tenants = append(out.Tenants, a.tenantOut(t, who))
	}
	return ListTenants200JSONResponse(out), nil
}

// GetTenant answers a tenant.
func (a *api) GetTenant(ctx context.Context, in GetTenantRequestObject) (GetTenantResponseObject, error) {
	t, err := a.desk(ctx, in.Tenant).Tenant()
	if err != nil {
		return nil, err
	}
	return GetTenant200JSONResponse(a.tenantOut(t, &callOf(ctx).actor)), nil
}

// tenantOut is a tenant as the contract has it. Where calls go within the house is a setting, for whoever may read those; who may not has
// asked for nothing forbidden, so nothing is written down about it.
func (a *api) tenantOut(t *registry.Tenant, who *operator.Actor) Tenant {
	out := Tenant{Name: t.Name, Title: t.Title, Instance: t.Instance, Region: t.Region, Disabled: t.Disabled, Issuer: t.Issuer, Hosts: members(t.Hosts),
		Dialects: t.Dialects, Apis: []API{}, Algorithm: t.Algorithm, AllowPasswordGrant: t.AllowPasswordGrant, AllowBodylessToken: t.AllowBodylessToken,
		Role: Role(who.Role(t.Name))}
	if a.TokenEndpoints != nil {
		out.TokenEndpoints = a.TokenEndpoints(t)
	}
	for _, e := range t.Endpoints {
		out.Endpoints = append(out.Endpoints, Endpoint{Path: e.Path, Dialect: e.Dialect, As: e.As})
	}
	inside := who.May(operator.ReadSettings, t.Name) == nil
	for i := range t.APIs {
		out.Apis = append(out.Apis, apiOut(&t.APIs[i], inside))
	}
	return out
}

// apiOut is an API as the contract has it; inside: with where its calls go.
func apiOut(a *registry.API, inside bool) API {
	out := API{Name: a.Name, Title: a.Title, Audience: a.Audience, Dialect: a.Dialect, Permissions: []Permission{}}
	if inside {
		out.Upstream = a.Upstream
	}
	for _, p := range a.Permissions {
		out.Permissions = append(out.Permissions, Permission{Name: p.Name, Label: p.Label, Description: p.Description})
	}
	for _, r := range a.Routes {
		out.Routes = append(out.Routes, Route{Method: r.Method, Path: r.Path, Permission: r.Permission, Public: r.Public, PerSecond: r.Rate.PerSecond,
			MaxBody: r.MaxBody})
	}
	return out
}

// GetDialect answers a dialect. Whoever has a role in a tenant may read all: they are no secret, and the tenant may come to speak each.
func (a *api) GetDialect(ctx context.Context, in GetDialectRequestObject) (GetDialectResponseObject, error) {
	if _, err := a.desk(ctx, in.Tenant).Tenant(); err != nil {
		return nil, err
	}
	if a.Dialect == nil {
		return nil, registry.ErrNotFound
	}
	d, known := a.Dialect(in.Dialect)
	if !known {
		return nil, registry.ErrNotFound
	}
	return GetDialect200JSONResponse(d), nil
}

// GetOverview answers the tenant at a glance.
func (a *api) GetOverview(ctx context.Context, in GetOverviewRequestObject) (GetOverviewResponseObject, error) {
	seen, err := a.desk(ctx, in.Tenant).Overview(ctx)
	if err != nil {
		return nil, err
	}
	out := Overview{Hours: []Hour{}, Busiest: []Busy{}, Expiring: []Expiry{}, Warnings: []Warning{}}
	for _, h := range seen.Hours {
		out.Hours = append(out.Hours, Hour{Start: utc(h.Start), Issued: int64(h.Issued), Refused: int64(h.Refused)})
	}
	for _, b := range seen.Busiest {
		out.Busiest = append(out.Busiest, Busy{Id: b.ID, Name: b.Name, Tokens: b.Tokens})
	}
	for _, e := range seen.Expiring {
		out.Expiring = append(out.Expiring, Expiry{Id: e.ID, Name: e.Name, Credential: e.Credential, At: utc(e.At)})
	}
	for _, w := range seen.Warnings {
		out.Warnings = append(out.Warnings, Warning{Kind: w.Kind, Text: w.Text})
	}
	return GetOverview200JSONResponse(out), nil
}
