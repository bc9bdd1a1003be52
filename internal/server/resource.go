package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Resource is what may be said of an API (RFC 9728, section 2).
type Resource struct {
	URL    string // its identifier: the aud of its tokens
	Name   string // for people
	Scopes []string
	Docs   string // resource_documentation, a URL
}

// resources renders the metadata of the APIs that are on one of the tenant's hosts: by path, and by host. Of two that a caller could not
// tell apart the first counts.
func (t *Tenant) resources() map[string]map[string][]byte {
	all := map[string]map[string][]byte{}
	for i := range t.Resources {
		address, ok := oauth.ResourceMetadataURL(t.Resources[i].URL)
		u, err := url.Parse(address)
		if !ok || err != nil || u.RawPath != "" {
			continue
		}
		host := strings.ToLower(u.Hostname())
		if !slices.Contains(t.Hosts, host) || all[u.Path][host] != nil {
			continue
		}
		if all[u.Path] == nil {
			all[u.Path] = map[string][]byte{}
		}
		all[u.Path][host] = t.Resources[i].document(t.Issuer)
	}
	return all
}

func (r *Resource) document(issuer string) []byte {
	body, err := json.Marshal(struct {
		Resource string   `json:"resource"`
		Issuers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported,omitempty"`
		Carried  []string `json:"bearer_methods_supported"`
		Name     string   `json:"resource_name,omitempty"`
		Docs     string   `json:"resource_documentation,omitempty"`
	}{r.URL, []string{issuer}, r.Scopes, []string{"header"}, r.Name, r.Docs})
	if err != nil { // plain values: cannot happen
		panic(err)
	}
	return body
}

// resource answers with the metadata of the API at this path of the host that was asked: a client compares it with the URL it used
// (RFC 9728, section 3.3), and another host's would be a lie.
func resource(byHost map[string][]byte) answer {
	found := map[string]answer{}
	for host, body := range byHost {
		found[host] = public(constant(body), "application/json")
	}
	return func(w http.ResponseWriter, r *http.Request, known edge.Request) {
		host, _ := edge.Host(r)
		if answer := found[host]; answer != nil {
			answer(w, r, known)
			return
		}
		plain(w, http.StatusNotFound, "This host has no such resource.")
	}
}
