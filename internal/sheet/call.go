package sheet

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// noToken stands for the access token, which the reader has from the request before.
const noToken = "ACCESS_TOKEN"

// Call is what comes after the token: a call of an API with it, for a POSIX shell.
type Call struct {
	API   string // for people: Workflows API
	Title string // GET /api/v1/workflows
	Text  string
}

// Calls returns a call of each API that the client may call, those that only read and need no values filled in first. ACCESS_TOKEN stands
// for the token.
func (c *Contract) Calls() []Call {
	var ready, rest []Call
	for _, k := range c.calls {
		call := Call{API: k.api, Title: k.method + " " + k.path, Text: k.command(c.base)}
		if k.method == "GET" && !strings.Contains(k.path, "{") {
			ready = append(ready, call)
		} else {
			rest = append(rest, call)
		}
	}
	return append(ready, rest...)
}

func (k *call) command(base string) string {
	parts := []string{"curl --request " + k.method, "--header 'Accept: application/json'"}
	for _, h := range k.header {
		if strings.EqualFold(h[0], "Accept") {
			continue
		}
		if value, missing := filled(h[1], values{"access_token": noToken}, plain); !missing {
			parts = append(parts, "--header "+Word(h[0]+": "+value))
		}
	}
	if k.method == "POST" || k.method == "PUT" || k.method == "PATCH" {
		parts = append(parts, "--header 'Content-Type: application/json'", "--data '{}'")
	}
	return strings.Join(append(parts, Word(base+k.path)), " \\\n  ")
}

// Env is a credential as lines of a .env file, under the names that the sheet's other recipes use, with the address of the token endpoint
// where there is one.
func Env(id string, secret oauth.Secret, at string) string {
	var t text
	t.line("TOKENBOOTH_CLIENT_ID=%s", envValue(id))
	t.line("TOKENBOOTH_CLIENT_SECRET=%s", envValue(secret.Reveal()))
	if at != "" {
		t.line("TOKENBOOTH_TOKEN_URL=%s", envValue(at))
	}
	return t.String()
}

// envValue quotes a value so that shells and the readers of such files take it as it is: in single quotes nothing is expanded, and a value
// with one of those stands in double quotes.
func envValue(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,"
	switch {
	case s != "" && strings.Trim(s, safe) == "":
		return s
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s) + `"`
}
