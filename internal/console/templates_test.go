package console

import (
	"html"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// hostile is what somebody may have typed as a name.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}'`

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// pageExamples has a filled page for each template of this area. Other areas have such a table in their own tests; exampleTables names all.
var pageExamples = map[string][]any{
	"error":        {errorPage{Status: 409, Title: hostile, Text: hostile, By: hostile, At: noon, Back: "/t/acme", BackTo: "Load it again", Request: "req-1"}, errorPage{Status: 404}},
	"no_role":      {nil},
	"reading":      {readingPage{hostile}},
	"sign_in":      {signInPage{Next: "/t/acme?q=" + hostile, Out: true, Problem: wrongProof}, signInPage{}},
	"sign_in_link": {signInLinkPage{Key: hostile, Problem: "used"}, signInLinkPage{}},
	"again":        {againPage{Next: "/operators", Passkey: true, Password: true, Problem: wrongProof}, againPage{Next: "/", Passkey: true}, againPage{}},
	"held":         {&heldPage{To: "/operators", Again: "/sign-in/again?next=%2Fconfirmed", Fields: []heldField{{hostile, hostile}}, Typed: []heldField{{hostile, hostile}}}, &heldPage{}},
	"confirmed":    {nil},
	"account": {accountPage{Username: hostile, Name: hostile, Roles: []roleLine{{"everywhere", operator.Owner}}, Password: true, Recovery: 3, Calendar: true, Proofs: 2,
		Passkeys: []passkeyLine{{"aWQ", hostile, noon, noon, false}, {"aWQ", "last", noon, noon, true}},
		Sessions: []sessionLine{{"s1", "passkey", "192.0.2.7", hostile, noon, noon, true}, {ID: "s2"}}}, accountPage{}},
	"account_password": {passwordPage{Has: true, App: true, Secret: "ABCD", TOTPURL: "otpauth://totp/x?secret=ABCD", QR: "data:image/png;base64,AA==", Password: hostile, Code: hostile, MinimumLen: 8}, passwordPage{}},
	"recovery_codes":   {codesPage{[]oauth.Secret{"aaaa-bbbb"}}},
	"calendar_key":     {calendarPage{"https://desk.example.com/calendar/x.ics"}},
	"operators": {operatorsPage{MayChange: true, Operators: []operatorLine{{ID: "o1", Username: hostile, Name: hostile, Roles: []roleLine{{"acme", operator.Viewer}}, Proof: "2 passkeys", Disabled: true, SignedIn: noon, You: true}, {ID: "o2", Username: "bo"}}},
		operatorsPage{}},
	"operator_new":     {operatorNewPage{Username: hostile, Name: hostile, Choices: []roleChoice{{operator.All, "Everywhere", operator.Owner}}, Roles: operator.Roles(), Problems: map[string]string{"": hostile, "username": hostile, "name": hostile, "roles": hostile}}, operatorNewPage{}},
	"operator_invited": {operatorInvitedPage{hostile, "https://desk.example.com/sign-in/link?key=x", noon, "/operators/o1"}},
	"operator": {&operatorPage{ID: "o1", Username: hostile, Name: hostile, Rev: 7, Proof: "", Disabled: true, You: true, Created: noon, Updated: noon, CreatedBy: hostile, UpdatedBy: hostile, SignedIn: noon,
		Choices: []roleChoice{{"acme", hostile, operator.Editor}}, Roles: operator.Roles(), Sessions: []sessionLine{{ID: "s1", Agent: hostile, Current: true}, {ID: "s2"}}, MayChange: true,
		Problems: map[string]string{"": hostile, "name": hostile, "roles": hostile, "typed": hostile}}, &operatorPage{}},
	"overview": {overviewPage{Title: hostile, Issuer: "https://login.acme.test", Hours: []audit.Hour{{Start: noon, Issued: 5, Refused: 2}}, Week: true, Issued: 5, Refused: 2, Share: "28.6 %",
		Busiest: []registry.Busy{{ID: "c1", Name: hostile, Tokens: 9}, {ID: "c2", Tokens: 1}}, Most: 9, Expiring: []directory.Expiry{{ID: "c1", Name: hostile, Credential: "s", At: noon}, {ID: "c2", At: noon}}, ExpiringInAll: 4, More: 2,
		Warnings: []warningLine{{hostile, "/t/acme/keys", "Signing keys"}, {Text: "x"}}, Health: []Fact{{"Store", OK, hostile}, {"Feed", Warning, "late"}, {"Disk", Failing, "full"}}, MayCreate: true},
		overviewPage{Empty: true}, overviewPage{Reading: hostile}, overviewPage{Empty: true, Busiest: []registry.Busy{{ID: "c1"}}}},
	"settings": {settingsPage{Tenant: hostile, Search: hostile, Total: 1, Groups: []settingsGroup{{hostile, []office.Setting{{Field: hostile, Value: hostile, Place: "booth.yaml:3"}}, true}, {Name: hostile}}}, settingsPage{}},
}

// exampleTables are the tables of all areas.
var exampleTables = []map[string][]any{pageExamples, clientExamples, deskExamples}

// frameExample is a frame with everything in it.
var frameExample = frame{Title: hostile, Done: hostile, Who: hostile, Username: hostile, Role: "owner", Tenant: hostile, Here: "/t/acme", Version: "v1",
	Tenants: []frameLink{{Label: hostile, URL: "/t/acme", Current: true}}, Nav: []frameGroup{{hostile, []frameLink{{hostile, "/t/acme", "overview", true}}}}}

func (w *world) executed(t *testing.T, name string, page any) string {
	t.Helper()
	var b strings.Builder
	if err := w.pages[name].ExecuteTemplate(&b, "layout.html", struct {
		Frame frame
		Page  any
	}{frameExample, page}); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestReq051_EveryTemplateFitsItsPageAndEscapes(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, table := range exampleTables {
		for name, pages := range table {
			seen[name] = true
			t.Run(name, func(t *testing.T) {
				for _, page := range pages {
					wellFormed(t, w.executed(t, name, page))
				}
				if pages == nil {
					t.Error("there is no example")
				}
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.pages)) {
		if !seen[name] {
			t.Errorf("no example fills template %s", name)
		}
	}
}

var (
	idAttribute = regexp.MustCompile(`\sid="([^"]*)"`)
	refersTo    = regexp.MustCompile(`\s(for|aria-describedby|aria-labelledby)="([^"]*)"`)
	handler     = regexp.MustCompile(`<[^>]*\son\w+\s*=`)
)

// wellFormed finds what a browser or a screen reader would stumble over.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	if strings.Contains(page, "<script>") || strings.Contains(page, "<img src=x") || handler.MatchString(attributesOut(page)) {
		t.Error("what somebody typed is not escaped")
	}
	if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "%!(") || strings.Contains(page, "map[string]") {
		t.Error("a value does not fit its place")
	}
	ids := map[string]bool{}
	for _, m := range idAttribute.FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %q stands twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range refersTo.FindAllStringSubmatch(page, -1) {
		for _, id := range strings.Fields(m[2]) {
			if !ids[html.UnescapeString(id)] {
				t.Errorf("%s=%q refers to nothing", m[1], id)
			}
		}
	}
	if n := strings.Count(page, "<h1"); n != 1 {
		t.Errorf("the page has %d h1", n)
	}
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// attributesOut takes the values of attributes out: what stands in quotes there is harmless.
func attributesOut(page string) string { return quoted.ReplaceAllString(page, `""`) }

func TestNoTemplateHasAScriptOrStyleInside(t *testing.T) {
	names, err := fs.Glob(embedded, "templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	inline := regexp.MustCompile(`(?i)<style|\sstyle\s*=|\son[a-z]+\s*=\s*["']|javascript:|<script(>|\s+[^s])`)
	foreign := regexp.MustCompile(`(?i)(src|href|action)\s*=\s*"(https?:)?//`)
	for _, name := range names {
		text, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if inline.MatchString(line) || foreign.MatchString(line) {
				t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
}

func TestIconsThatTemplatesNameAreDrawn(t *testing.T) {
	drawn, err := embedded.ReadFile("static/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	names, _ := fs.Glob(embedded, "templates/*.html")
	named := regexp.MustCompile(`icon "([a-z-]+)"`)
	for _, name := range names {
		text, _ := embedded.ReadFile(name)
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(drawn), `id="`+m[1]+`"`) {
				t.Errorf("%s: there is no icon %s", name, m[1])
			}
		}
	}
	for _, e := range navigation {
		if !strings.Contains(string(drawn), `id="`+e.icon+`"`) {
			t.Errorf("navigation: there is no icon %s", e.icon)
		}
	}
}
