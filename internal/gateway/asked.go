package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/hostname"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// The headers by which a proxy describes a call. Each must be there exactly once: a second one is a caller's.
const (
	headerMethod = "X-Forwarded-Method"
	headerProto  = "X-Forwarded-Proto"
	headerHost   = "X-Forwarded-Host"
	headerTarget = "X-Forwarded-Uri"
	headerSource = "X-Forwarded-For"
)

// asked is a call that a proxy describes and will make itself.
type asked struct {
	host    string
	caller  oauth.Caller  // its address is unknown where the proxy need not say it and does not
	request *http.Request // the call, as far as decisions read one
}

// described reads a call from the headers that Caddy and Traefik set, and nginx when told to.
func described(r *http.Request) (a *asked, problem string) {
	values := [...]string{headerMethod, headerProto, headerHost, headerTarget, headerSource}
	for i, name := range values {
		lines := r.Header[name]
		if len(lines) != 1 || lines[0] == "" {
			return nil, "not exactly one " + name
		}
		values[i] = lines[0]
	}
	if values[1] != "http" && values[1] != "https" {
		return nil, headerProto + " is neither http nor https"
	}
	return describe(r, values[0], values[2], values[3])
}

// itself reads a call from a request that is its image, but for a prefix of its target. The caller's address is in the header where
// the proxy passes that on.
func itself(r *http.Request, target string) (a *asked, problem string) {
	if len(r.Header[headerSource]) > 1 {
		return nil, "more than one " + headerSource
	}
	return describe(r, r.Method, r.Host, target)
}

// describe makes the request that is decided about: what was said of it and the question's headers, of which the token's are read, and
// Origin.
func describe(r *http.Request, method, host, target string) (a *asked, problem string) {
	a = &asked{caller: oauth.Caller{Peer: edge.Peer(r)}}
	var ok bool
	if a.host, ok = hostname.Of(host); !ok {
		return nil, "no host name"
	}
	if !isToken(method) {
		return nil, "no method"
	}
	if lines := r.Header[headerSource]; len(lines) == 1 {
		// What stands before the last entry, the caller may have written.
		addr, ok := edge.Address(lines[0][strings.LastIndexByte(lines[0], ',')+1:])
		if !ok {
			return nil, headerSource + " does not end with an address"
		}
		a.caller.Source = addr
	}
	if len(target) > edge.MaxTarget {
		return nil, "a target of more than 8 KiB, which the gateway's own listener refuses"
	}
	u, err := url.ParseRequestURI(target) // as net/http does
	if err != nil {
		return nil, "a target that is none"
	}
	a.request = (&http.Request{
		Method: method, URL: u, RequestURI: target, Host: host, Header: r.Header, Body: http.NoBody, RemoteAddr: r.RemoteAddr, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(r.Context())
	return a, ""
}

// overrides are names, folded, of headers by which some programs read another method or another target than the request has. A proxy
// that forwards them forwards another call than it asked about.
var overrides = set("x-http-method", "x-http-method-override", "x-method-override")

var overridePrefixes = []string{ownPrefix, "x-original-", "x-rewrite-"}

// overreaching says which header of a call must not reach an API: one of our own, one that overrides what was decided, or another
// spelling of one that proxies set, X_Forwarded_For, which many programs cannot tell from the right one.
func overreaching(h http.Header) (problem string) {
	var room [64]byte
	for name := range h {
		folded := foldName(room[:0], name)
		switch {
		case overrides[string(folded)] || begins(folded, overridePrefixes):
			return "the call carries a header that only a proxy may set: " + headerShown(string(folded))
		case (claimed[string(folded)] || begins(folded, claimedPrefixes)) && !strings.EqualFold(string(folded), name):
			return "the call carries another spelling of " + headerShown(string(folded))
		}
	}
	return ""
}

// headerShown is the name of a header as it may be written down: a caller can put anything behind a beginning that we know.
func headerShown(folded string) string {
	if overrides[folded] || claimed[folded] {
		return folded
	}
	for _, p := range slices.Concat(overridePrefixes, claimedPrefixes) {
		if rest, ok := strings.CutPrefix(folded, p); ok {
			return p + oauth.Unproven(rest).AmongWords(headerWords...)
		}
	}
	return oauth.Unproven(folded).String()
}

// headerWords end the names of headers that proxies are known to set.
var headerWords = []string{"uri", "url", "method", "host", "path", "for", "proto", "port", "prefix", "server", "client", "subject", "scope", "tenant",
	"user", "email", "groups", "permissions", "audience", "token-id", "username"}
