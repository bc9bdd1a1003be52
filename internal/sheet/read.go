package sheet

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// example is a request of a dialect's file, with its holes.
type example struct {
	grant       oauth.GrantType
	path, query string
	header      [][2]string // but for Authorization and Content-Type
	media       string      // the Content-Type; "" without a body
	body        string
	basic       bool // the credential stands in the Authorization header
	bodyless    bool // nothing but the credential is sent, which tenant and client must allow
}

// block is one block of a dialect's file. The file has been compiled, so it is as it should be.
type block struct {
	directives map[string]string
	start      string // POST /path, or HTTP/1.1 200 OK
	header     [][2]string
	body       string
}

// blocks cuts the file of a dialect.
func blocks(d *dialect.Dialect) []block {
	var out []block
	for _, text := range strings.Split("\n"+strings.ReplaceAll(d.Source, "\r\n", "\n"), "\n###")[1:] {
		b := block{directives: map[string]string{}}
		lines := strings.Split(text, "\n")[1:]
		for ; len(lines) > 0 && (isComment(lines[0]) || strings.TrimSpace(lines[0]) == ""); lines = lines[1:] {
			if at, ok := strings.CutPrefix(strings.TrimLeft(lines[0], "#/ "), "@"); ok {
				name, value, _ := strings.Cut(strings.TrimSpace(at), " ")
				b.directives[name] = strings.TrimSpace(value)
			}
		}
		if len(lines) == 0 {
			continue
		}
		b.start = strings.TrimSpace(lines[0])
		for lines = lines[1:]; len(lines) > 0 && strings.TrimSpace(lines[0]) != ""; lines = lines[1:] {
			if name, value, ok := strings.Cut(lines[0], ":"); ok && !isComment(lines[0]) {
				b.header = append(b.header, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
			}
		}
		b.body = strings.TrimSpace(strings.Join(lines, "\n"))
		out = append(out, b)
	}
	return out
}

func isComment(line string) bool {
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")
}

// requests returns the requests of a dialect's file in their order. Those without a grant of their own ask for that of the one above.
func requests(d *dialect.Dialect) []example {
	var out []example
	grant := oauth.GrantType("")
	for _, b := range blocks(d) {
		target, ok := strings.CutPrefix(b.start, "POST ")
		if !ok {
			continue
		}
		if g, own := b.directives["grant"]; own {
			grant = oauth.GrantType(g)
		}
		e := example{grant: grant, body: b.body, bodyless: b.directives["accept"] == "bodyless"}
		e.path, e.query, _ = strings.Cut(strings.Fields(target)[0], "?")
		for _, h := range b.header {
			switch {
			case strings.EqualFold(h[0], "Authorization"):
				e.basic = true // of a request nothing else can be said in it
			case strings.EqualFold(h[0], "Content-Type"):
				e.media = h[1]
			default:
				e.header = append(e.header, h)
			}
		}
		if e.body == "" {
			e.media = ""
		}
		out = append(out, e)
	}
	return out
}

// tokenPath finds the members that lead to the access token in the answer to a granted request.
func tokenPath(d *dialect.Dialect, grant oauth.GrantType) []string {
	answer, narrow := "", false
	for _, b := range blocks(d) {
		only, has := b.directives["grant"]
		if b.directives["when"] != "issued" || has && only != string(grant) || narrow && !has {
			continue
		}
		answer, narrow = b.body, has
	}
	const here = "the access token"
	filled := holeForm.ReplaceAllStringFunc(answer, func(hole string) string {
		if holeForm.FindStringSubmatch(hole)[1] == "access_token" {
			return here
		}
		return "0" // stands inside quotes as well as outside
	})
	var root any
	if json.Unmarshal([]byte(filled), &root) != nil {
		return nil // a form, or a text
	}
	return pathTo(root, here)
}

// pathTo finds a text in an object and in objects within it.
func pathTo(v any, text string) []string {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if object[name] == text {
			return []string{name}
		}
		if below := pathTo(object[name], text); below != nil {
			return append([]string{name}, below...)
		}
	}
	return nil
}

// carriedIn returns the headers of a call with a token, as the dialect shows it first.
func carriedIn(d *dialect.Dialect) [][2]string {
	for _, b := range blocks(d) {
		if _, ok := b.directives["carry"]; ok {
			return b.header
		}
	}
	return nil
}
