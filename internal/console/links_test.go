package console

import (
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// hostileNames are names that would lead elsewhere if they stood in a path as they are.
var hostileNames = []string{"a/b", "a%41b", "a%2Fb", "a?b", "a#b", "a//b", "/a", "a/", "..a", "%2e%2e", "../a", `a\b`, "a;b", "a&b=c", `a"b`, "a+b", "a{id}"}

// beyondASCII are names that only some registrations may have.
var beyondASCII = []string{"zoë@büro.example", "名前", "a b"}

var (
	attribute = regexp.MustCompile(`\s(?:href|action|formaction|src|data-begin|data-finish|data-next)="([^"]*)"`)
	anchor    = regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>(?:<bdi>)?([^<]*)(?:</bdi>)?</a>`)
	posted    = regexp.MustCompile(`<form method="post"[^>]* action="([^"]*)"`)
)

// In a template an address is a constant, or one value that link.Path has made and constants behind it: a name of its own in the middle
// would be put there as it is.
func TestTemplatesPutNoNameIntoAnAddress(t *testing.T) {
	control := regexp.MustCompile(`\{\{(?:if [^}]*|else(?: if [^}]*)?|end)\}\}`)
	address := regexp.MustCompile(`\s(?:href|action|formaction|src|data-begin|data-finish|data-next)="((?:\{\{[^}]*\}\}|[^"{])*)"`)
	fine := regexp.MustCompile(`^(?:\{\{[^}]*\}\})?[^{]*$|^#`)
	files, err := fs.Glob(embedded, "templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := 0
	for _, file := range files {
		text, err := fs.ReadFile(embedded, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range address.FindAllStringSubmatch(string(text), -1) {
			found++
			if !fine.MatchString(control.ReplaceAllString(a[1], "")) {
				t.Errorf("%s: %s puts a value behind another text; make the whole address by path or Frame.To", file, a[0])
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d addresses were looked at", found)
	}
}

// Every link of every page that shows a client or a user leads somewhere, the one with its name to its own page, and each form there is sent
// to a route of that very name.
func TestLinksLeadToTheOneWhoseNameTheyHave(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	clients, users := 0, 0
	for _, name := range append(hostileNames, beyondASCII...) {
		if w.walkClient(p, name) {
			clients++
		}
		if w.walkUser(p, "u"+name) { // an id that was a client's is no user's
			users++
		}
	}
	if clients < len(hostileNames) || users < len(hostileNames) {
		t.Errorf("only %d clients and %d users of such names were registered", clients, users)
	}
	for _, dots := range []string{".", ".."} { // no browser sends these as they are
		if w.walkClient(p, dots) || w.walkUser(p, dots) {
			t.Errorf("%s can be registered", dots)
		}
	}
}

// walkClient registers a client of an id, where it may have it, and follows all links to it.
func (w *world) walkClient(p *person, id string) bool {
	w.t.Helper()
	c := registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: "the client " + id, Permissions: []string{"nql"}, Expires: registry.Until{Time: w.now().Add(24 * time.Hour)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
	if _, err := w.registry.ImportClient(w.t.Context(), "cli:root", c, "a secret that was", ""); err != nil {
		return false
	}
	here := w.walk(p, c.Name, `id="client-id">`+id+"<", "/t/acme", "/t/acme/clients", "/t/acme/clients?state=expiring")
	w.walk(p, "", "", here, here+"/edit", here+"/try")
	to := p.post(here+"/disable", "rev", p.seen(w.t, here)).Header().Get("Location")
	if now, err := w.registry.InspectClient(w.t.Context(), "acme", id); to != here || err != nil || !now.Disabled {
		w.t.Errorf("%q: its button leads to %s, not %s, and did not disable it: %v", id, to, here, err)
	}
	edited := p.post(here+"/edit", "rev", p.seen(w.t, here), "name", "renamed", "grant", "client_credentials", "permission", "nql")
	if to := edited.Header().Get("Location"); to != here {
		w.t.Errorf("%q: saving leads to %q, not %s: %d", id, to, here, edited.Code)
	}
	deleted := p.post(here+"/delete", "rev", p.seen(w.t, here), "typed", "renamed")
	if to := deleted.Header().Get("Location"); to != "/t/acme/clients" {
		w.t.Errorf("%q: deleting leads to %q: %d", id, to, deleted.Code)
	}
	return true
}

// walkUser is walkClient for a user.
func (w *world) walkUser(p *person, username string) bool {
	w.t.Helper()
	u := registry.User{Tenant: "acme", Username: username, UserSpec: registry.UserSpec{Name: "the user " + username}}
	made, err := w.registry.CreateUser(w.t.Context(), "cli:root", u, testWord)
	if err != nil {
		return false
	}
	here := w.walk(p, made.Username, "<dt>User name</dt><dd>"+made.Username+"<", "/t/acme/users")
	w.walk(p, "", "", here)
	to := p.post(here+"/disable", "rev", p.seen(w.t, here)).Header().Get("Location")
	if now, err := w.registry.UserByName(w.t.Context(), "acme", made.Username); to != here || err != nil || !now.Disabled {
		w.t.Errorf("%q: its button leads to %s, not %s, and did not disable it: %v", username, to, here, err)
	}
	return true
}

// walk looks at all addresses of pages. It returns where the links with that text lead, which is one page, and has the given piece.
func (w *world) walk(p *person, text, piece string, pages ...string) (to string) {
	w.t.Helper()
	for _, page := range pages {
		body := p.get(page).Body.String()
		led := text == ""
		for _, a := range anchor.FindAllStringSubmatch(body, -1) {
			if html.UnescapeString(a[2]) == text {
				led, to = true, html.UnescapeString(a[1])
				if seen := html.UnescapeString(p.get(to).Body.String()); !strings.Contains(seen, piece) {
					w.t.Errorf("%s: %q leads by %s to another page", page, text, to)
				}
			}
		}
		if !led {
			w.t.Errorf("%s has no link %q", page, text)
		}
		w.follows(p, page, body)
	}
	return to
}

// follows opens each address of a page.
func (w *world) follows(p *person, page, body string) {
	w.t.Helper()
	base, err := url.Parse(page)
	if err != nil {
		w.t.Fatal(err)
	}
	forms := map[string]bool{}
	for _, f := range posted.FindAllStringSubmatch(body, -1) {
		forms[f[1]] = true
	}
	for _, a := range attribute.FindAllStringSubmatch(body, -1) {
		to, err := base.Parse(html.UnescapeString(a[1]))
		if err != nil {
			w.t.Errorf("%s has the address %s: %v", page, a[1], err)
			continue
		}
		if to.Fragment = ""; forms[a[1]] {
			r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, to.RequestURI(), nil)
			if _, pattern := w.mux.Handler(r); pattern == "" || strings.HasSuffix(pattern, "/") {
				w.t.Errorf("%s has a form to %s, where there is none", page, to)
			}
		} else if rec := p.get(to.RequestURI()); rec.Code >= 400 {
			w.t.Errorf("%s leads to %s: %d", page, to, rec.Code)
		}
	}
}
