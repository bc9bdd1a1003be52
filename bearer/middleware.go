package bearer

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Speech is how the middleware reads a call and answers it. Its zero value speaks RFC 6750.
type Speech struct {
	Realm    string // of challenges; empty: the first audience
	Metadata string // URL of the API's metadata (RFC 9728, section 5.1), as ResourceMetadata serves them; empty: not told

	// Carried takes the token out of a call. Nil: from the header Authorization, scheme Bearer, and from nowhere else (RFC 6750, section
	// 2.1). Dialect.Carried of package dialect is one.
	Carried func(*http.Request) (string, *oauth.Error)

	// Refuse writes the answer to a call that is not let through; X-Request-Id stands in the header already. Nil: RFC 6750, section 3.
	Refuse func(w http.ResponseWriter, err *oauth.Error, about About)

	// Refused is told, before the answer, of each call that is not let through: err is an *oauth.Error, whose Reason the caller never
	// reads, or a fault. May be nil.
	Refused func(r *http.Request, requestID string, err error)

	// RequestID names a call in the answer and to Refused. Nil: a random name, made only for calls that are refused. What a caller may
	// choose itself must not be long or break a line of a log.
	RequestID func(*http.Request) string
}

// About is what an answer may say beyond the refusal. Dialect.EncodeError of package dialect takes the same.
type About struct {
	RequestID string
	Path      string // of the request
	Realm     string
	Scope     string // the permission that was wanted
	Metadata  string // see Speech
}

// faultRetry is when to come back after a fault.
const faultRetry = time.Second

// Require lets a call through to a handler when it carries a good token that has this permission; "" takes any good token. The handler
// finds the token with FromContext. What is not let through is answered (RFC 6750, section 3): 401 without a token or with a bad one,
// 403 without the permission, 400 with a token in more than one place, 503 when it cannot be decided.
func (v *Verifier) Require(permission string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, err := v.admit(r, permission)
			if err != nil {
				v.refuse(w, r, permission, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(carrying{r.Context(), t}))
		})
	}
}

// admit decides about one call.
func (v *Verifier) admit(r *http.Request, permission string) (*Token, error) {
	carried := v.o.Speech.Carried
	if carried == nil {
		carried = inAuthorization
	}
	text, malformed := carried(r)
	if malformed != nil {
		return nil, malformed
	}
	t, err := v.Verify(r.Context(), text)
	if err != nil {
		return nil, err
	}
	if permission != "" && !t.Permits(permission) {
		return nil, oauth.Refuse(oauth.PermissionLacking, "The token lacks a permission that this call needs.",
			"the permission %.100q is wanted; the token has permissions %.200q and scope %.200q", permission, t.Permissions, t.Scope)
	}
	return t, nil
}

// refuse answers a call that is not let through.
func (v *Verifier) refuse(w http.ResponseWriter, r *http.Request, permission string, err error) {
	s := &v.o.Speech
	about := About{Path: r.URL.Path, Realm: s.Realm, Scope: permission, Metadata: s.Metadata}
	if about.Realm == "" {
		about.Realm = v.o.Audiences[0]
	}
	if s.RequestID != nil {
		about.RequestID = s.RequestID(r)
	} else {
		about.RequestID = rand.Text()
	}
	if s.Refused != nil {
		s.Refused(r, about.RequestID, err)
	}
	refusal := oauth.AsError(err)
	if refusal == nil {
		refusal = &oauth.Error{Code: oauth.Unavailable, Description: "The service cannot answer at the moment.", RetryAfter: faultRetry}
	}
	w.Header().Set("X-Request-Id", about.RequestID)
	if s.Refuse != nil {
		s.Refuse(w, refusal, about)
		return
	}
	answer(w, refusal, about)
}

// carrying is a context with a token in it: one piece of memory where context.WithValue would need two.
type carrying struct {
	context.Context
	token *Token
}

type tokenKey struct{}

// Value returns the token to FromContext, and all else from the context around it.
func (c carrying) Value(key any) any {
	if key == (tokenKey{}) {
		return c.token
	}
	return c.Context.Value(key)
}

// FromContext returns the token that Require let a call through with, or nil when it went through none.
func FromContext(ctx context.Context) *Token {
	t, _ := ctx.Value(tokenKey{}).(*Token)
	return t
}
