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
	for text, want := range map[string]int64{"": 0, "15m": 900, "900": 900, "1h30m": 5400} {
		if got, err := readLifetime(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"soon", "-5m", "1500ms", "0"} {
		if got, err := readLifetime(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	nets, err := readNetworks("192.0.2.0/24, 2001:db8::1\n192.0.2.0/24")
	if err != nil || len(nets) != 2 || nets[1].String() != "2001:db8::1/128" {
		t.Errorf("%v, %v", nets, err)
	}
	if _, err := readNetworks(strings.Repeat("10.0.0.1 10.0.0.2 ", 60)); err != nil {
		t.Error(err)
	}
	kept := now.Add(time.Hour)
	for ends, want := range map[string]time.Time{endsKeep: kept, endsNever: {}, "90": time.Date(2027, 2, 21, 0, 0, 0, 0, time.UTC)} {
		if got, err := (&clientForm{Ends: ends}).expires(kept, now); err != nil || !got.Equal(want) {
			t.Errorf("%s is %s, %v", ends, got, err)
		}
	}
	if _, err := (&clientForm{Ends: "91"}).expires(kept, now); err == nil {
		t.Error("an end that is not offered is taken")
	}
	for d, want := range map[time.Duration]string{15 * time.Minute: "15m", 36 * time.Hour: "36h", 90 * time.Second: "1m30s", time.Hour + time.Minute: "1h1m", 10 * time.Second: "10s"} {
		if got := spanText(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

func FuzzWhatIsTypedIntoTheForm(f *testing.F) {
	f.Add("15m", "192.0.2.0/24\n::1", "2027-01-31")
	f.Fuzz(func(t *testing.T, lifetime, nets, day string) {
		if n, err := readLifetime(lifetime); err == nil && n < 0 {
			t.Errorf("%q lives %d seconds", lifetime, n)
		}
		list, err := readNetworks(nets)
		for _, p := range list {
			if err == nil && p != p.Masked() {
				t.Errorf("%q has %s", nets, p)
			}
		}
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		if end, err := (&clientForm{Ends: endsOn, EndsOn: day}).expires(time.Time{}, now); err == nil && !end.After(now) {
			t.Errorf("%q is %s", day, end)
		}
		decodeJWT(lifetime + "." + nets + "." + day)
		tokensIn([]byte(nets))
	})
}
