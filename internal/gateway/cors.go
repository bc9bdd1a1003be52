package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// CORS says which other sites' pages may call an API from a browser (Fetch Standard, section 3.3). With it the gateway alone speaks to
// browsers: it answers preflights for declared routes, without a token because browsers send none, and what the API says about
// other origins is dropped. The methods are those of the declared routes.
type CORS struct {
	Origins       []string      // as browsers write them, https://app.example.com; or "*" alone: any, and then without Credentials
	Headers       []string      // that a page may send, beside those that any page may; Authorization is one to name
	ExposeHeaders []string      // of an answer, that a page may read, beside those that any page may
	MaxAge        time.Duration // how long a browser may remember a preflight; 0: as it likes
	Credentials   bool          // a page may let cookies and client certificates be sent along
}

// crossOrigin is a CORS made ready.
type crossOrigin struct {
	any         bool
	origins     map[string]bool
	headers     string
	expose      string
	maxAge      string
	credentials bool
}

const anyOrigin = "*"

// Check says what is wrong with the rules; nil rules are none, and right.
func (s *CORS) Check() error {
	_, err := s.compile()
	return err
}

// compile checks the settings.
func (s *CORS) compile() (*crossOrigin, error) {
	if s == nil {
		return nil, nil
	}
	x := &crossOrigin{origins: map[string]bool{}, credentials: s.Credentials}
	x.any = slices.Contains(s.Origins, anyOrigin)
	switch {
	case len(s.Origins) == 0:
		return nil, errors.New("CORS names no origin")
	case x.any && len(s.Origins) > 1:
		return nil, errors.New(`CORS: "*" is every origin; name it alone`)
	case x.any && s.Credentials:
		return nil, errors.New("CORS: any origin and credentials together would let every page act as its visitor")
	case s.MaxAge < 0:
		return nil, errors.New("CORS: the age is negative")
	case s.MaxAge >= time.Second:
		x.maxAge = strconv.FormatInt(int64(s.MaxAge/time.Second), 10)
	}
	for _, o := range s.Origins {
		if !x.any && !isOrigin(o) {
			return nil, fmt.Errorf("CORS: an origin is written as browsers write it, like https://app.example.com, not %q", o)
		}
		x.origins[o] = true
	}
	for _, name := range slices.Concat(s.Headers, s.ExposeHeaders) {
		if !isToken(name) || name == "*" {
			return nil, fmt.Errorf("CORS: %q is no name of a header", name)
		}
	}
	x.headers, x.expose = strings.Join(s.Headers, ", "), strings.Join(s.ExposeHeaders, ", ")
	return x, nil
}

// isOrigin reports whether text is the serialisation of an origin (RFC 6454, section 6.2). null is the origin of any sandboxed page.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || text != u.Scheme+"://"+u.Host || strings.ToLower(text) != text {
		return false
	}
	if strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]") != "" || strings.HasSuffix(u.Host, ":") {
		return false
	}
	return !(u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80") // browsers leave these out
}

// isToken reports whether text is a token of RFC 9110, section 5.6.2, as methods and the names of headers are.
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		if alnum := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'; !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}

// admit says in the answer whether the page that calls may read it. The origin in the answer is one of the settings, so nothing is
// ever reflected.
func (x *crossOrigin) admit(h http.Header, r *http.Request) bool {
	h["Vary"] = append(h["Vary"], "Origin")
	lines := r.Header["Origin"]
	if len(lines) != 1 || !x.any && !x.origins[lines[0]] {
		return false
	}
	h.Set("Access-Control-Allow-Origin", lines[0])
	if x.any {
		h.Set("Access-Control-Allow-Origin", anyOrigin)
	}
	if x.credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if x.expose != "" {
		h.Set("Access-Control-Expose-Headers", x.expose)
	}
	return true
}

// preflight answers a browser that asks whether a page may make a call, where the gateway speaks for the API. A proxy that asks for
// decisions gets none here: an answer of 2xx would be a yes to the call itself.
func (c *call) preflight(l *leaf) bool {
	if c.r.Method != http.MethodOptions || c.asked != nil {
		return false
	}
	wanted := c.r.Header["Access-Control-Request-Method"]
	if len(wanted) != 1 || len(c.r.Header["Origin"]) == 0 || !isToken(wanted[0]) {
		return false
	}
	to := l.endpoint(wanted[0])
	if to == nil || to.api.cors == nil || to.api.CheckOnly {
		return false
	}
	c.to = to
	x, h := to.api.cors, c.w.Header()
	h["Vary"] = append(h["Vary"], "Access-Control-Request-Method", "Access-Control-Request-Headers")
	if !x.admit(h, c.r) {
		c.refuse(http.StatusForbidden, oauth.OtherOrigin, "Pages of this origin may not call this API.", "an origin that the API's CORS does not name")
		return true
	}
	h.Del("Access-Control-Expose-Headers")
	h.Set("Access-Control-Allow-Methods", l.methodsOf(to.api, wanted[0]))
	if x.headers != "" {
		h.Set("Access-Control-Allow-Headers", x.headers)
	}
	if x.maxAge != "" {
		h.Set("Access-Control-Max-Age", x.maxAge)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return true
}

// methodsOf lists the methods an API declares here. Where it declares any, the one that was asked for is one of them.
func (l *leaf) methodsOf(api *guarded, wanted string) string {
	names := []string{wanted}
	for m, e := range l.methods {
		if m != anyMethod && m != wanted && e.api == api {
			names = append(names, m)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
