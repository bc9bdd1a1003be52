package sheet

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// ask is an example whose holes are filled.
type ask struct {
	basic  string      // id:secret, where the credential stands in the Authorization header
	header [][2]string // but for Authorization and Content-Type
	media  string
	form   [][2]string // the parameters of a form, not encoded; nil where the body is none
	body   string      // of any other kind
}

var (
	holeForm = regexp.MustCompile(`\{\{\s*([a-z_]+)(?::[a-z0-9]+)?(\?)?\s*\}\}`)

	// optionalMember is a member of a JSON object that can be left out. It is not the first.
	optionalMember = regexp.MustCompile(`,\s*"[^"\\]*"\s*:\s*"\{\{\s*([a-z_]+)\?\s*\}\}"`)
)

// ask fills the example. inJSON writes a value between the quotes of a JSON string.
func (c *Contract) ask(v values, inJSON func(string) string) ask {
	e := c.example
	a := ask{media: e.media}
	if e.basic {
		a.basic = v["client_id"] + ":" + v["client_secret"]
	}
	for _, h := range e.header {
		if value, missing := filled(h[1], v, plain); !missing {
			a.header = append(a.header, [2]string{h[0], value})
		}
	}
	switch {
	case e.body == "":
	case strings.HasPrefix(e.media, "application/x-www-form-urlencoded"):
		a.form = filledForm(e.body, v)
	case e.body[0] == '{' || e.body[0] == '[':
		body := optionalMember.ReplaceAllStringFunc(e.body, func(member string) string {
			if v[optionalMember.FindStringSubmatch(member)[1]] == "" {
				return ""
			}
			return member
		})
		a.body, _ = filled(body, v, inJSON)
	default:
		a.body, _ = filled(e.body, v, plain)
	}
	return a
}

func plain(s string) string { return s }

// filled puts values into holes, each written by encode. missing reports that a hole which may stay empty did.
func filled(text string, v values, encode func(string) string) (out string, missing bool) {
	out = holeForm.ReplaceAllStringFunc(text, func(hole string) string {
		m := holeForm.FindStringSubmatch(hole)
		if v[m[1]] == "" && m[2] == "?" {
			missing = true
		}
		return encode(v[m[1]])
	})
	return out, missing
}

// filledForm fills the parameters of a form and leaves out those that have no value.
func filledForm(body string, v values) [][2]string {
	pairs := [][2]string{}
	for _, pair := range strings.Split(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if text, missing := filled(decoded(value), v, plain); !missing {
			pairs = append(pairs, [2]string{decoded(name), text})
		}
	}
	return pairs
}

// decoded reads a constant of a form. A dialect's file has none that cannot be read.
func decoded(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}

// encodeForm writes parameters in their order. A colon stands for itself, which makes a scope easier to read.
func encodeForm(pairs [][2]string) string {
	var out []string
	for _, p := range pairs {
		out = append(out, encodeParam(p[0])+"="+encodeParam(p[1]))
	}
	return strings.Join(out, "&")
}

func encodeParam(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }

// asciiJSON writes a text between the quotes of a JSON string, and nothing in it that a shell, a code page or a console could spoil on
// the way but the backslashes.
func asciiJSON(s string) string { return ascii(string(oauth.AppendJSONText(nil, s))) }

// ascii replaces what is not ASCII in a JSON text.
func ascii(s string) string {
	var out []byte
	for _, r := range s {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = appendUnicode(out, unit)
		}
	}
	return string(out)
}

func appendUnicode(dst []byte, unit uint16) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}
