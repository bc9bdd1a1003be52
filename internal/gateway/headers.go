package gateway

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/bearer"
)

// The headers that tell an API who calls. They are the API's to trust, because nobody else's copy of them gets there. A value with
// bytes that a header could not carry unchanged has them percent-encoded.
const (
	headerTenant      = "Tokenbooth-Tenant"
	headerClientID    = "Tokenbooth-Client-Id"
	headerSubject     = "Tokenbooth-Subject"
	headerUsername    = "Tokenbooth-Username"
	headerName        = "Tokenbooth-Name"
	headerScope       = "Tokenbooth-Scope"
	headerPermissions = "Tokenbooth-Permissions" // one space between them; absent where the token has no such claim
	headerTokenID     = "Tokenbooth-Token-Id"
	headerRequestID   = "X-Request-Id"
)

// identity are those that tell who calls.
var identity = []string{
	headerTenant, headerClientID, headerSubject, headerUsername, headerName, headerScope, headerPermissions, headerTokenID,
}

// ownPrefix begins the folded name of every identity header.
const ownPrefix = "tokenbooth-"

// claimed are names, folded, by which proxies tell who calls, from where and what for. Coming from a caller they are claims that no
// API should have to doubt: the path and method that count are those that were checked.
var claimed = set(
	"forwarded", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "x-cluster-client-ip", "cf-connecting-ip", "fastly-client-ip",
	"x-host", "x-http-host-override", "x-http-method", "x-http-method-override", "x-method-override", "x-scheme", "x-url-scheme",
	"front-end-https", "remote-user", "x-remote-user", "client-cert", "client-cert-chain", "x-client-cert", "x-request-id",
	"authorization", "bearer", "cookie", "cookie2", "proxy", "http2-settings", "expect",
)

var claimedPrefixes = []string{ownPrefix, "x-forwarded", "x-original-", "x-rewrite-", "x-auth-request-", "x-envoy-", "ssl-client-", "x-ssl-"}

// What an API's answer loses by prefix. Where the gateway speaks to browsers, nobody else does.
var (
	ownPrefixes  = []string{ownPrefix}
	corsPrefixes = []string{ownPrefix, "access-control-"}
)

// banners are names, folded, that an API's answer loses: what runs there, cookies and policies for a host that is ours, and ids that
// only we set.
var banners = set(
	"server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "set-cookie", "set-cookie2", "alt-svc", "clear-site-data",
	"strict-transport-security", "x-request-id",
)

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// strip removes the headers whose names fold to one of the names or begin with one of the prefixes. Many servers hand X_Request.Id,
// X-Request-Id and x-request-id to a program as one variable, so they are one name here.
func strip(h http.Header, names map[string]bool, prefixes []string) {
	var room [64]byte
	for name := range h {
		folded := foldName(room[:0], name)
		if names[string(folded)] || begins(folded, prefixes) {
			delete(h, name)
		}
	}
}

func begins(name []byte, prefixes []string) bool {
	for _, p := range prefixes {
		if len(name) >= len(p) && string(name[:len(p)]) == p {
			return true
		}
	}
	return false
}

// foldName appends the name in lower case with a hyphen for whatever is neither a letter nor a digit.
func foldName(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		default:
			c = '-'
		}
		dst = append(dst, c)
	}
	return dst
}

// identify tells the API who calls. t is nil where nobody was asked.
func identify(h http.Header, tenant, requestID string, t *bearer.Token) {
	room := make([]string, 0, 9)
	set := func(name, value string) {
		if value != "" {
			room = append(room, visible(value))
			h[name] = room[len(room)-1 : len(room) : len(room)]
		}
	}
	set(headerTenant, tenant)
	set(headerRequestID, requestID)
	if t == nil {
		return
	}
	set(headerClientID, t.ClientID)
	set(headerSubject, t.Subject)
	set(headerUsername, t.Username)
	set(headerName, t.Name)
	set(headerScope, t.Scope)
	set(headerPermissions, strings.Join(t.Permissions, " "))
	set(headerTokenID, t.ID)
}

// visible percent-encodes what a header would lose or change: controls, bytes beyond ASCII, spaces at the ends, and the percent sign.
func visible(s string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(s) {
		c := s[i]
		clear := 0x20 < c && c < 0x7f && c != '%' || c == ' ' && i > 0 && i < len(s)-1
		switch {
		case clear && b != nil:
			b = append(b, c)
		case !clear:
			if b == nil {
				b = append(make([]byte, 0, len(s)+16), s[:i]...)
			}
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	if b == nil {
		return s
	}
	return string(b)
}

// forwarded tells the API where the call came from, in place of whatever the caller said about that.
func (c *call) forwarded(h http.Header) {
	r := c.r
	if source := c.caller.Source; source.IsValid() {
		h["X-Forwarded-For"] = []string{source.String()}
	}
	scheme := c.gateway.o.Scheme
	switch {
	case scheme != "":
	case r.TLS != nil:
		scheme = "https"
	default:
		scheme = "http"
	}
	h["X-Forwarded-Proto"] = []string{scheme}
	h["X-Forwarded-Host"] = []string{r.Host}
}
