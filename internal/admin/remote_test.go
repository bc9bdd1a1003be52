package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// desk is what the command line does at a desk, here or there.
type desk interface {
	Tenant() (*registry.Tenant, error)
	FindClients(context.Context, directory.Search) (directory.Page, error)
	Client(context.Context, string) (*registry.Client, error)
	CreateClient(context.Context, registry.Client) (*registry.Client, oauth.Secret, error)
	ImportClient(context.Context, registry.Client, oauth.Secret, string) (*registry.Client, error)
	UpdateClient(ctx context.Context, id, act string, rev uint64, edit func(*registry.Client) error) (*registry.Client, error)
	DisableClient(context.Context, string, uint64, bool) (*registry.Client, error)
	DeleteClient(context.Context, string, uint64) error
	RotateSecret(context.Context, string, uint64, time.Duration) (*registry.Client, oauth.Secret, error)
	RetireSecret(context.Context, string, uint64, string) (*registry.Client, error)
	UndoRotation(context.Context, string, uint64) (*registry.Client, error)
	RevokeClientTokens(context.Context, string) error
	FindUsers(ctx context.Context, prefix, after string, limit int) ([]*registry.User, string, error)
	User(context.Context, string) (*registry.User, error)
	CreateUser(context.Context, registry.User, oauth.Secret, bool) (*registry.User, string, error)
	UpdateUser(ctx context.Context, username, act string, rev uint64, edit func(*registry.User) error) (*registry.User, error)
	SetPassword(context.Context, string, oauth.Secret) error
	SetTOTP(context.Context, string, bool) (oauth.Secret, string, error)
	DisableUser(context.Context, string, uint64, bool) (*registry.User, error)
	DeleteUser(context.Context, string, uint64) error
	RevokeUserTokens(context.Context, string) error
	Introspect(context.Context, oauth.Secret) (oauth.Introspection, error)
	RevokeToken(context.Context, oauth.Secret) (issuer.Revoked, error)
	RevokeAll(context.Context) error
	Keys() ([]keyring.Public, error)
	RotateKeys(context.Context, bool) error
	WithdrawKey(context.Context, string) error
	Events(context.Context, audit.Query) ([]audit.Event, string, bool, error)
	Event(context.Context, string) (audit.Event, error)
	Explain(context.Context, string) (office.Explanation, error)
}

var (
	_ desk = (*office.Desk)(nil)
	_ desk = (*Remote)(nil)
)

// remote dials the world's desk as the program of a role.
func (w *world) remote(as string, transport http.RoundTripper) *Remote {
	w.t.Helper()
	r, err := Dial(w.t.Context(), w.server.URL, "acme", func(context.Context) (string, error) { return w.tokens[as], nil }, transport)
	w.must(err)
	return r
}

func TestAClientIsTheSameAtBothEnds(t *testing.T) {
	w, ctx := open(t), t.Context()
	r := w.remote("editor", nil)
	want := registry.Client{Tenant: "acme", ID: "c/1", ClientSpec: registry.ClientSpec{Name: "Postman", Description: "calls", Permissions: []string{"workflows", "nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.RefreshToken}, AuthMethods: []oauth.AuthMethod{oauth.AuthPost}, Dialects: []string{"oauth2"}, TokenForm: oauth.Opaque, Lifetime: 600, AllowFrom: []registry.Network{{Prefix: netip.MustParsePrefix("2001:db8::/32")}}, Expires: registry.Until{Time: w.clock().Add(time.Hour)}, ResourceServers: []string{"flows"}, AllowBodylessToken: true, Disabled: true}}
	made, text, err := r.CreateClient(ctx, want)
	if err != nil || text == "" {
		t.Fatal(err)
	}
	near, err := w.registry.InspectClient(ctx, "acme", "c/1")
	w.must(err)
	far, err := r.Client(ctx, "c/1")
	w.must(err)
	ignore := cmp.Options{cmpopts.IgnoreFields(registry.Client{}, "Scope", "Audiences", "Guards"), cmpopts.IgnoreUnexported(registry.Client{}, registry.Credential{}),
		cmpopts.IgnoreFields(registry.Credential{}, "Hash"), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(near, far, ignore); diff != "" {
		t.Errorf("here and there: %s", diff)
	}
	if diff := cmp.Diff(made, far, ignore); diff != "" {
		t.Errorf("made and read: %s", diff)
	}
	if diff := cmp.Diff(writable(&want), writable(far)); diff != "" {
		t.Errorf("wanted and made: %s", diff)
	}
}

// A client that only stands for an API asks by no grant and allows nothing: over the wire that is said, or the server would fill it in.
func TestAClientWithoutGrantsHasNoneAtTheOtherEnd(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.declare()
	c := registry.Client{ID: "guard", ClientSpec: registry.ClientSpec{Name: "Guard", ResourceServers: []string{"flows"}}}
	made, _, err := w.remote("editor", nil).CreateClient(ctx, c)
	w.must(err)
	c.ID = "guard-2"
	imported, err := w.remote("editor", nil).ImportClient(ctx, c, "shall be weak", "")
	w.must(err)
	for _, c := range []*registry.Client{made, imported} {
		if near, err := w.registry.InspectClient(ctx, "acme", c.ID); err != nil || len(near.Grants) > 0 || near.AllowBodylessToken || len(c.Grants) > 0 {
			t.Errorf("%+v, %v", near, err)
		}
	}
}

func TestWhatTheServerRefusesIsSaidInOurOwnErrors(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.client("acme", "c")
	r := w.remote("editor", nil)
	_, err := r.Client(ctx, "none")
	if !errors.Is(err, registry.ErrNotFound) || !strings.Contains(err.Error(), "none") {
		t.Errorf("not there: %v", err)
	}
	_, _, err = r.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{"root"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if p, ok := errors.AsType[*registry.Problem](err); !ok || p.Field != "permissions" {
		t.Errorf("a fault: %v", err)
	}
	w.must(r.RevokeClientTokens(ctx, "c"))
	_, err = r.DisableClient(ctx, "c", 1, true)
	if c, ok := errors.AsType[*office.Changed](err); !ok || c.By != "client:editor" || c.At.IsZero() {
		t.Errorf("a lost update: %v", err)
	}
	if err = r.RevokeAll(ctx); !errors.Is(err, operator.ErrDenied) || strings.Count(err.Error(), "not allowed") != 1 {
		t.Errorf("no right: %v", err)
	}
	if _, err = w.remote("nobody", nil).Client(ctx, "c"); err == nil || !strings.Contains(err.Error(), "request-") {
		t.Errorf("no token: %v", err)
	}
	if err = w.remote("owner", nil).RotateKeys(ctx, false); err == nil || !strings.Contains(err.Error(), "request-") {
		t.Errorf("not now: %v", err)
	}
}

func TestAnUpdateOfWhateverIsThereIsMadeAnewOnWhatSomebodyElseWrote(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.client("acme", "c", "workflows")
	w.user("bob")
	r, tries := w.remote("editor", nil), 0
	c, err := r.UpdateClient(ctx, "c", "client.update", 0, func(c *registry.Client) error {
		if tries++; tries == 1 {
			_, err := w.registry.UpdateClient(ctx, "cli:eve", "client.update", "acme", "c", func(c *registry.Client) error { c.Description = "eve was here"; return nil })
			w.must(err)
		}
		c.Name = "changed"
		return nil
	})
	if err != nil || tries != 2 || c.Name != "changed" || c.Description != "eve was here" {
		t.Errorf("%d tries: %+v, %v", tries, c, err)
	}
	if _, err = r.UpdateClient(ctx, "c", "client.update", 1, func(*registry.Client) error { return nil }); !errors.Is(err, office.ErrChanged) {
		t.Errorf("an old revision: %v", err)
	}
	u, err := r.UpdateUser(ctx, "bob", "user.update", 0, func(u *registry.User) error { u.Name = "Bob"; return nil })
	if err != nil || u.Name != "Bob" || len(u.Permissions) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
}

// losing loses the first answers.
type losing struct{ left int }

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := http.DefaultTransport.RoundTrip(r)
	if l.left--; l.left >= 0 && err == nil {
		_ = a.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return a, err
}

func TestACreateWhoseAnswerIsLostIsNotDoneTwice(t *testing.T) {
	w, ctx := open(t), t.Context()
	c, text, err := w.remote("editor", &losing{left: 2}).CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "once", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil || text == "" {
		t.Fatal(err)
	}
	page, err := w.remote("viewer", nil).FindClients(ctx, directory.Search{Text: "once"})
	if err != nil || page.Total != 1 || page.Clients[0].ID != c.ID {
		t.Errorf("%+v, %v", page, err)
	}
	if err := w.remote("editor", &losing{left: 1}).RevokeClientTokens(ctx, c.ID); err == nil {
		t.Error("what is not known to be done was said to be done")
	}
}

func TestPagesTokensKeysAndEventsComeFromFarAway(t *testing.T) {
	w, ctx := open(t), t.Context()
	r := w.remote("owner", nil)
	w.client("acme", "q2tjk4", "workflows")
	w.user("bob")
	tok := w.signIn("q2tjk4", "bob")
	seen, err := r.Introspect(ctx, oauth.Secret(tok.AccessToken))
	if err != nil || !seen.Active || seen.Username != "bob" || seen.ClientID != "q2tjk4" || seen.Expires.IsZero() {
		t.Errorf("%+v, %v", seen, err)
	}
	gone, err := r.RevokeToken(ctx, oauth.Secret(tok.AccessToken))
	if err != nil || gone.ClientID != "q2tjk4" || gone.Kind == 0 {
		t.Errorf("%+v, %v", gone, err)
	}
	if gone, err = r.RevokeToken(ctx, "made up"); err != nil || gone != (issuer.Revoked{}) {
		t.Errorf("%+v, %v", gone, err)
	}
	keys, err := r.Keys()
	if err != nil || len(keys) != 2 || keys[0].State != keyring.Active || keys[0].Created.IsZero() {
		t.Errorf("%+v, %v", keys, err)
	}
	users, _, err := r.FindUsers(ctx, "b", "", 1000)
	if err != nil || len(users) != 1 || users[0].Edition == 0 {
		t.Errorf("%+v, %v", users, err)
	}
	events, _, _, err := r.Events(ctx, audit.Query{Actor: "cli:", Act: "client.create", Until: w.clock().Add(time.Hour)})
	if err != nil || len(events) != 5 || events[0].Time.IsZero() {
		t.Errorf("%d events, %v", len(events), err)
	}
	if one, err := r.Event(ctx, events[0].ID); err != nil || cmp.Diff(one, events[0]) != "" {
		t.Errorf("%+v, %v", one, err)
	}
	if tn, err := r.Tenant(); err != nil || tn.Name != "acme" || len(tn.PermissionNames()) != 2 {
		t.Errorf("%+v, %v", tn, err)
	}
}

func TestATokenIsSentNowhereItCouldBeReadOrPassedOn(t *testing.T) {
	for _, server := range []string{"http://desk.example.com", "http://10.0.0.1:8081", "desk.example.com", "ftp://localhost", "https://u:p@desk.example.com", "https://desk.example.com/?a=b", ""} {
		if _, err := Dial(t.Context(), server, "acme", nil, nil); err == nil {
			t.Errorf("%q is taken", server)
		}
	}
	for _, server := range []string{"https://desk.example.com", "http://127.0.0.1:8081", "http://[::1]:8081/", "http://localhost:1", "http://desk.localhost"} {
		if _, err := Dial(t.Context(), server, "acme", nil, nil); err != nil {
			t.Errorf("%q: %v", server, err)
		}
	}
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	moved := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer moved.Close()
	r, err := Dial(t.Context(), moved.URL, "acme", func(context.Context) (string, error) { return "t", nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tenant(); err == nil || asked != 0 || !strings.Contains(err.Error(), "307") {
		t.Errorf("the redirect was followed %d times: %v", asked, err)
	}
}
