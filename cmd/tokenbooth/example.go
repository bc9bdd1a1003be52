package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// example is a dialect's own example of a request for a token, at a URL of a tenant.
type example struct {
	dialect string
	grant   oauth.GrantType
	url     string
	headers []string // Name: value
	body    string
}

// exampleFor returns the example of the first contract the client may ask by, or nil when there is none.
func exampleFor(t *registry.Tenant, c *registry.Client, dialects map[string]*dialect.Dialect) (*example, oauth.Terms) {
	try := func(name, path, as string) (*example, oauth.Terms) {
		d := dialects[name]
		if d == nil || !c.MaySpeak(name) {
			return nil, oauth.Terms{}
		}
		for _, grant := range c.Grants {
			if grant == oauth.RefreshToken {
				continue // it comes after a password
			}
			if e := readExample(d, grant, as); e != nil {
				if path != "" {
					e.url = path
				}
				e.url = origin(t) + e.url
				return e, d.Terms
			}
		}
		return nil, oauth.Terms{}
	}
	for _, name := range t.Dialects {
		if e, terms := try(name, "", ""); e != nil {
			return e, terms
		}
	}
	for _, own := range t.Endpoints {
		if e, terms := try(own.Dialect, own.Path, own.As); e != nil {
			return e, terms
		}
	}
	return nil, oauth.Terms{}
}

// readExample finds the first request of a grant in a dialect's file, at one of its paths where as names one. The file has been
// compiled, so it is as it should be. A contract whose callers only name themselves has no use for a client's credential.
func readExample(d *dialect.Dialect, grant oauth.GrantType, as string) *example {
	if d.Terms.ClientLabel {
		return nil
	}
	current := oauth.GrantType("")
	for _, block := range strings.Split("\n"+strings.ReplaceAll(d.Source, "\r\n", "\n"), "\n###")[1:] {
		var above []string
		rest := strings.Split(block, "\n")[1:]
		for len(rest) > 0 && !strings.HasPrefix(rest[0], "POST ") {
			above, rest = append(above, strings.TrimSpace(strings.TrimLeft(rest[0], "#/ "))), rest[1:]
		}
		for _, l := range above {
			if g, ok := strings.CutPrefix(l, "@grant "); ok {
				current = oauth.GrantType(strings.TrimSpace(g))
			}
		}
		if len(rest) == 0 || current != grant {
			continue
		}
		path := strings.Fields(rest[0])[1]
		if bare, _, _ := strings.Cut(path, "?"); as != "" && bare != as {
			continue
		}
		e := &example{dialect: d.Name, grant: grant, url: path}
		for rest = rest[1:]; len(rest) > 0 && strings.TrimSpace(rest[0]) != ""; rest = rest[1:] {
			if !strings.HasPrefix(rest[0], "#") {
				e.headers = append(e.headers, strings.TrimSpace(rest[0]))
			}
		}
		e.body = strings.TrimSpace(strings.Join(rest, "\n"))
		return e
	}
	return nil
}

// origin is where a tenant's callers reach it: its issuer where that is one of its hosts, else its first host.
func origin(t *registry.Tenant) string {
	u, err := url.Parse(t.Issuer)
	if err != nil {
		return ""
	}
	if slices.Contains(t.Hosts, strings.ToLower(u.Hostname())) {
		return u.Scheme + "://" + u.Host
	}
	host := t.Hosts[0]
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port() != "" {
		host += ":" + u.Port()
	}
	return u.Scheme + "://" + host
}

// valuesFor are what the holes of an example are filled with. What the caller has to fill in himself stands in capitals.
func valuesFor(id, secret string, terms oauth.Terms) map[string]string {
	v := map[string]string{"client_id": id, "client_secret": secret, "username": "USERNAME", "password": "PASSWORD"}
	if terms.FixedScope {
		v["scope"] = terms.DefaultScope
	}
	return v
}

var holeForm = regexp.MustCompile(`\{\{\s*([a-z_]+)(\?)?\s*\}\}`)

// filled puts values into holes, each written by encode. missing reports that a hole which may stay empty did.
func filled(text string, values map[string]string, encode func(string) string) (out string, missing bool) {
	out = holeForm.ReplaceAllStringFunc(text, func(hole string) string {
		m := holeForm.FindStringSubmatch(hole)
		if values[m[1]] == "" && m[2] == "?" {
			missing = true
		}
		return encode(values[m[1]])
	})
	return out, missing
}

// curl renders the example as a command for a POSIX shell.
func (e *example) curl(values map[string]string) string {
	plain := func(s string) string { return s }
	parts := []string{"curl"}
	form := false
	for _, h := range e.headers {
		name, value, _ := strings.Cut(h, ":")
		value, missing := filled(strings.TrimSpace(value), values, plain)
		switch {
		case missing:
		case strings.EqualFold(name, "Authorization"):
			parts = append(parts, "-u "+quoted(strings.TrimPrefix(value, "Basic ")))
		case strings.EqualFold(name, "Content-Type") && strings.HasPrefix(value, "application/x-www-form-urlencoded"):
			form = true // what curl says by itself
		default:
			parts = append(parts, "-H "+quoted(name+": "+value))
		}
	}
	switch {
	case e.body == "":
		parts = append(parts, "-X POST")
	case form:
		parts = append(parts, "-d "+quoted(filledForm(e.body, values)))
	default:
		body, _ := filled(e.body, values, func(s string) string { return string(oauth.AppendJSONText(nil, s)) })
		parts = append(parts, "-d "+quoted(body))
	}
	return strings.Join(append(parts, quoted(e.url)), " \\\n  ")
}

// filledForm fills a form and leaves out the parameters that have no value.
func filledForm(body string, values map[string]string) string {
	var pairs []string
	for _, pair := range strings.Split(body, "&") {
		encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }
		if text, missing := filled(pair, values, encode); !missing {
			pairs = append(pairs, text)
		}
	}
	return strings.Join(pairs, "&")
}

// quoted is a word of a POSIX shell.
func quoted(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@,+%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// about says in one line what an example asks for.
func (e *example) about() string { return fmt.Sprintf("Ask for a token (%s, %s):", e.dialect, e.grant) }
