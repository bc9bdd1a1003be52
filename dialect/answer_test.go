package dialect

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

var update = flag.Bool("update", false, "write testdata/spelling.txt")

// spell answers with a refusal and returns the answer.
func spell(d *Dialect, err *oauth.Error, about About) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	about.Realm, about.RequestID, about.Path = "acme", "4fM2hRq8", "/things"
	d.EncodeError(w, err, about)
	return w
}

// refusal renders how a dialect spells a code: status and body.
func refusal(d *Dialect, code oauth.Code) string {
	w := spell(d, &oauth.Error{Code: code, Description: "Sorry."}, About{Scope: "read"})
	return strings.TrimSpace(fmt.Sprint(w.Code) + " " + w.Body.String())
}

// Each code in each dialect, one to one: status, challenge, body. A change of a contract shows as a change of this file.
func TestReq073_HowEachDialectSpellsEachCode(t *testing.T) {
	var got strings.Builder
	for _, d := range Builtin() {
		for _, code := range oauth.Codes() {
			w := spell(d, &oauth.Error{Code: code, Description: "Sorry."}, About{Scope: "read"})
			fmt.Fprintf(&got, "%s %s\n  %s\n", d.Name, code, refusal(d, code))
			if c := w.Header().Get("WWW-Authenticate"); c != "" {
				fmt.Fprintf(&got, "  %s\n", c)
			}
		}
	}
	const file = "testdata/spelling.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got.String() {
		t.Errorf("%s differs (%v); read what changed, then go test -update\n%s", file, err, got.String())
	}
}

// A fault of ours never looks like a refusal of the caller's credential, and always says when to come back.
func TestD2_OurFaultsAreNeverTheCallers(t *testing.T) {
	for _, d := range Builtin() {
		for _, grant := range []oauth.GrantType{"", oauth.ClientCredentials, oauth.Password, oauth.RefreshToken} {
			for code, want := range map[oauth.Code]int{oauth.Unavailable: 503, oauth.ServerError: 500} {
				w := spell(d, &oauth.Error{Code: code}, About{Grant: grant})
				if w.Code != want || strings.Contains(w.Body.String(), "invalid_") || w.Header().Get("WWW-Authenticate") != "" {
					t.Errorf("%s spells %s as %d %s", d.Name, code, w.Code, w.Body)
				}
				if code == oauth.Unavailable && w.Header().Get("Retry-After") != "1" {
					t.Errorf("%s: Retry-After is %q", d.Name, w.Header().Get("Retry-After"))
				}
			}
			if w := spell(d, &oauth.Error{Code: oauth.Throttled, RetryAfter: 1001 * time.Millisecond}, About{Grant: grant}); w.Code == 400 || w.Code == 401 || w.Header().Get("Retry-After") != "2" {
				t.Errorf("%s spells throttled as %d with Retry-After %q", d.Name, w.Code, w.Header().Get("Retry-After"))
			}
		}
	}
}

func TestReq055_NoAnswerIsStored(t *testing.T) {
	check := func(d *Dialect, w *httptest.ResponseRecorder) {
		t.Helper()
		if got := w.Header()["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("%s: %d with Cache-Control %v", d.Name, w.Code, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d without nosniff", d.Name, w.Code)
		}
	}
	for _, d := range Builtin() {
		for _, code := range oauth.Codes() {
			check(d, spell(d, &oauth.Error{Code: code}, About{}))
		}
		w := httptest.NewRecorder()
		d.Encode(w, &oauth.Token{AccessToken: "abc", ExpiresIn: time.Minute}, About{})
		check(d, w)
	}
}

func TestReq017_UnknownWrongAndDisabledAreOneAnswer(t *testing.T) {
	for _, d := range Builtin() {
		answers := map[string]bool{}
		for _, reason := range []string{"unknown client", "wrong secret", "client disabled", "secret expired"} {
			w := spell(d, oauth.AuthenticationFailed(oauth.WrongSecret, "%s", reason), About{})
			answers[fmt.Sprint(w.Code, w.Header(), w.Body)] = true
			if basic := d.Endpoints()[0].basic; basic && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Basic realm="`) {
				t.Errorf("%s takes Basic and answers without a challenge", d.Name)
			}
		}
		if len(answers) != 1 {
			t.Errorf("%s tells them apart: %v", d.Name, answers)
		}
	}
}

func TestReq077_SuccessNamesTokenTypeAndLifetime(t *testing.T) {
	keys := map[string][]string{"dadi": {"accessToken", "tokenType", "expiresIn"}}
	for _, d := range Builtin() {
		for _, grant := range []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken} {
			if !d.grants(grant) {
				continue
			}
			w := httptest.NewRecorder()
			d.Encode(w, &oauth.Token{AccessToken: "abc", RefreshToken: "def", Scope: "read", ExpiresIn: d.Terms.Lifetime}, About{Grant: grant})
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				t.Fatalf("%s: %v in %s", d.Name, err, w.Body)
			}
			names := keys[d.Name]
			if names == nil {
				names = []string{"access_token", "token_type", "expires_in"}
			}
			if got[names[0]] != "abc" || !strings.EqualFold(fmt.Sprint(got[names[1]]), "bearer") || got[names[2]] != d.Terms.Lifetime.Seconds() {
				t.Errorf("%s: %s", d.Name, w.Body)
			}
		}
	}
}

func TestReq063_EveryRefusalOfAMethodNamesTheOneThatWorks(t *testing.T) {
	for _, d := range Builtin() {
		w := spell(d, &oauth.Error{Code: oauth.MethodNotAllowed}, About{})
		if allow := w.Header().Get("Allow"); w.Code == http.StatusMethodNotAllowed && allow != "POST" || w.Code != http.StatusMethodNotAllowed && allow != "" {
			t.Errorf("%s: %d with Allow %q", d.Name, w.Code, allow)
		}
	}
}

func TestAnAnswerOwnsItsHeaders(t *testing.T) {
	d := parseAnswer(t, "HTTP/1.1 200 OK\nContent-Type: application/json\nVary: A\nVary: B\nX-Realm: {{realm}}\nX-Realm: \"{{request_id}}\"", `{"t":"{{access_token}}"}`)
	for range 2 { // the second answer is not longer by the first
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Vary", "Origin")
		w.Header().Set("X-Other", "stays")
		d.Encode(w, &oauth.Token{AccessToken: "abc"}, About{Realm: "r\r\nSet-Cookie: a=b"})
		want := http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}, "Vary": {"A", "B"}, "X-Content-Type-Options": {"nosniff"},
			"X-Other": {"stays"}, "X-Realm": {"r__Set-Cookie: a=b", `""`}}
		if fmt.Sprint(w.Header()) != fmt.Sprint(want) {
			t.Errorf("\n got %v\nwant %v", w.Header(), want)
		}
	}
}

// parseAnswer compiles a dialect around one answer to a granted request.
func parseAnswer(tb testing.TB, head, body string) *Dialect {
	tb.Helper()
	text := "# @dialect x\n# @token jwt\n# @lifetime 900s\n\n### ask\n# @grant password\nPOST /t\nContent-Type: application/x-www-form-urlencoded\n\n" +
		"username={{username}}&password={{password}}\n\n### answer\n# @when issued\n" + head + "\n\n" + body + "\n"
	d, err := Parse("x.http", text)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestEveryFormOfEveryHole(t *testing.T) {
	token := &oauth.Token{AccessToken: `a"b\c<d>&` + "\x01é\xff", Scope: "a b", ClientID: "cid", Username: "ann@example.com",
		IssuedAt: time.Date(2026, 11, 1, 12, 0, 0, 0, time.FixedZone("", 3600)), ExpiresIn: 900 * time.Second,
		SecretExpires: time.Date(2026, 11, 1, 11, 1, 0, 999, time.UTC)}
	about := &About{RequestID: "r1", Path: "/t", Realm: "acme", Metadata: "https://a.example/m"}
	for _, row := range []struct{ mediaType, body, want string }{
		{"application/json", `{"t":"{{access_token}}"}`, `{"t":"a\"b\\c\u003cd\u003e\u0026\u0001é` + "\ufffd" + `"}`},
		{"application/vnd.acme+json;charset=UTF-8", `{"t":"{{access_token}}"}`, `{"t":"a\"b\\c\u003cd\u003e\u0026\u0001é` + "\ufffd" + `"}`},
		{"application/x-www-form-urlencoded", `t={{access_token}}&scope={{scope?}}&r={{request_id}}`, `t=a%22b%5cc%3cd%3e%26%01%c3%a9%ff&scope=a%20b&r=r1`},
		{"text/plain", `{{access_token}} {{path}}`, `a"b\c<d>& é` + "\ufffd /t"},
		{"application/json", `{"t":"{{access_token:}}","s":{{expires_in:s}},"ms":{{expires_in:ms}},"text":"{{expires_in}}"}`, `s":900,"ms":900000,"text":"900"}`},
		{"application/json", `{"t":"{{access_token}}","u":{{expires_at:unix}},"d":"{{ expires_at:rfc3339 }}"}`, `"u":1793531700,"d":"2026-11-01T11:15:00Z"}`},
		{"application/json", `{"t":"{{access_token}}","c":"{{client_id}}","n":"{{username}}","p":"{{path}}","r":"{{realm}}","i":"{{request_id}}","st":{{status}}}`,
			`"c":"cid","n":"ann@example.com","p":"/t","r":"acme","i":"r1","st":200}`},
		{"application/json", `{"t":"{{access_token}}","scope" : "{{scope?}}","refresh":"x"}`, `,"scope" : "a b","refresh":"x"}`},
		{"application/json", `{"t":"{{access_token}}","left":{{secret_expires_in?}},"text":"{{secret_expires_in?}}"}`, `,"left":60,"text":"60"}`},
		{"application/x-www-form-urlencoded", `t={{access_token}}&left={{secret_expires_in?}}`, `&left=60`},
		{"application/json", `{"a":{"b":"\\","c\"":["{{access_token}}"]}}`, `{"a":{"b":"\\","c\"":["a\"b`},
	} {
		got := string(parseAnswer(t, "HTTP/1.1 200 OK\nContent-Type: "+row.mediaType, row.body).AppendToken(nil, token, about))
		if !strings.Contains(got, row.want) {
			t.Errorf("%s\n got %s\nwant %s", row.body, got, row.want)
		}
	}
	bare := &oauth.Token{AccessToken: "abc"}
	for body, want := range map[string]string{
		`{"t":"{{access_token}}","scope":"{{scope?}}","x":1}`:                          `{"t":"abc","x":1}`,
		`{"t":"{{access_token}}","left" : {{secret_expires_in?}} ,"x":1}`:              `{"t":"abc" ,"x":1}`,
		`{"t":"{{access_token}}","left":"{{secret_expires_in?}}"}`:                     `{"t":"abc"}`,
		`{"t":"{{access_token}}","scope":"{{scope?}}","name":"{{username?}}"}`:         `{"t":"abc"}`,
		`{"t":"{{access_token}}",` + "\n" + `  "scope":"{{scope?}}"` + "\n" + `}`:      `{"t":"abc"` + "\n}",
		`{"t":"{{access_token}}","a":{"x":1,"scope":"{{scope?}}"},"b":"{{username}}"}`: `{"t":"abc","a":{"x":1},"b":""}`,
	} {
		if got := string(parseAnswer(t, "HTTP/1.1 200 OK\nContent-Type: application/json", body).AppendToken(nil, bare, about)); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestAnsweringAllocatesNothingButItsBytes(t *testing.T) {
	token := &oauth.Token{AccessToken: strings.Repeat("eyJ", 200), RefreshToken: "tbr_1", Scope: "service:integration", ExpiresIn: 900 * time.Second,
		SecretExpires: time.Unix(1_800_000_000, 0)}
	about := &About{Grant: oauth.ClientCredentials, Realm: "acme"}
	buf := make([]byte, 0, 4096)
	for _, d := range Builtin() {
		if n := testing.AllocsPerRun(200, func() { buf = d.AppendToken(buf[:0], token, about) }); n != 0 {
			t.Errorf("%s: AppendToken allocates %v times", d.Name, n)
		}
		if got := string(d.AppendToken([]byte("before "), token, about)); !strings.HasPrefix(got, "before {") {
			t.Errorf("%s: AppendToken does not append: %s", d.Name, got)
		}
		w := &silent{header: http.Header{}}
		if n := testing.AllocsPerRun(200, func() { clear(w.header); d.Encode(w, token, *about) }); n > 2 {
			t.Errorf("%s: Encode allocates %v times", d.Name, n)
		}
	}
}

// silent is a ResponseWriter that keeps nothing.
type silent struct{ header http.Header }

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }
func (s *silent) WriteHeader(int)             {}

func TestBuiltinIsInOrderAndSharedSafely(t *testing.T) {
	all := Builtin()
	if !slices.IsSortedFunc(all, func(a, b *Dialect) int { return strings.Compare(a.Name, b.Name) }) || len(all) != 4 {
		t.Error("the built-in dialects are not four, by name")
	}
	all[0] = nil
	if Builtin()[0] == nil {
		t.Error("a caller can change what others get")
	}
	for _, d := range Builtin() {
		if d.About == "" || d.Source == "" || d.Terms.Lifetime == 0 || len(d.Endpoints()) == 0 || d.Endpoint("/nowhere") != nil {
			t.Errorf("%s is not whole", d.Name)
		}
		for _, e := range d.Endpoints() {
			if d.Endpoint(e.Path) != e || e.Dialect() != d {
				t.Errorf("%s: %s is not found by its path", d.Name, e.Path)
			}
		}
	}
}
