// Package sheet writes the credential sheet: how a client asks for a token, as something to paste. It reads the example requests in
// the dialect's own file and renders one for a shell, for PowerShell, for cmd, as a program in Node.js, Python and Go, for Postman,
// for a workflow of GitHub Actions and as the fields of a Creator Studio connector.
//
// It decides how a text is quoted in each of these languages, and which contracts a client can ask by at all. It decides nothing about
// who may have a token, and no recipe knows a dialect by its name: what a dialect's file says is what a recipe does.
//
// The command line calls it where a client is created, and the console where a secret is shown, once. What it returns holds the
// secret in the clear, so whoever shows it must see that nobody keeps it: no-store, and no log.
//
// A recipe is right for every id and secret that can be registered: whatever stands in them ends no string and starts no command.
// Everything here is pure and may be called concurrently. RFC 6749 (sections 2.3, 4.3, 4.4), RFC 7617.
package sheet

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Contract is one way in which a client may ask for a token: an endpoint of a dialect and a grant.
type Contract struct {
	Dialect string          // the dialect's name
	Title   string          // for people: nexthink: client credentials at /oauth2/default/v1/token
	Grant   oauth.GrantType // never RefreshToken: it comes after another
	URL     string          // where to ask, with the query that the contract wants

	base    string // scheme, host and port of the tenant
	example *example
	terms   oauth.Terms
	token   []string // where the access token stands in the answer, a JSON object; empty: the answer is no such object
	calls   []call   // one for each API that the client may call
}

// Request is a token request as it goes over the wire.
type Request struct {
	Method, URL string
	Header      [][2]string // name and value, in the order of the dialect's file
	Body        string
}

// Recipe is a contract in the words of one tool.
type Recipe struct {
	ID       string // stable: zsh, powershell, cmd, node, python, go, postman, postman-environment, github-actions, creator-studio
	Title    string // for people: PowerShell
	Language string // for a highlighter: sh, powershell, bat, js, python, go, json, yaml, text
	Text     string
	FileName string // what it may be saved as
}

// Placeholders: what the reader has to fill in himself stands in capitals.
const (
	noSecret   = "CLIENT_SECRET"
	noUsername = "USERNAME"
	noPassword = "PASSWORD"
)

// grantNames are the grants as people read them.
var grantNames = map[oauth.GrantType]string{oauth.ClientCredentials: "client credentials", oauth.Password: "password"}

// About says in one line what the contract asks for.
func (c *Contract) About() string {
	return fmt.Sprintf("Ask for a token (%s, %s):", c.Dialect, c.Grant)
}

// recipes are the tools, in the order they are shown. One that cannot speak a contract returns nothing for it.
var recipes = []struct {
	id, title, language, file string
	write                     func(c *Contract, v values) string
}{
	{"zsh", "zsh, bash", "sh", "token.sh", (*Contract).zsh},
	{"powershell", "PowerShell", "powershell", "token.ps1", (*Contract).powershell},
	{"cmd", "cmd, at the prompt", "bat", "token.txt", (*Contract).cmd},
	{"node", "Node.js", "js", "token.mjs", (*Contract).node},
	{"python", "Python", "python", "token.py", (*Contract).python},
	{"go", "Go", "go", "main.go", (*Contract).golang},
	{"postman", "Postman collection", "json", "tokenbooth.postman_collection.json", (*Contract).collection},
	{"postman-environment", "Postman environment", "json", "tokenbooth.postman_environment.json", (*Contract).environment},
	{"github-actions", "GitHub Actions", "yaml", "token.yml", (*Contract).actions},
	{"creator-studio", "Creator Studio connector", "text", "connector.txt", (*Contract).studio},
}

// Recipes renders the contract for each tool that can speak it. An empty secret leaves CLIENT_SECRET in its place.
func (c *Contract) Recipes(id string, secret oauth.Secret) []Recipe {
	var out []Recipe
	v := c.values(id, secret)
	for _, r := range recipes {
		if text := r.write(c, v); text != "" {
			out = append(out, Recipe{ID: r.id, Title: r.title, Language: r.language, Text: text, FileName: r.file})
		}
	}
	return out
}

// Command returns the recipe for a POSIX shell alone.
func (c *Contract) Command(id string, secret oauth.Secret) string { return c.zsh(c.values(id, secret)) }

// Request returns the request itself, to be sent as it is. Where the grant is a person's password, USERNAME and PASSWORD stand for
// what nobody here knows.
func (c *Contract) Request(id string, secret oauth.Secret) Request {
	a := c.ask(c.values(id, secret), asciiJSON)
	r := Request{Method: "POST", URL: c.URL, Body: a.body}
	if a.basic != "" {
		r.Header = append(r.Header, [2]string{"Authorization", basicHeader(a.basic)})
	}
	r.Header = append(r.Header, a.header...)
	if a.media != "" {
		r.Header = append(r.Header, [2]string{"Content-Type", a.media})
	}
	if a.form != nil {
		r.Body = encodeForm(a.form)
	}
	return r
}

// values are what the holes of an example are filled with.
type values map[string]string

func (c *Contract) values(id string, secret oauth.Secret) values {
	text := secret.Reveal()
	if text == "" {
		text = noSecret
	}
	return c.withScope(values{"client_id": id, "client_secret": text, "username": noUsername, "password": noPassword})
}

// withScope names the scope where a contract has only one.
func (c *Contract) withScope(v values) values {
	if c.terms.FixedScope {
		v["scope"] = c.terms.DefaultScope
	}
	return v
}

// basicHeader is the value of an Authorization header (RFC 7617, section 2).
func basicHeader(pair string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// text collects the lines of a recipe.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// done is the text without its last line end.
func (t *text) done() string { return strings.TrimSuffix(t.String(), "\n") }
