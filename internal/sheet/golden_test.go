package sheet

import (
	"encoding/json"
	"flag"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenSecret has in it what ends a string, starts a variable or means something to a shell. With an id like that no caret is where
// nobody looked.
const (
	goldenID     = "q2tj2fvy-100%25"
	goldenSecret = `a'b"c$d%PATH%e^f&g\h i!{j}’k`
)

// goldenTenant speaks one dialect, and one API may be called.
func goldenTenant(name string) *registry.Tenant {
	return &registry.Tenant{Issuer: "https://login.acme.example", Hosts: []string{"login.acme.example"}, Dialects: []string{name}, AllowPasswordGrant: true,
		APIs: []registry.API{
			{Name: "workflows", Title: "Workflows", Dialect: name, Permissions: []registry.Permission{{Name: "workflows"}}, Routes: []registry.Route{
				{Method: "POST", Path: "/api/v1/workflows/execute", Permission: "workflows"}, {Method: "GET", Path: "/api/v1/workflows/{id}", Permission: "workflows"}}},
			{Name: "nql", Permissions: []registry.Permission{{Name: "nql"}}, Routes: []registry.Route{{Method: "GET", Path: "/api/v1/nql", Permission: "nql"}}},
		}}
}

var goldenClient = &registry.Client{ClientSpec: registry.ClientSpec{Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}}}

// TestRecipesAreAsShown: each dialect, contract and tool. go test ./internal/sheet -update writes the files; read the difference.
func TestRecipesAreAsShown(t *testing.T) {
	var kept []string
	for name := range builtin() {
		for _, c := range For(goldenTenant(name), goldenClient, builtin()) {
			at := strings.TrimPrefix(strings.ReplaceAll(c.example.path, "/", "-"), "-") + "." + string(c.Grant)
			for _, r := range c.Recipes(goldenID, goldenSecret) {
				file := filepath.Join("testdata", name, at, r.ID+filepath.Ext(r.FileName)+".golden")
				kept = append(kept, file)
				compare(t, file, r.Text+"\n")
			}
		}
	}
	found, err := filepath.Glob("testdata/*/*/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if !slices.Contains(kept, file) {
			t.Errorf("%s: no recipe is like this any more", file)
		}
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s: %v; got\n%s\nwant\n%s", file, err, got, want)
	}
}

// TestGoRecipesAreFormatted: people paste them into an editor that formats.
func TestGoRecipesAreFormatted(t *testing.T) {
	each(t, func(c Contract, byID map[string]string) {
		want, err := format.Source([]byte(byID["go"] + "\n"))
		if err != nil || string(want) != byID["go"]+"\n" {
			t.Errorf("%s: %v\n%s", c.Title, err, byID["go"])
		}
	})
}

// TestPostmanFilesSayWhereToAsk: they are JSON, the token request goes to the token endpoint, each API has a call, and the collection,
// which people share, has no secret in it.
func TestPostmanFilesSayWhereToAsk(t *testing.T) {
	each(t, func(c Contract, byID map[string]string) {
		var collection struct {
			Info struct{ Schema string }
			Item []struct {
				Name    string
				Request struct {
					Method string
					URL    string
					Header []struct{ Key, Value string }
				}
			}
		}
		if err := json.Unmarshal([]byte(byID["postman"]), &collection); err != nil {
			t.Fatal(err)
		}
		if i := collection.Item; collection.Info.Schema != postmanSchema || len(i) != 2 || i[0].Request.URL != c.URL || i[0].Request.Method != "POST" ||
			i[1].Request.URL != "https://login.acme.example/api/v1/workflows/:id" || i[1].Request.Method != "GET" {
			t.Errorf("%s: %+v", c.Title, collection)
		}
		if h := collection.Item[1].Request.Header; !slices.ContainsFunc(h, func(h struct{ Key, Value string }) bool { return h.Value == "Bearer {{access_token}}" }) {
			t.Errorf("%s: the call carries no token: %v", c.Title, h)
		}
		if strings.Contains(byID["postman"], goldenID) || strings.Contains(byID["postman"], "a'b") {
			t.Errorf("%s: a credential stands in the collection", c.Title)
		}
		var environment struct {
			Values []struct{ Key, Value, Type string }
		}
		if err := json.Unmarshal([]byte(byID["postman-environment"]), &environment); err != nil {
			t.Fatal(err)
		}
		if v := environment.Values; v[0].Value != goldenID || v[1].Value != goldenSecret || v[1].Type != "secret" {
			t.Errorf("%s: %+v", c.Title, v)
		}
	})
}

// TestNoSecretStandsInAWorkflow: it lives in a repository.
func TestNoSecretStandsInAWorkflow(t *testing.T) {
	each(t, func(c Contract, byID map[string]string) {
		if w := byID["github-actions"]; strings.Contains(w, goldenID) || strings.Contains(w, "a'b") || !strings.Contains(w, "::add-mask::") {
			t.Errorf("%s:\n%s", c.Title, w)
		}
	})
}

// each calls f for every contract of every dialect.
func each(t *testing.T, f func(c Contract, byID map[string]string)) {
	t.Helper()
	for name := range builtin() {
		for _, c := range For(goldenTenant(name), goldenClient, builtin()) {
			byID := map[string]string{}
			for _, r := range c.Recipes(goldenID, goldenSecret) {
				byID[r.ID] = r.Text
			}
			f(c, byID)
		}
	}
}

// TestCmdReadsWhatIsMeant: the two parsers of Windows, in turn, give back each argument.
func TestCmdReadsWhatIsMeant(t *testing.T) {
	for _, s := range []string{"", "plain", `a b`, `a"b`, `a\`, `a\"b\\`, `%PATH%`, `a^b`, `"&calc.exe&"`, `a"&b|c<d>e^f(g)h!i%j`, `{"x":"a b"}`, `\\"`, "a'b",
		`%PATH:~0,5%`, `"%PATH:a=b%"`, `%%PATH%%`, `%PATH:^%%`} {
		got := arguments(promptReads(cmdQuoted(s)))
		if len(got) != 1 || got[0] != s {
			t.Errorf("%q is written %s, and read %q", s, cmdQuoted(s), got)
		}
	}
}

// TestWindowsReadsNothingButWhatIsTyped: whatever stands in a secret, no character of the recipes is one that a code page, a prompt or a
// console reads in its own way.
func TestWindowsReadsNothingButWhatIsTyped(t *testing.T) {
	for _, way := range []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost} {
		client := *goldenClient
		client.AuthMethods = []oauth.AuthMethod{way}
		for name := range builtin() {
			for _, c := range For(goldenTenant(name), &client, builtin()) {
				for _, secret := range []oauth.Secret{"é", "漢🔑", "a\tb", "a\ncalc.exe", "a\r\n", "\x1b[2J", "\x00", "\x7f"} {
					for _, r := range c.Recipes(goldenID, secret) {
						if ps := r.ID == "powershell"; r.ID == "cmd" && !isTyped(r.Text) || ps && !isTyped(strings.ReplaceAll(r.Text, "\n", "")) ||
							ps && strings.Contains(r.Text, "\ncalc.exe") {
							t.Errorf("%s, %s, %s, %q:\n%s", c.Title, way, r.ID, secret.Reveal(), r.Text)
						}
					}
				}
			}
		}
	}
}

var promptVariable = regexp.MustCompile(`(?i)%PATH(:[^%]*)?%`)

// promptReads is what cmd makes of a command that is typed: variables that exist are expanded, whole or by what a colon asks of them, then
// carets outside of marks removed. A command that would begin or a redirection is marked, for the test to fail.
func promptReads(s string) string {
	s = promptVariable.ReplaceAllString(s, "EXPANDED")
	var out strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '^' && !quoted && i+1 < len(s):
			i++
			out.WriteByte(s[i])
			continue
		case s[i] == '"':
			quoted = !quoted
		case strings.IndexByte("&|<>", s[i]) >= 0 && !quoted:
			out.WriteString("BROKEN OUT")
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// arguments is how a program of Microsoft's C library cuts its command line.
func arguments(s string) []string {
	var out []string
	var word strings.Builder
	quoted, open := false, false
	for i := 0; i < len(s); i++ {
		slashes := 0
		for ; i < len(s) && s[i] == '\\'; i++ {
			slashes++
		}
		if slashes > 0 {
			open = true
		}
		if i < len(s) && s[i] == '"' {
			word.WriteString(strings.Repeat(`\`, slashes/2))
			open = true
			if slashes%2 == 1 {
				word.WriteByte('"')
			} else {
				quoted = !quoted
			}
			continue
		}
		word.WriteString(strings.Repeat(`\`, slashes))
		switch {
		case i == len(s):
		case s[i] == ' ' && !quoted:
			if open {
				out = append(out, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(s[i])
			open = true
		}
	}
	if open {
		out = append(out, word.String())
	}
	return out
}

func FuzzCmdReadsWhatIsMeant(f *testing.F) {
	f.Add(`a"&b|c<d>e^f(g)h!i%j\`)
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ToValidUTF8(s, "") != s || strings.ContainsAny(s, "\x00\r\n") {
			return
		}
		if got := arguments(promptReads(cmdQuoted(s))); len(got) != 1 || got[0] != s {
			t.Errorf("%q is written %s, and read %q", s, cmdQuoted(s), got)
		}
	})
}

// FuzzALiteralIsTheText: as Go reads it, and as JSON does, whose strings are JavaScript's.
func FuzzALiteralIsTheText(f *testing.F) {
	f.Add("it's \"q\" $HOME ${x} `id` \\ \u2028 \u202e 漢 🔑\x00")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ToValidUTF8(s, "") != s {
			return
		}
		var js string
		if got, err := strconv.Unquote(literal(s)); err != nil || got != s {
			t.Errorf("Go reads %s as %q: %v", literal(s), got, err)
		}
		if err := json.Unmarshal([]byte(literal(s)), &js); err != nil || js != s {
			t.Errorf("JavaScript reads %s as %q: %v", literal(s), js, err)
		}
	})
}
