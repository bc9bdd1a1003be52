package sheet

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	nastyID     = `a!b"c#$HOME%41&'*+,=;<>?@[\]^` + "`{|}~%PATH%"
	nastySecret = `it's "q" $HOME ${x} $(id) %PATH% %41 a\b\\ ` + "`id`" + ` !! {{x}} <a&b|c;d> ^ ~ + é ’ 漢 🔑 \`
	asciiSecret = `it's "q" $HOME ${x} $(id) %PATH% %41 a\b\\ !! {{x}} <a&b|c;d> ^ ~ + \` // for clients that take no other
	theToken    = "4172bbf1-0890-41c7-b0db-477095a288b6"
)

// desk is a server that speaks a dialect and knows one client.
func desk(t *testing.T, d *dialect.Dialect) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := d.Endpoint(r.URL.Path)
		if e == nil {
			t.Errorf("asked at %s", r.URL)
			http.NotFound(w, r)
			return
		}
		req, refusal := e.Decode(r)
		if refusal == nil && !known(req.Client) && (req.Decoded == nil || !known(*req.Decoded)) {
			refusal = oauth.AuthenticationFailed(oauth.WrongSecret, "got %q %q", req.Client.ID.Reveal(), req.Client.Secret.Reveal())
		}
		if refusal == nil && req.Grant == oauth.Password && (req.Username != noUsername || req.Password != noPassword) {
			refusal = oauth.AuthenticationFailed(oauth.WrongSecret, "got user %q", req.Username.Reveal())
		}
		if refusal != nil {
			t.Errorf("refused: %v", refusal)
			d.EncodeError(w, refusal, dialect.About{})
			return
		}
		d.Encode(w, &oauth.Token{AccessToken: theToken, Scope: req.Scope.Reveal(), IssuedAt: time.Now(), ExpiresIn: time.Minute}, dialect.About{Grant: req.Grant})
	}))
	t.Cleanup(s.Close)
	return s
}

func known(c oauth.Credential) bool {
	return c.ID == nastyID && (c.Secret == nastySecret || c.Secret == asciiSecret)
}

// runnable is every contract of every dialect at a server that answers, with the credential in the header and in the body.
func runnable(t *testing.T, f func(t *testing.T, c Contract)) {
	for name, d := range builtin() {
		tenant := *goldenTenant(name)
		tenant.Issuer, tenant.Hosts = desk(t, d).URL, []string{"127.0.0.1"}
		for _, way := range []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost} {
			client := registry.Client{ClientSpec: registry.ClientSpec{Grants: goldenClient.Grants, AuthMethods: []oauth.AuthMethod{way}}}
			for _, c := range For(&tenant, &client, builtin()) {
				t.Run(c.Title+" "+string(way), func(t *testing.T) { f(t, c) })
			}
		}
	}
}

// tool finds a program, or says what is not tested without it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s here: its recipe is held by its golden file only", name)
	}
	return path
}

// run executes a recipe as it would be pasted and wants the token in what it says.
func run(t *testing.T, c Contract, id string, command ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, r := range c.Recipes(nastyID, nastySecret) {
		if r.ID != id {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, r.FileName), []byte(r.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, command[0], append(command[1:], r.FileName)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), theToken) {
			t.Errorf("%v: %s\n%s", err, out, r.Text)
		}
		return
	}
	t.Errorf("there is no recipe %s", id)
}

func TestTheShellRecipeGetsAToken(t *testing.T) {
	tool(t, "curl")
	sh := tool(t, "sh")
	runnable(t, func(t *testing.T, c Contract) { run(t, c, "zsh", sh) })
}

func TestTheNodeRecipeGetsAToken(t *testing.T) {
	node := tool(t, "node")
	runnable(t, func(t *testing.T, c Contract) { run(t, c, "node", node) })
}

func TestThePythonRecipeGetsAToken(t *testing.T) {
	python := tool(t, "python3")
	runnable(t, func(t *testing.T, c Contract) { run(t, c, "python", python) })
}

func TestTheGoRecipeGetsAToken(t *testing.T) {
	golang := tool(t, "go")
	runnable(t, func(t *testing.T, c Contract) { run(t, c, "go", golang, "run") })
}

// TestTheWorkflowGetsAToken: the step's script, with the secrets where a runner puts them, masks the token before it sets it.
func TestTheWorkflowGetsAToken(t *testing.T) {
	tool(t, "jq")
	tool(t, "curl")
	bash := tool(t, "bash")
	runnable(t, func(t *testing.T, c Contract) {
		step := ""
		for _, r := range c.Recipes(nastyID, nastySecret) {
			if r.ID == "github-actions" {
				step = r.Text
			}
		}
		_, script, _ := strings.Cut(step, "run: |\n")
		script, _, _ = strings.Cut(script, "\n# ")
		output := filepath.Join(t.TempDir(), "output")
		cmd := exec.Command(bash, "-e", "-o", "pipefail", "-c", script)
		cmd.Env = append(os.Environ(), "GITHUB_OUTPUT="+output, "TOKENBOOTH_CLIENT_ID="+nastyID, "TOKENBOOTH_CLIENT_SECRET="+nastySecret,
			"TOKENBOOTH_USERNAME="+noUsername, "TOKENBOOTH_PASSWORD="+noPassword)
		said, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(said)) != "::add-mask::"+theToken {
			t.Errorf("%v: %s\n%s", err, said, script)
		}
		if set, err := os.ReadFile(output); err != nil || string(set) != "access_token="+theToken+"\n" {
			t.Errorf("%v: %s", err, set)
		}
	})
}

// TestTheRequestItselfGetsAToken: what Try it sends.
func TestTheRequestItselfGetsAToken(t *testing.T) {
	runnable(t, func(t *testing.T, c Contract) {
		q := c.Request(nastyID, nastySecret)
		r, err := http.NewRequest(q.Method, q.URL, strings.NewReader(q.Body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range q.Header {
			r.Header.Add(h[0], h[1])
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Body.Close(); err != nil || a.StatusCode != http.StatusOK {
			t.Errorf("%s %v", a.Status, err)
		}
	})
}
