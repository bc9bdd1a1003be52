package console

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// contract is a dialect's file, laid out for reading. The file has been compiled, so it is as it should be; nothing is decided by
// what is read here.
type contract struct {
	Endpoints []contractEndpoint
	Success   []contractBlock
	Refusals  []contractBlock
	Carriers  []contractBlock
	Guard     []contractBlock // how an API refuses in this contract's words
}

// contractEndpoint is a URL where tokens are asked for, with every form a request may take there.
type contractEndpoint struct {
	Path     string
	Requests []contractBlock
}

// contractBlock is one message of the file.
type contractBlock struct {
	Title string
	Notes []string // comments that stand above it
	Grant string   // which grant asks so, or is answered so
	When  string   // of an answer: the case it is for
	Also  bool     // a form that is accepted beside the documented one
	Bare  bool     // nothing but the credential says what is wanted
	Text  string   // the message as the file has it
}

// contractPiece is a run of a message: a hole, or what stands there word for word.
type contractPiece struct {
	Text string
	Hole bool
}

var contractHole = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// Pieces cuts the message where its holes are.
func (b contractBlock) Pieces() []contractPiece {
	var out []contractPiece
	at := 0
	for _, m := range contractHole.FindAllStringIndex(b.Text, -1) {
		if m[0] > at {
			out = append(out, contractPiece{b.Text[at:m[0]], false})
		}
		out = append(out, contractPiece{b.Text[m[0]:m[1]], true})
		at = m[1]
	}
	if at < len(b.Text) {
		out = append(out, contractPiece{b.Text[at:], false})
	}
	return out
}

// guardCases are the refusals that an API, not a token endpoint, speaks (RFC 6750, section 3.1).
var guardCases = map[oauth.Code]bool{oauth.NoToken: true, oauth.MalformedToken: true, oauth.InvalidToken: true, oauth.InsufficientScope: true}

// readContract lays out the file of a dialect.
func readContract(d *dialect.Dialect) contract {
	var c contract
	var grant string
	text := strings.ReplaceAll(strings.TrimPrefix(d.Source, "\ufeff"), "\r\n", "\n")
	for _, raw := range strings.Split("\n"+text, "\n###")[1:] {
		b, carried := readContractBlock(raw)
		start, _, _ := strings.Cut(b.Text, "\n")
		switch isAnswer := strings.HasPrefix(start, "HTTP/"); {
		case carried:
			c.Carriers = append(c.Carriers, b)
		case isAnswer && b.When == "issued":
			c.Success = append(c.Success, b)
		case isAnswer && guardCases[oauth.Code(b.When)]:
			c.Guard = append(c.Guard, b)
		case isAnswer:
			c.Refusals = append(c.Refusals, b)
		default:
			if b.Grant != "" {
				grant = b.Grant
			}
			b.Grant = grant // a form that is accepted beside it asks for the same
			c.addRequest(start, b)
		}
	}
	return c
}

func (c *contract) addRequest(start string, b contractBlock) {
	fields := strings.Fields(start)
	if len(fields) < 2 {
		return
	}
	path, _, _ := strings.Cut(fields[1], "?")
	for i := range c.Endpoints {
		if c.Endpoints[i].Path == path {
			c.Endpoints[i].Requests = append(c.Endpoints[i].Requests, b)
			return
		}
	}
	c.Endpoints = append(c.Endpoints, contractEndpoint{path, []contractBlock{b}})
}

// readContractBlock reads what stands between two lines of ###: title, comments and directives, message.
func readContractBlock(raw string) (b contractBlock, carried bool) {
	title, rest, _ := strings.Cut(raw, "\n")
	b.Title = strings.TrimSpace(strings.TrimLeft(title, "#"))
	for rest != "" {
		var line string
		before := rest
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
			b.Text = strings.TrimRight(before, " \t\n")
			break
		}
		word, isDirective := strings.CutPrefix(strings.TrimSpace(strings.TrimLeft(line, "#/")), "@")
		name, value, _ := strings.Cut(word, " ")
		switch value = strings.TrimSpace(value); {
		case !isDirective:
			b.Notes = append(b.Notes, word)
		case name == "grant":
			b.Grant = value
		case name == "when":
			b.When = value
		case name == "accept":
			b.Also, b.Bare = true, value == "bodyless"
		case name == "carry":
			carried = true
		}
	}
	return b, carried
}

// contractTerm is one promise of a contract, in words.
type contractTerm struct{ Name, Value string }

// contractTerms says what a dialect promises about its tokens.
func contractTerms(t oauth.Terms) []contractTerm {
	form := map[oauth.TokenForm]string{
		oauth.JWT:    "JWT: signed, an API checks it without asking (RFC 9068)",
		oauth.Opaque: "opaque: 256 random bits, checked against the store",
		oauth.UUID:   "UUID: 122 random bits, checked against the store",
	}[t.Form]
	terms := []contractTerm{{"Access token", form}, {"Lifetime", inWords(t.Lifetime)}}
	switch {
	case t.FixedScope:
		terms = append(terms, contractTerm{"Scope", "always " + t.DefaultScope + "; what a client may do stands in its permissions"})
	case t.DefaultScope != "":
		terms = append(terms, contractTerm{"Scope", t.DefaultScope + " when none is asked for"})
	}
	if t.RefreshIdle > 0 {
		text := "good for " + inWords(t.RefreshIdle) + " without use"
		if t.RefreshMax > 0 {
			text += ", a chain of them for " + inWords(t.RefreshMax)
		}
		terms = append(terms, contractTerm{"Refresh token", text})
	}
	if t.OnePerLabel {
		terms = append(terms, contractTerm{"At once", "one refresh token per user and client_id; a new one voids the earlier"})
	}
	if t.ClientLabel {
		terms = append(terms, contractTerm{"Client id", "a label the caller chooses, not a registered client"})
	}
	return terms
}

// inWords writes a length of time the way people say it, exact to the second.
func inWords(d time.Duration) string {
	if d <= 0 {
		return "no time"
	}
	if whole := d + time.Second; d > time.Hour && whole%time.Hour == 0 { // vendors count to the last second before
		return fmt.Sprintf("about %s (%s s)", inWords(whole), num(int64(d/time.Second)))
	}
	var parts []string
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int(d / u.length); n > 0 {
			parts = append(parts, plural(n, u.name))
			d -= time.Duration(n) * u.length
		}
	}
	if len(parts) == 0 {
		return "less than a second"
	}
	return strings.Join(parts, " ")
}
