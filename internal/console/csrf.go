package console

import (
	"errors"
	"mime"
	"net/http"
	"strings"
)

var errForeign = errors.New("not from a page of the console")

// crossSite refuses what a page of another site can make a browser send. http.CrossOriginProtection looks at Sec-Fetch-Site and Origin; beyond
// it, Origin must not be "null" (a sandboxed frame, a file, a redirect), and a body is one of the types that our own pages send: a form's
// text/plain is how other sites smuggle JSON.
func (c *Console) crossSite(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return nil
	}
	if err := c.csrf.Check(r); err != nil {
		return err
	}
	if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) {
		return errForeign
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return errors.Join(errForeign, err)
	}
	for _, own := range bodies(r.URL.Path) {
		if kind == own {
			return nil
		}
	}
	return errForeign
}

// bodies returns the types of bodies that our pages send to a path.
func bodies(path string) []string {
	switch {
	case path == "/csp-report":
		return []string{"application/csp-report", "application/reports+json"}
	case strings.HasPrefix(path, passkeyPaths):
		return []string{"application/json"}
	}
	return []string{"application/x-www-form-urlencoded"}
}

func sameHost(origin, host string) bool {
	_, at, found := strings.Cut(origin, "://")
	return found && strings.EqualFold(at, host)
}
