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
		out.Tenants = append(out.Tenants, tenantOut(t, who.Role(t.Name)))
	}
	return ListTenants200JSONResponse(out), nil
}

// GetTenant answers a tenant.
func (a *api) GetTenant(ctx context.Context, in GetTenantRequestObject) (GetTenantResponseObject, error) {
	t, err := a.desk(ctx, in.Tenant).Tenant()
	if err != nil {
		return nil, err
	}
	return GetTenant200JSONResponse(tenantOut(t, callOf(ctx).actor.Role(t.Name))), nil
}

// tenantOut is a tenant as the contract has it: what its callers may know anyway. Rates, upstreams and the rest are settings.
func tenantOut(t *registry.Tenant, role operator.Role) Tenant {
	out := Tenant{Name: t.Name, Title: t.Title, Issuer: t.Issuer, Hosts: members(t.Hosts), Dialects: t.Dialects, Apis: []API{}, Algorithm: t.Algorithm,
		AllowPasswordGrant: t.AllowPasswordGrant, AllowBodylessToken: t.AllowBodylessToken, Role: Role(role)}
	for _, e := range t.Endpoints {
		out.Endpoints = append(out.Endpoints, Endpoint{Path: e.Path, Dialect: e.Dialect, As: e.As})
	}
	for i := range t.APIs {
		api := API{Name: t.APIs[i].Name, Title: t.APIs[i].Title, Audience: t.APIs[i].Audience, Permissions: []Permission{}}
		for _, p := range t.APIs[i].Permissions {
			api.Permissions = append(api.Permissions, Permission{Name: p.Name, Label: p.Label, Description: p.Description})
		}
		out.Apis = append(out.Apis, api)
	}
	return out
}

// tenantFrom is a tenant of the contract as the rest of the product has it.
func tenantFrom(in *Tenant) *registry.Tenant {
	t := &registry.Tenant{Name: in.Name, Title: in.Title, Issuer: in.Issuer, Hosts: in.Hosts, Dialects: in.Dialects, Algorithm: in.Algorithm,
		AllowPasswordGrant: in.AllowPasswordGrant, AllowBodylessToken: in.AllowBodylessToken, OperatorsAPI: true}
	for _, e := range in.Endpoints {
		t.Endpoints = append(t.Endpoints, registry.Endpoint{Path: e.Path, Dialect: e.Dialect, As: e.As})
	}
	for i := range in.Apis {
		api := registry.API{Name: in.Apis[i].Name, Title: in.Apis[i].Title, Audience: in.Apis[i].Audience}
		for _, p := range in.Apis[i].Permissions {
			api.Permissions = append(api.Permissions, registry.Permission{Name: p.Name, Label: p.Label, Description: p.Description})
		}
		t.APIs = append(t.APIs, api)
	}
	return t
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
