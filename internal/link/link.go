// Package link makes paths out of names: of clients, users, tenants, whatever has a page or a resource of its own. A name is one segment of
// the path whatever stands in it, so no name leads to another page than its own (RFC 3986, section 3.3).
//
// It is the only place that escapes a segment: who writes an address calls Path and never joins names with a slash, in Go or in a template.
// Everything here is pure and may be called concurrently.
package link

import (
	"net/url"
	"strings"
)

// Path is the path of a page or resource, from the names on the way to it: Path("t", "acme", "clients", "a/b") is /t/acme/clients/a%2Fb.
// Without names it is the root.
func Path(names ...string) string {
	if len(names) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, name := range names {
		b.WriteString("/" + segment(name))
	}
	return b.String()
}

// segment spells a name as one segment. A name of dots alone would mean another place; escaped it means itself, except to browsers, for
// which nothing helps (URL Standard, double-dot path segment): the registry takes no such name.
func segment(name string) string {
	if name != "" && strings.Trim(name, ".") == "" {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}
