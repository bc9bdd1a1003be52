package console

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// clientsWorld is a world whose public listener issues tokens, with an owner, an editor and a viewer of acme.
type clientsWorld struct {
	*world
	owner, editor, viewer *person
}

func newClientsWorld(t *testing.T) *clientsWorld {
	t.Helper()
	w := &clientsWorld{world: newWorld(t)}
	w.Public = http.HandlerFunc(w.issue)
	w.owner = w.world.owner()
	w.editor = w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	w.viewer = w.person("vi@example.com", map[string]operator.Role{"acme": operator.Viewer})
	w.owner.signIn()
	return w
}

// issue is the public listener, as far as a trial needs it.
func (w *clientsWorld) issue(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("X-Request-Id", "public-1")
	for _, d := range w.Dialects() {
		e := d.Endpoint(r.URL.Path)
		if e == nil || r.Host != "login.acme.test" {
			continue
		}
		req, refusal := e.Decode(r)
		req.Tenant, req.RequestID = "acme", "public-1"
		if refusal == nil {
			token, err := w.Office.Issuer.Token(r.Context(), req)
			if refusal = oauth.AsError(err); refusal == nil && err == nil {
				d.Encode(rw, &token, dialect.About{Path: r.URL.Path})
				return
			}
		}
		d.EncodeError(rw, refusal, dialect.About{Path: r.URL.Path})
		return
	}
	http.NotFound(rw, r)
}

var (
	hiddenForm = regexp.MustCompile(`name="form" value="([^"]+)"`)
	hiddenRev  = regexp.MustCompile(`name="rev" value="([^"]+)"`)
	shownText  = regexp.MustCompile(`<code id="client-secret"[^>]*>([^<]+)<`)
	shownID    = regexp.MustCompile(`<code id="client-id"[^>]*>([^<]+)<`)
)

// found returns what a pattern finds in an answer.
func found(t *testing.T, pattern *regexp.Regexp, rec *httptest.ResponseRecorder) string {
	t.Helper()
	m := pattern.FindStringSubmatch(rec.Body.String())
	if m == nil {
		t.Fatalf("%d: nothing like %s in %s", rec.Code, pattern, rec.Body)
	}
	return m[1]
}

// mainOf is what of an answer is worth reading in a failure.
func mainOf(rec *httptest.ResponseRecorder) string {
	_, main, _ := strings.Cut(rec.Body.String(), "<main")
	return clip(main, 1500)
}

var codeBlocks = regexp.MustCompile(`(?s)<pre.*?</pre>`)

// withoutCode takes the recipes out, in which any sign may stand.
func withoutCode(rec *httptest.ResponseRecorder) string {
	return codeBlocks.ReplaceAllString(rec.Body.String(), "")
}

// wants checks an answer's status and that it says something.
func wants(t *testing.T, rec *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if rec.Code != status {
		t.Fatalf("status %d, want %d: %s", rec.Code, status, mainOf(rec))
	}
	for _, text := range texts {
		if !strings.Contains(rec.Body.String(), text) {
			t.Errorf("the page does not say %q: %s", text, mainOf(rec))
		}
	}
}

// client makes credentials through the form, and returns id and secret.
func (p *person) newClient(t *testing.T, fields ...string) (id, text string) {
	t.Helper()
	form := p.get("/t/acme/new-client")
	made := p.post("/t/acme/new-client", append([]string{"form", found(t, hiddenForm, form), "grant", "client_credentials", "no_permissions", "yes"}, fields...)...)
	wants(t, made, http.StatusOK)
	return found(t, shownID, made), found(t, shownText, made)
}

// seen is the revision that the page of a client or user carries.
func (p *person) seen(t *testing.T, target string) string {
	t.Helper()
	return found(t, hiddenRev, p.get(target))
}
