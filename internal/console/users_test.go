package console

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

var (
	shownPassword = regexp.MustCompile(`<code id="password"[^>]*>([^<]+)<`)
	shownTOTP     = regexp.MustCompile(`<code id="totp-secret"[^>]*>([^<]+)<`)
)

const bob = "/t/acme/users/bob@acme.test"

func TestAUserIsRegisteredWithAPasswordThatIsShownOnce(t *testing.T) {
	w := newClientsWorld(t)
	wants(t, w.editor.get("/t/acme/users"), 200, "No users yet", "New user")
	form := w.editor.get("/t/acme/new-user")
	wants(t, form, 200, "Register the user")
	wellFormed(t, form.Body.String())
	made := w.editor.post("/t/acme/new-user", "username", "Bob@Acme.test", "name", "Bob", "permission", "nql", "password_from", "made", "totp", "yes")
	wants(t, made, 200, "This is shown once", "otpauth://totp/", "data:image/png;base64,")
	wellFormed(t, made.Body.String())
	password, code := found(t, shownPassword, made), found(t, shownTOTP, made)
	if len(password) != 23 {
		t.Errorf("the password is %q", password)
	}
	for _, target := range []string{"/t/acme/users", bob, "/t/acme/new-user"} {
		if body := w.editor.get(target).Body.String(); strings.Contains(body, password) || strings.Contains(body, code) || strings.Contains(body, "argon2") {
			t.Errorf("%s shows a secret", target) // Req 105
		}
	}
	page := w.editor.get(bob)
	wants(t, page, 200, "password and one-time code", "bob@acme.test")
	wellFormed(t, page.Body.String())
	wants(t, w.editor.get("/t/acme/users?q=BO"), 200, "bob@acme.test")
	wants(t, w.editor.get("/t/acme/users?q=x"), 200, "Nobody found")
	wants(t, w.editor.post("/t/acme/new-user", "username", "bob@acme.test"), 422, `id="username-error"`, "already")
	short := w.editor.post("/t/acme/new-user", "username", "al@acme.test", "password_from", "own", "password", "short")
	wants(t, short, 422, `id="password-error"`, "al@acme.test")
	if strings.Contains(short.Body.String(), `value="short"`) {
		t.Error("the password comes back")
	}
	wants(t, w.editor.post("/t/acme/new-user", "username", "al@acme.test", "password_from", "own", "password", "seven purple tractors"), 303)
}

func TestWhatIsDoneToAUser(t *testing.T) {
	w := newClientsWorld(t)
	if _, err := w.registry.CreateUser(t.Context(), "cli:root", registry.User{Tenant: "acme", Username: "bob@acme.test"}, "seven purple tractors"); err != nil {
		t.Fatal(err)
	}
	rev := func() string { return w.editor.seen(t, bob) }
	wants(t, w.editor.post(bob+"/edit", "rev", rev(), "name", "Bob B.", "permission", "nql"), 303)
	wants(t, w.editor.post(bob+"/edit", "rev", rev(), "name", "Bob B.", "permission", "unheard-of"), 422, `id="permissions-error"`)
	stale := rev()
	wants(t, w.editor.post(bob+"/disable", "rev", stale), 303)
	lost := w.editor.post(bob+"/edit", "rev", stale, "name", "Robert")
	wants(t, lost, 409, "You have changed this meanwhile", "Robert", "Saved now")
	wellFormed(t, lost.Body.String())
	wants(t, w.editor.post(bob+"/enable", "rev", rev()), 303)
	on := w.editor.post(bob+"/totp", "rev", rev(), "on", "yes")
	wants(t, on, 200, "One-time codes are on")
	found(t, shownTOTP, on)
	wants(t, w.editor.post(bob+"/totp", "rev", rev(), "on", "no"), 303)
	changed := w.editor.post(bob+"/password", "rev", rev(), "password_from", "made")
	wants(t, changed, 200, "A new password")
	found(t, shownPassword, changed)
	wants(t, w.editor.post(bob+"/password", "rev", rev(), "password_from", "own", "password", "bob@acme.test"), 422, `id="password-error"`)
	wants(t, w.editor.post(bob+"/end-tokens", "rev", rev()), 303)
	wants(t, w.editor.get(bob), 200, "Tokens refused")
	wants(t, w.editor.post(bob+"/delete", "rev", rev(), "typed", "bob"), 422, "That is not the user name")
	wants(t, w.editor.post(bob+"/delete", "rev", rev(), "typed", "BOB@acme.test"), 303)
	wants(t, w.editor.get(bob), 404)
}

func TestWhatIsTypedIntoTheFormIsRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	kept := registry.Until{Time: now.Add(time.Hour)}
	read := func(f clientForm) (registry.ClientSpec, error) {
		c := registry.Client{ID: "app", ClientSpec: registry.ClientSpec{Expires: kept}}
		f.Name, f.Grants = "App", []string{"client_credentials"}
		err := f.put(&registry.Tenant{}, &c, now)
		return c.ClientSpec, err
	}
	nets, err := read(clientForm{AllowFrom: "192.0.2.0/24, 2001:db8::1\n192.0.2.0/24", Lifetime: "15m"})
	if err != nil || len(nets.AllowFrom) != 2 || nets.AllowFrom[1].String() != "2001:db8::1/128" || nets.Lifetime != 900 {
		t.Errorf("%+v, %v", nets, err)
	}
	for _, f := range []clientForm{{Lifetime: "soon"}, {AllowFrom: "here"}, {Ends: "91"}, {Ends: endsOn, EndsOn: "tomorrow"}, {Ends: endsOn, EndsOn: "never"}} {
		if got, err := read(f); err == nil {
			t.Errorf("%+v is %+v", f, got)
		}
	}
	for ends, want := range map[string]time.Time{endsKeep: kept.Time, endsNever: {}, "90": time.Date(2027, 2, 21, 0, 0, 0, 0, time.UTC)} {
		if got, err := read(clientForm{Ends: ends}); err != nil || !got.Expires.Equal(want) {
			t.Errorf("%s is %s, %v", ends, got.Expires, err)
		}
	}
	if got, err := read(clientForm{Ends: endsOn, EndsOn: "2027-01-31"}); err != nil || !got.Expires.Equal(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a last day is %s, %v", got.Expires, err)
	}
}

func FuzzWhatIsTypedIntoTheForm(f *testing.F) {
	f.Add("15m", "192.0.2.0/24\n::1", "2027-01-31")
	f.Fuzz(func(t *testing.T, lifetime, nets, day string) {
		c := registry.Client{}
		form := clientForm{Lifetime: lifetime, AllowFrom: nets, Ends: endsOn, EndsOn: day}
		if err := form.put(&registry.Tenant{}, &c, time.Now()); err == nil && (c.Lifetime < 0 || c.Expires.IsZero()) {
			t.Errorf("%+v is %+v", form, c.ClientSpec)
		}
		decodeJWT(lifetime + "." + nets + "." + day)
		tokensIn([]byte(nets))
	})
}
