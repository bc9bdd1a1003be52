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
	"net/url"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/local"
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
// with the request id, under which the server's log knows more; it does not say which server that is, as the caller does where there could
// be a doubt. It may be used concurrently.
type Remote struct {
	*caller
	ctx        context.Context // of Tenant and Keys, which at the desk itself only look at what is in memory
	tenant     string
	rehearsing bool // by Rehearsal
}

// RemoteStaff is the register of operators at the other end of the operators' API. Its methods are those of office.Staff, with the errors of
// a Remote. It may be used concurrently.
type RemoteStaff struct {
	*caller
}

// Dial makes a Remote of the desk of one tenant at a server, such as https://desk.example.com. It sends nothing yet. When ctx ends, so do
// Tenant and Keys, which are given none. token is asked for an access token before each request and should remember it. transport is nil for
// that of net/http. Beyond this machine only https:// is taken: the access token would be read on its way.
func Dial(ctx context.Context, server, tenant string, token func(context.Context) (string, error), transport http.RoundTripper) (*Remote, error) {
	c, err := newCaller(server, token, transport)
	if err != nil {
		return nil, err
	}
	return &Remote{caller: c, ctx: ctx, tenant: tenant}, nil
}

// DialStaff makes a RemoteStaff of a server, as Dial makes a Remote.
func DialStaff(server string, token func(context.Context) (string, error), transport http.RoundTripper) (*RemoteStaff, error) {
	c, err := newCaller(server, token, transport)
	if err != nil {
		return nil, err
	}
	return &RemoteStaff{c}, nil
}

// caller calls the operators' API of one server.
type caller struct {
	server string
	token  func(context.Context) (string, error)
	http   http.Client
}

func newCaller(server string, token func(context.Context) (string, error), transport http.RoundTripper) (*caller, error) {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("a server is a URL like https://desk.example.com, and has neither a user nor a query")
	case u.Scheme == "http" && !local.Host(u.Hostname()):
		return nil, fmt.Errorf("%s is not https://: whoever is on the way could read the access token and act in its place", server)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for nobody else
	return &caller{server: strings.TrimSuffix(server, "/"), token: token,
		http: http.Client{Transport: transport, Timeout: remoteTimeout, CheckRedirect: stay}}, nil
}

// request is what a server is asked for.
type request struct {
	method string
	path   []string // behind /v1/, or behind the tenant's in a Remote's own; each one segment
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

// about is what a request is about, for people: client ID of tenant NAME.
func (q *request) about() string {
	of, path := "", q.path
	if path[0] == tenantsPath && len(path) > 1 {
		of, path = "tenant "+path[1], path[2:]
		if len(path) == 0 {
			return of
		}
		of = " of " + of
	}
	return strings.Join(append([]string{strings.TrimSuffix(path[0], "s")}, path[1:min(2, len(path))]...), " ") + of
}

// tenantsPath is where the tenants are, behind /v1/.
const tenantsPath = "tenants"

// do is caller.do for what is the tenant's.
func (r *Remote) do(ctx context.Context, q request, out any) error {
	if r.rehearsing && q.method != http.MethodGet {
		return office.ErrNotOnPaper
	}
	return r.caller.do(ctx, r.here(q), out)
}

// here is a request below the tenant's path.
func (r *Remote) here(q request) request {
	q.path = append([]string{tenantsPath, r.tenant}, q.path...)
	return q
}

// do sends a request and reads the answer into out. What may be sent twice is sent again when nothing is known of the first time.
func (c *caller) do(ctx context.Context, q request, out any) error {
	key := ""
	if q.once {
		key = secret.UUID() // one for all times this act is sent
	}
	again := q.once || q.method == http.MethodGet
	for sent := 1; ; sent++ {
		retry, err := c.send(ctx, &q, key, out)
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

func (c *caller) send(ctx context.Context, q *request, key string, out any) (retry bool, err error) {
	req, err := c.compose(ctx, q, key)
	if err != nil {
		return false, err
	}
	answer, err := c.http.Do(req)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // without the URL
		}
		return true, fmt.Errorf("the server does not answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return true, fmt.Errorf("the answer broke off: %w", err)
	}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode == http.StatusNoContent:
		return false, nil
	case answer.StatusCode < 300 && media == "application/json" && out != nil:
		if err := json.Unmarshal(body, out); err != nil {
			return false, unreadableAnswer(err)
		}
		return false, nil
	case media != "application/problem+json":
		return answer.StatusCode >= 500, fmt.Errorf("the server answers %d, and not as the operators' API does: is this its address?", answer.StatusCode)
	}
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return false, unreadableAnswer(err)
	}
	return p.Status == http.StatusServiceUnavailable || p.Status == http.StatusConflict && strings.HasSuffix(p.Type, "in-progress"), problem(q, &p)
}

func (c *caller) compose(ctx context.Context, q *request, key string) (*http.Request, error) {
	to := c.server + "/v1" + link.Path(q.path...)
	if len(q.query) > 0 {
		to += "?" + q.query.Encode()
	}
	var body io.Reader
	if q.in != nil {
		text, err := json.Marshal(q.in)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, to, body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch an access token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	for name, value := range map[string]string{ifMatch: q.match, idempotencyKey: key} {
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
func problem(q *request, p *Problem) error {
	switch p.Status {
	case http.StatusBadRequest:
		if p.Field != "" {
			return &registry.Problem{Field: p.Field, Text: p.Detail}
		}
	case http.StatusUnauthorized:
		return fmt.Errorf("the access token does not count: %s (request %s)", p.Detail, p.RequestId)
	case http.StatusForbidden:
		what := strings.TrimSuffix(strings.TrimPrefix(p.Detail, "It is "+operator.ErrDenied.Error()), ".")
		return fmt.Errorf("%w%s (request %s)", operator.ErrDenied, what, p.RequestId)
	case http.StatusNotFound:
		return fmt.Errorf("%s: %w", q.about(), registry.ErrNotFound)
	case http.StatusPreconditionFailed:
		return &office.Changed{By: p.ChangedBy, At: p.ChangedAt}
	}
	return fmt.Errorf("%s (%d, request %s)", strings.TrimSuffix(cmp.Or(p.Detail, p.Title), "."), p.Status, p.RequestId)
}

// unreadableAnswer is what is said of an answer that is not what the contract promises.
func unreadableAnswer(err error) error { return fmt.Errorf("the answer cannot be read: %w", err) }
