package console

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// What a trial may cost.
const (
	tryWithin   = 20 * time.Second
	trySource   = "127.0.0.1:0" // where the request comes from: this process
	shownOfSome = 10            // characters of a token that is masked
)

// tryResult is a request for a token as it went out and what came back, without secrets but the token's text.
type tryResult struct {
	Title     string
	Request   string
	Status    int
	Reason    string
	Answer    string // status line, headers and body, tokens masked
	RequestID string
	Explain   string // address that explains a refusal; empty: whoever looks may not read it, or nothing was refused

	Token   string // in full
	Masked  string
	Header  string // of a JWT, decoded; empty: the token is opaque
	Claims  string
	Known   *oauth.Introspection // what introspection says of it
	Guarded []guardVerdict       // what the guard would say to a call with it
}

// try sends the contract's request through the public listener's handler: same host, same checks, same limits, same books. Only the
// network is left out, so the caller's address is this machine's.
func (v *visit) try(c *registry.Client, contract *sheet.Contract, text oauth.Secret) (*tryResult, error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), tryWithin)
	defer cancel()
	wire := contract.Request(c.ID, text)
	req, err := http.NewRequestWithContext(ctx, wire.Method, wire.URL, strings.NewReader(wire.Body))
	if err != nil {
		return nil, fmt.Errorf("make the request of %s: %w", contract.Title, err)
	}
	if wire.Body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.RemoteAddr, req.RequestURI = trySource, req.URL.RequestURI()
	for _, h := range wire.Header {
		req.Header.Add(h[0], h[1])
	}
	a := newAnswer()
	v.Public.ServeHTTP(a, req)
	a.WriteHeader(http.StatusOK)
	shown := contract.Request(c.ID, "")
	r := &tryResult{Title: contract.Title, Request: requestText(&shown), Status: a.status, Reason: http.StatusText(a.status),
		RequestID: a.header.Get("X-Request-Id")}
	body := a.body.String()
	token, others := tokensIn(a.body.Bytes())
	for _, t := range append(others, token) {
		if t != "" {
			body = strings.ReplaceAll(body, t, shortened(t))
		}
	}
	r.Answer = a.text(body)
	if token == "" {
		v.explainTry(r)
		return r, nil
	}
	r.Token, r.Masked = token, shortened(token)
	r.Header, r.Claims = decodeJWT(token)
	return r, v.judge(ctx, r)
}

// explainTry leads to why a trial was refused, if whoever looks may know.
func (v *visit) explainTry(r *tryResult) {
	if r.RequestID != "" && v.offers(operator.ReadAudit) {
		r.Explain = v.path("audit", r.RequestID)
	}
}

// judge says what the guards would say to the token.
func (v *visit) judge(ctx context.Context, r *tryResult) error {
	in, err := v.desk.Introspect(ctx, oauth.Secret(r.Token))
	if err != nil {
		return err
	}
	r.Known = &in
	r.Guarded = guardVerdicts(v.tenant, in)
	return nil
}

// requestText spells a request that holds no secret.
func requestText(r *sheet.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	for _, h := range r.Header {
		value := h[1]
		if scheme, _, found := strings.Cut(value, " "); found && strings.EqualFold(h[0], "Authorization") {
			value = scheme + " " + mask // base64 of a placeholder would look like a credential
		}
		fmt.Fprintf(&b, "%s: %s\n", h[0], value)
	}
	if r.Body != "" {
		b.WriteString("\n" + r.Body)
	}
	return strings.ReplaceAll(b.String(), "CLIENT_SECRET", mask)
}

const mask = "••••••••"

func shortened(token string) string {
	return token[:min(shownOfSome, len(token)/2)] + "…"
}

// tokensIn finds the access token in an answer of any dialect, by the name of its member, and what else in it is secret.
func tokensIn(body []byte) (token string, others []string) {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return "", nil
	}
	for name, value := range members {
		text, _ := value.(string)
		switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
		case "accesstoken":
			token = text
		case "refreshtoken", "idtoken":
			others = append(others, text)
		}
	}
	return token, others
}

// decodeJWT lays out the two readable parts of a JWT (RFC 7519, section 3). It checks nothing: introspection does.
func decodeJWT(token string) (header, claims string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", ""
	}
	var out [2]bytes.Buffer
	for i := range out {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Indent(&out[i], raw, "", "  ") != nil {
			return "", ""
		}
	}
	return out[0].String(), out[1].String()
}
