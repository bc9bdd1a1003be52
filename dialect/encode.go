package dialect

import (
	"net/http"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// About is what an answer may say beyond the token or the refusal.
type About struct {
	Grant     oauth.GrantType // the grant that was asked for, where a dialect spells refusals of grants apart
	RequestID string
	Path      string // of the request
	Realm     string // the issuer, or the API
	Scope     string // the permission an API wanted
	Metadata  string // address of the API's protected-resource metadata (RFC 9728)
}

// filling is everything the holes of one answer are filled from.
type filling struct {
	token  *oauth.Token
	err    *oauth.Error
	about  *About
	status int
}

// Shared header values: no answer changes them.
var (
	noStore = []string{"no-store"}
	noSniff = []string{"nosniff"}
	onePost = []string{http.MethodPost}
)

// Encode answers a granted request. The client may keep nothing of it (RFC 6749, section 5.1).
func (d *Dialect) Encode(w http.ResponseWriter, t *oauth.Token, about About) {
	a := d.lookup(issued, about.Grant)
	a.send(w, &filling{token: t, about: &about, status: http.StatusOK})
}

// EncodeError answers a refused request in the words of the dialect, or of RFC 6749 where it has none. A fault of ours
// (temporarily_unavailable, server_error) and a throttled caller are never spelt as a refusal of the caller's credential. Where a method
// is refused, the answer names POST as the one that is allowed, unless w has an Allow header already.
func (d *Dialect) EncodeError(w http.ResponseWriter, err *oauth.Error, about About) {
	a := d.lookup(err.Code, about.Grant)
	f := filling{err: err, about: &about, status: status(err.Code)}
	if seconds := retryAfter(err); seconds > 0 {
		w.Header()["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	}
	if h := w.Header(); a.statusOf(&f) == http.StatusMethodNotAllowed && h["Allow"] == nil {
		h["Allow"] = onePost // RFC 9110, section 15.5.6
	}
	a.send(w, &f)
}

// retryAfter is when to come back, in seconds: what the refusal says, and soon where it says nothing but asking again makes sense.
func retryAfter(err *oauth.Error) int64 {
	if err.RetryAfter <= 0 {
		if err.Code == oauth.Throttled || err.Code == oauth.Unavailable {
			return 1
		}
		return 0
	}
	return int64((err.RetryAfter-1)/time.Second) + 1
}

// lookup finds the most special answer: code and grant, code, its standard code, refused; then those of the standard dialect.
func (d *Dialect) lookup(code oauth.Code, grant oauth.GrantType) *answer {
	like := code
	for range 2 {
		for _, when := range [2]situation{{like, grant}, {code: like}} {
			if a, ok := d.answers[when]; ok {
				return a
			}
		}
		like = code.Standard()
	}
	ours := code == oauth.Throttled || code == oauth.Unavailable || code == oauth.ServerError
	if a, ok := d.answers[situation{code: refused}]; ok && (!ours || a.status == 0) {
		return a
	}
	return Standard().lookup(code, grant)
}

// status is the HTTP status a code has unless the dialect writes another (RFC 6749, section 5.2; RFC 6750, section 3.1).
func status(c oauth.Code) int {
	switch c {
	case oauth.InvalidClient, oauth.MissingCredentials, oauth.InvalidToken, oauth.NoToken, oauth.MalformedToken:
		return http.StatusUnauthorized
	case oauth.InsufficientScope, oauth.CrossOrigin:
		return http.StatusForbidden
	case oauth.Throttled:
		return http.StatusTooManyRequests
	case oauth.Unavailable:
		return http.StatusServiceUnavailable
	case oauth.ServerError:
		return http.StatusInternalServerError
	case oauth.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case oauth.UnsupportedMediaType:
		return http.StatusUnsupportedMediaType
	case oauth.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func (a *answer) statusOf(f *filling) int {
	if a.status != 0 {
		return a.status
	}
	return f.status
}

// send writes the answer. The headers it names are its own: what stood there before is replaced.
func (a *answer) send(w http.ResponseWriter, f *filling) {
	f.status = a.statusOf(f)
	h := w.Header()
	h["Cache-Control"] = noStore // RFC 6749, section 5.1
	h["X-Content-Type-Options"] = noSniff
	for i := range a.header {
		l := &a.header[i]
		values := l.constant
		if values == nil {
			values = []string{string(appendSegments(nil, l.segments, f))}
		}
		if l.again {
			values = append(h[l.name], values...)
		}
		h[l.name] = values
	}
	p := buffers.Get().(*[]byte)
	body := appendSegments((*p)[:0], a.body, f)
	w.WriteHeader(f.status)
	if len(body) > 0 {
		_, _ = w.Write(body) // a caller that went away cannot be told
	}
	putBack(p, body)
}

// AppendToken appends the body of the answer to a granted request to dst. It allocates only when dst has to grow.
func (d *Dialect) AppendToken(dst []byte, t *oauth.Token, about *About) []byte {
	a := d.lookup(issued, about.Grant)
	f := filling{token: t, about: about, status: http.StatusOK}
	f.status = a.statusOf(&f)
	return appendSegments(dst, a.body, &f)
}

func appendSegments(dst []byte, segments []segment, f *filling) []byte {
	for i := range segments {
		s := &segments[i]
		if !s.isHole {
			dst = append(dst, s.text...)
			continue
		}
		start := len(dst)
		dst = append(dst, s.lead...)
		before := len(dst)
		dst = f.appendHole(dst, s)
		if s.optional && len(dst) == before {
			dst = dst[:start]
			continue
		}
		dst = append(dst, s.tail...)
	}
	return dst
}

// appendHole writes the value of a hole.
func (f *filling) appendHole(dst []byte, s *segment) []byte {
	switch s.hole {
	case holeStatus:
		return strconv.AppendInt(dst, int64(f.status), 10)
	case holeExpiresIn, holeExpiresAt:
		return appendExpiry(dst, f.token, s.format)
	case holeSecretExpiresIn:
		if f.token.SecretExpires.IsZero() { // the end is not near
			return dst
		}
		return strconv.AppendInt(dst, max(0, int64(f.token.SecretExpires.Sub(f.token.IssuedAt)/time.Second)), 10)
	case holeRetryAfter:
		return strconv.AppendInt(dst, retryAfter(f.err), 10)
	}
	return appendEscaped(dst, f.text(s.hole), s.escape)
}
