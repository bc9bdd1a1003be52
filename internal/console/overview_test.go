package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func TestTheOverviewCountsAndWarns(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	if page := p.get("/t/acme").Body.String(); !strings.Contains(page, "No token was asked for yet") {
		t.Error("an empty tenant does not teach")
	}
	for i := range 30 {
		if err := audit.AddTally(t.Context(), w.store, "acme", w.now().Add(-time.Duration(i)*time.Hour), 10, 1); err != nil {
			t.Fatal(err)
		}
	}
	week, day := p.get("/t/acme").Body.String(), p.get("/t/acme?show=day").Body.String()
	if !strings.Contains(week, "<dd>300</dd>") || !strings.Contains(day, "<dd>240</dd>") || !strings.Contains(day, "9.1 %") {
		t.Error("the sums are wrong")
	}
	for _, want := range []string{"password grant", "Feed", "is late", "<svg viewBox", "<caption>", `aria-current="page"`, "New OAuth client credentials"} {
		if !strings.Contains(week, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	v := w.person("vic@example.com", map[string]operator.Role{"acme": operator.Viewer})
	page := v.get("/").Header().Get("Location")
	if body := v.get(page).Body.String(); page != "/t/acme" || strings.Contains(body, "New OAuth client") || strings.Contains(body, "/t/acme/audit") || strings.Contains(body, "/t/other") {
		t.Errorf("a viewer is led to %q, or offered what they may not", page)
	}
}

func TestTheFirstPageIsTheHomeTenantForWhoMaySeeIt(t *testing.T) {
	home := ""
	w := newWorld(t)
	w.Home = func() string { return home }
	both := w.person("bo@example.com", map[string]operator.Role{"acme": operator.Viewer, "other": operator.Viewer})
	one := w.person("vic@example.com", map[string]operator.Role{"acme": operator.Viewer})
	for _, test := range []struct{ home, both, one string }{
		{"", "/t/acme", "/t/acme"}, {"other", "/t/other", "/t/acme"}, {"gone", "/t/acme", "/t/acme"}, {"acme", "/t/acme", "/t/acme"},
	} {
		home = test.home
		if got := both.get("/").Header().Get("Location"); got != test.both {
			t.Errorf("home %q: who may see both is led to %q, want %q", home, got, test.both)
		}
		if got := one.get("/").Header().Get("Location"); got != test.one {
			t.Errorf("home %q: who may see one is led to %q, want %q", home, got, test.one)
		}
	}
}

func TestSettingsOfATenantAreThoseOfNoOther(t *testing.T) {
	w := newWorld(t)
	p := w.person("au@example.com", map[string]operator.Role{"acme": operator.Auditor})
	page := p.get("/t/acme/settings").Body.String()
	if !strings.Contains(page, "booth.yaml:5") || strings.Contains(page, "login.other.test") || strings.Contains(page, "listen") {
		t.Error("the page does not show exactly the tenant's own settings")
	}
	if rec := p.get("/settings"); rec.Code != http.StatusForbidden {
		t.Errorf("all settings: %d", rec.Code)
	}
	owner := w.owner()
	if page := strings.ReplaceAll(owner.get("/settings?q=OTHER").Body.String(), "<wbr>", ""); !strings.Contains(page, "https://login.other.test") || strings.Contains(page, "listen") {
		t.Error("the search finds the wrong settings")
	}
}

func TestAccountKeysAreShownOnce(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	if rec := p.post("/account/recovery-codes"); rec.Code != http.StatusOK || strings.Count(rec.Body.String(), "<li>") < 10 {
		t.Errorf("recovery codes: %d", rec.Code)
	}
	rec := p.post("/account/calendar-key")
	_, key, found := strings.Cut(rec.Body.String(), consoleURL+"/calendar/")
	if !found {
		t.Fatalf("%d: no address", rec.Code)
	}
	key, _, _ = strings.Cut(key, ".ics")
	if strings.Contains(p.get("/account").Body.String(), key) {
		t.Error("the key is shown again")
	}
}

func TestPasskeyAnswersAreJSON(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	for _, begin := range []string{"/passkey/sign-in/begin", "/passkey/add/begin"} {
		rec := w.ask(http.MethodPost, begin, "{}", p.signed)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"challenge"`) || !strings.Contains(rec.Body.String(), `"state"`) {
			t.Errorf("%s: %d %s", begin, rec.Code, rec.Body)
		}
	}
	for name, body := range map[string]string{"nothing": "", "no answer": `{"state":"x","answer":{}}`, "an unknown field": `{"state":"x","admin":true}`, "an array": `[]`} {
		for _, finish := range []string{"/passkey/sign-in/finish", "/passkey/add/finish", "/passkey/again/finish"} {
			if rec := w.ask(http.MethodPost, finish, body, p.signed); rec.Code < 400 || rec.Code > 499 {
				t.Errorf("%s to %s: %d", name, finish, rec.Code)
			}
		}
	}
}

func TestAFormOf64KiBIsRead(t *testing.T) {
	w := newWorld(t)
	for size, want := range map[int]int{60 << 10: http.StatusUnprocessableEntity, 70 << 10: http.StatusRequestEntityTooLarge} {
		if rec := w.ask(http.MethodPost, "/sign-in", "username="+strings.Repeat("a", size)); rec.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, rec.Code, want)
		}
	}
	for _, broken := range []string{"username=%ff", "username=%00", "username=%zz", "a;b"} {
		if rec := w.ask(http.MethodPost, "/sign-in", broken); rec.Code != http.StatusBadRequest {
			t.Errorf("%q: %d, want 400", broken, rec.Code)
		}
	}
}

func TestChartsDrawAllThereIs(t *testing.T) {
	for name, of := range map[string]any{"nothing": []audit.Hour{}, "zeros": filled(nil, noon, 24), "one": []audit.Hour{{Start: noon, Issued: 1}},
		"much": []audit.Hour{{Start: noon, Issued: 1 << 62, Refused: 1 << 62}}, "days": []registry.DayUse{{Day: noon, Tokens: 12345}}} {
		svg, err := chart(of, hostile)
		if err != nil || strings.Contains(string(svg), "<script") || strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") || strings.Contains(string(svg), "style=") {
			t.Errorf("%s: %v %s", name, err, svg)
		}
	}
	if _, err := chart("text"); err == nil {
		t.Error("a text can be drawn")
	}
}

func TestTimesAndNumbersReadWell(t *testing.T) {
	for want, got := range map[string]string{"just now": ago(noon, noon.Add(-time.Second)), "1 minute ago": ago(noon, noon.Add(-time.Minute)), "3 days ago": ago(noon, noon.Add(-80*time.Hour)),
		"in 2 hours": ago(noon, noon.Add(2*time.Hour)), "in a moment": ago(noon, noon.Add(time.Second)), "never": ago(noon, time.Time{}), "1,234,567": num(1234567), "-1,000": num(-1000),
		"1 token": plural(1, "token"), "2 tokens": plural(2, "token"), "3 families": plural(3, "family", "families"), "12": decimal(12), "0.5": decimal(.5)} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if m := string(moment(noon.In(time.FixedZone("", 3600)))); !strings.Contains(m, "12:00:00 UTC") || !strings.Contains(m, `datetime="2026-11-22T12:00:00Z"`) {
		t.Error(m)
	}
}
