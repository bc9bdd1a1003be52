package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// How long one request of a Remote may take, how much of an answer is read, and how often what may be sent twice is sent.
const (
	remoteTimeout = 30 * time.Second
	maxAnswer     = 16 << 20
	maxSent       = 3
)

// Remote is a tenant's desk at the other end of the operators' API. Its methods are those of office.Desk, and return what those return:
// *registry.Problem with the field at fault, registry.ErrNotFound, *office.Changed, operator.ErrDenied. Anything else is one sentence
// with the request id, under which the server's log knows more. It may be used concurrently.
type Remote struct {
	server, tenant string
	token          func(context.Context) (string, error)
	http           http.Client
}

// Dial makes a Remote of the desk of one tenant at a server, such as https://desk.example.com. It sends nothing yet. token is asked for an
// access token before each request and should remember it. transport is nil for that of net/http. Beyond this machine only https:// is taken:
// the access token would be read on its way.
func Dial(server, tenant string, token func(context.Context) (string, error), transport http.RoundTripper) (*Remote, error) {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("a server is a URL like https://desk.example.com, not %q", server)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s is not https://: whoever is on the way could read the access token and act in its place", server)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for nobody else
	return &Remote{strings.TrimSuffix(server, "/"), tenant, token, http.Client{Transport: transport, Timeout: remoteTimeout, CheckRedirect: stay}}, nil
}

// loopback reports whether a host is this machine, whatever a name server says (RFC 8252, section 8.3; RFC 6761, section 6.3).
func loopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// errand is one request of a Remote.
type errand struct {
	method string
	path   []string // behind the tenant's, each one segment
	query  url.Values
	match  string // If-Match
	once   bool   // under an Idempotency-Key, so that it may be sent again
	in     any
}

// match says in If-Match which revision was seen; 0 is any.
func match(rev uint64) string {
	if rev == 0 {
		return "*"
	}
	return etag(rev)
}

// do sends an errand and reads the answer into out. What may be sent twice is sent again when nothing is known of the first time.
func (r *Remote) do(ctx context.Context, e errand, out any) error {
	key := ""
	if e.once {
		key = secret.UUID() // one for all times this act is sent
	}
	again := e.once || e.method == http.MethodGet
	for sent := 1; ; sent++ {
		retry, err := r.send(ctx, &e, key, out)
		if err == nil || !again || !retry || sent == maxSent {
			return err
		}
		select {
		case <-time.After(time.Duration(sent*sent) * 200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func (r *Remote) send(ctx context.Context, e *errand, key string, out any) (retry bool, err error) {
	req, err := r.request(ctx, e, key)
	if err != nil {
		return false, err
	}
	answer, err := r.http.Do(req)
	if err != nil {
		return true, fmt.Errorf("ask %s: %w", r.server, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return true, fmt.Errorf("read the answer of %s: %w", r.server, err)
	}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode == http.StatusNoContent:
		return false, nil
	case answer.StatusCode < 300 && media == "application/json" && out != nil:
		if err := json.Unmarshal(body, out); err != nil {
			return false, fmt.Errorf("read the answer of %s: %w", r.server, err)
		}
		return false, nil
	case media != "application/problem+json":
		return answer.StatusCode >= 500, fmt.Errorf("%s answers %d, and not as the operators' API does: is that its address?", r.server, answer.StatusCode)
	}
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return false, fmt.Errorf("read the answer of %s: %w", r.server, err)
	}
	return p.Status == http.StatusServiceUnavailable || p.Status == http.StatusConflict && strings.HasSuffix(p.Type, "in-progress"), r.problem(e, &p)
}

func (r *Remote) request(ctx context.Context, e *errand, key string) (*http.Request, error) {
	to := r.server + "/v1/tenants/" + segment(r.tenant)
	for _, s := range e.path {
		to += "/" + segment(s)
	}
	if len(e.query) > 0 {
		to += "?" + e.query.Encode()
	}
	var body io.Reader
	if e.in != nil {
		text, err := json.Marshal(e.in)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, e.method, to, body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	token, err := r.token(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch an access token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	for name, value := range map[string]string{ifMatch: e.match, idempotencyKey: key} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// problem says in this product's own errors what the server has refused.
func (r *Remote) problem(e *errand, p *Problem) error {
	switch p.Status {
	case http.StatusBadRequest:
		if p.Field != "" {
			return &registry.Problem{Field: p.Field, Text: p.Detail}
		}
	case http.StatusUnauthorized:
		return fmt.Errorf("%s does not take the access token: %s (request %s)", r.server, p.Detail, p.RequestId)
	case http.StatusForbidden:
		what := strings.TrimSuffix(strings.TrimPrefix(p.Detail, "It is "+operator.ErrDenied.Error()), ".")
		return fmt.Errorf("%w%s (request %s)", operator.ErrDenied, what, p.RequestId)
	case http.StatusNotFound:
		return fmt.Errorf("%s of tenant %s: %w", strings.Join(e.path, " "), r.tenant, registry.ErrNotFound)
	case http.StatusPreconditionFailed:
		return &office.Changed{By: p.ChangedBy, At: p.ChangedAt}
	}
	text := strings.TrimSuffix(cmp.Or(p.Detail, p.Title), ".")
	if p.Status == http.StatusConflict { // it is about what was asked for, not about the server
		return fmt.Errorf("%s (request %s)", text, p.RequestId)
	}
	return fmt.Errorf("%s: %s (%d, request %s)", r.server, text, p.Status, p.RequestId)
}

// lostRace reports whether somebody else was faster where that is nobody's business: the change is made anew on what is there now.
func lostRace(err error, rev uint64) bool { return rev == 0 && errors.Is(err, office.ErrChanged) }

// maxTries is how often a change that lost a race is made anew.
const maxTries = 5
