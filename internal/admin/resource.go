package admin

import (
	"encoding/json"
	"net/http"

	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// metadataRoot is where protected resources are described (RFC 9728, section 3).
const metadataRoot = "/.well-known/oauth-protected-resource"

// MetadataPath is where the operators' API of a tenant is described: who issues the tokens it takes.
func MetadataPath(tenant string) string {
	return metadataRoot + link.Path("v1", tenantsPath, tenant)
}

// Metadata describes the operators' API of each tenant as a protected resource (RFC 9728, section 2), so that a program that knows this
// server and a tenant finds the token endpoint by itself. at is the URL of the operators' listener. Anybody may read it; what is not
// there, or has no operators' API, is not found. The handler that New makes points here.
func Metadata(at string, r *registry.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+metadataRoot+"/v1/tenants/{tenant}", func(w http.ResponseWriter, req *http.Request) {
		t, ok := r.Tenant(req.PathValue("tenant"))
		if !ok || !t.OperatorsAPI {
			http.NotFound(w, req)
			return
		}
		var scopes []string
		for _, role := range operator.Roles() {
			scopes = append(scopes, registry.OperatorsPrefix+string(role), registry.DeskPrefix+string(role))
		}
		body, err := json.Marshal(struct {
			Resource string   `json:"resource"`
			Issuers  []string `json:"authorization_servers"`
			Scopes   []string `json:"scopes_supported"`
			Methods  []string `json:"bearer_methods_supported"`
			Docs     string   `json:"resource_documentation"`
		}{at + link.Path("v1", tenantsPath, t.Name), []string{t.Issuer}, scopes, []string{"header"}, at + "/openapi"})
		if err != nil { // plain values: cannot happen
			panic(err)
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(body) // a caller that went away cannot be told
	})
	return mux
}
