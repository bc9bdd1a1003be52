package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// JWKSPath is where each tenant publishes its signing keys.
const JWKSPath = "/.well-known/jwks.json"

// keySetAge is how long a key set may be cached: a key is announced for as long before it signs.
const keySetAge = 15 * time.Minute

// Metadata is what a tenant says of itself (RFC 8414, section 2), as far as its endpoints do not say it already.
type Metadata struct {
	Grants []oauth.GrantType // of the standard dialect, as far as the tenant allows them
	Scopes []string
	Docs   string // service_documentation, a URL
}

// metadataPath is where a client that knows the issuer looks (RFC 8414, section 3). No issuer has a path (registry.CheckTenants).
const metadataPath = "/.well-known/oauth-authorization-server"

// openIDPath is where verifiers look that know OpenID Connect only (OpenID Connect Discovery 1.0, section 4).
const openIDPath = "/.well-known/openid-configuration"

// document is the metadata as it goes over the wire. revocation_feed is a member of ours: where guards follow what has been taken back.
type document struct {
	Issuer            string             `json:"issuer"`
	TokenEndpoint     string             `json:"token_endpoint,omitempty"`
	JWKS              string             `json:"jwks_uri"`
	Grants            []oauth.GrantType  `json:"grant_types_supported"`
	Methods           []oauth.AuthMethod `json:"token_endpoint_auth_methods_supported"`
	ResponseTypes     []string           `json:"response_types_supported"`
	Scopes            []string           `json:"scopes_supported,omitempty"`
	Introspection     string             `json:"introspection_endpoint"`
	IntrospectMethods []oauth.AuthMethod `json:"introspection_endpoint_auth_methods_supported"`
	Revocation        string             `json:"revocation_endpoint"`
	RevokeMethods     []oauth.AuthMethod `json:"revocation_endpoint_auth_methods_supported"`
	Feed              string             `json:"revocation_feed"`
	Docs              string             `json:"service_documentation,omitempty"`
}

// openID is the same for who knows OpenID Connect only. Nobody signs in here, so there is neither an authorization endpoint nor an ID
// token. The two members that its readers insist on are true of access tokens: sub is the same for everybody, and the algorithms are
// those of the published keys, without which such a reader would take RS256 for the only one.
type openID struct {
	document
	Subjects   []string `json:"subject_types_supported"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

// describe fills in the metadata. Every URL is made of the configured issuer, none of a request.
func (t *Tenant) describe() document {
	methods := []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost}
	doc := document{Issuer: t.Issuer, JWKS: t.origin() + JWKSPath, Grants: t.Metadata.Grants, ResponseTypes: []string{}, Scopes: t.Metadata.Scopes, Docs: t.Metadata.Docs,
		Methods: methods, Introspection: t.origin() + IntrospectPath, IntrospectMethods: methods, Revocation: t.origin() + RevokePath,
		RevokeMethods: methods, Feed: t.origin() + FeedPath}
	if path := t.tokenPath(); path != "" {
		doc.TokenEndpoint = t.origin() + path
		if terms := &t.Endpoints[path].Dialect().Terms; terms.FixedScope { // the one scope that can be asked for there
			doc.Scopes = []string{terms.DefaultScope}
		}
	}
	return doc
}

func rendered(doc any) []byte {
	body, err := json.Marshal(doc)
	if err != nil { // plain values: cannot happen
		panic(err)
	}
	return body
}

// openID renders the metadata for readers of OpenID Connect, with the algorithms of the keys that are published at that moment.
func (h *Handler) openID(t *Tenant) func() ([]byte, string, error) {
	doc := openID{document: t.describe(), Subjects: []string{"public"}}
	return func() ([]byte, string, error) {
		set, _, err := h.Keys(t.Name)
		if err != nil {
			return nil, "", err
		}
		now := doc
		now.Algorithms, err = algorithms(set)
		return rendered(now), "", err
	}
}

// algorithms returns those of a key set, each once, in the order of the set.
func algorithms(set []byte) (all []string, err error) {
	var published struct {
		Keys []struct {
			Algorithm string `json:"alg"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(set, &published); err != nil {
		return nil, err
	}
	for _, k := range published.Keys {
		if !slices.Contains(all, k.Algorithm) {
			all = append(all, k.Algorithm)
		}
	}
	return all, nil
}

// tokenPath is the endpoint a standard client should use: the standard dialect's, else one that a dialect names first.
func (t *Tenant) tokenPath() string {
	first, any := "", ""
	for _, path := range slices.Sorted(maps.Keys(t.Endpoints)) {
		e := t.Endpoints[path]
		if e.Dialect().Name == "oauth2" {
			return path
		}
		any = cmp.Or(any, path)
		if e == e.Dialect().Endpoints()[0] {
			first = cmp.Or(first, path)
		}
	}
	return cmp.Or(first, any)
}

func (t *Tenant) origin() string {
	u, err := url.Parse(t.Issuer)
	if err != nil {
		return t.Issuer
	}
	return u.Scheme + "://" + u.Host
}

// keys publishes the key set of a tenant.
func (h *Handler) keys(t *Tenant) answer {
	show := public(func() (body []byte, tag string, err error) { return h.Keys(t.Name) }, "application/jwk-set+json")
	return func(w http.ResponseWriter, r *http.Request, req edge.Request) {
		show(w, r, req)
		if tag := w.Header().Get("ETag"); tag != "" && r.Method == http.MethodGet {
			h.fetched.note(t.Name, strings.Trim(tag, `"`), r, req.From(), time.Now())
		}
	}
}

// public answers a document that anyone may read and keep for a while. tag may be empty; with one, who has the document may ask whether
// it has changed.
func public(document func() (body []byte, tag string, err error), mediaType string) answer {
	return func(w http.ResponseWriter, r *http.Request, _ edge.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			plain(w, http.StatusMethodNotAllowed, "This document can only be read.")
			return
		}
		body, tag, err := document()
		if err != nil {
			plain(w, http.StatusServiceUnavailable, "The document is not there now; ask again.")
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(keySetAge/time.Second)))
		h.Set("Access-Control-Allow-Origin", "*") // public keys and names: nothing a script could abuse
		if tag != "" {
			h.Set("ETag", quoted(tag))
		}
		if tag != "" && has(r.Header, tag) { // RFC 9110, section 13.1.2
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", mediaType)
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body) // a caller that went away cannot be told
	}
}

// constant is a document that only other settings change.
func constant(body []byte) func() ([]byte, string, error) {
	return func() ([]byte, string, error) { return body, "", nil }
}

// isPassing reports a fault that may be gone when the caller asks again.
func isPassing(err error) bool {
	return errors.Is(err, oauth.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
