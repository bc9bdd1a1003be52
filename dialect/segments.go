package dialect

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// segment is constant bytes, or a hole with what stands around it only when it is filled.
type segment struct {
	text     string
	isHole   bool
	hole     hole
	format   format
	escape   escape
	lead     string // ,"scope":"
	tail     string // "
	optional bool
}

// escape is the language a hole stands in.
type escape uint8

const (
	inJSON escape = iota
	inHeader
	inForm
	inText
)

// Where an optional hole may stand, by language: after the start of a member that is not the first. The match is left out together
// with an empty hole.
var memberStart = [...]*regexp.Regexp{
	inJSON:   regexp.MustCompile(`,\s*"[^"\\]*"\s*:\s*"$`),
	inHeader: regexp.MustCompile(`,\s*[0-9A-Za-z_-]+="$`),
	inForm:   regexp.MustCompile(`&[^&=]*=$`),
	inText:   regexp.MustCompile(`$`),
}

var memberEnd = [...]string{inJSON: `"`, inHeader: `"`, inForm: "", inText: ""}

// numberStart is the start of a JSON member whose value is a number; nothing ends it.
var numberStart = regexp.MustCompile(`,\s*"[^"\\]*"\s*:\s*$`)

const optionalPlace = `an optional hole is the whole value of a member that is not the first: in JSON ,"name":"{{hole?}}"; ` +
	`in a header , name="{{hole?}}"; in a form &name={{hole?}}`

// segments compiles a template. A hole stands where no value can end its string: inside quotes in JSON (a number may stand outside them), and
// in a header inside quotes or alone.
func segments(text string, ps []piece, lang escape) (out []segment, wrong *fault) {
	quoted, skip := false, 0
	for i, p := range ps {
		if !p.isHole {
			quoted = quotedAfter(p.text, quoted)
			out = append(out, segment{text: p.text[skip:]})
			skip = 0
			continue
		}
		switch {
		case lang == inJSON && !quoted && !p.number():
			return nil, &fault{p.offset, "a text in JSON needs quotes around it"}
		case lang == inHeader && !quoted && !p.number() && len(ps) > 1:
			return nil, &fault{p.offset, "a hole in a header stands alone or inside quotes, so that no value can add a parameter"}
		}
		s := segment{isHole: true, hole: p.hole, format: p.format, escape: lang, optional: p.optional}
		if p.optional {
			rest := text[p.offset+len(p.text):]
			bare := lang == inJSON && p.number() && !quoted
			if skip = s.detach(out, rest, bare); skip < 0 || p.number() && p.hole != holeSecretExpiresIn || i == 0 {
				return nil, &fault{p.offset, optionalPlace}
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// detach moves the start and the end of a member from the constants around an optional hole into the hole. It returns how many bytes
// of rest belong to it now, or -1 when the hole does not stand where it could be left out. bare says that it is a JSON number without
// quotes around it.
func (s *segment) detach(before []segment, rest string, bare bool) int {
	if len(before) == 0 || before[len(before)-1].isHole {
		return -1
	}
	last := &before[len(before)-1]
	member, end := memberStart[s.escape], memberEnd[s.escape]
	if bare {
		member, end = numberStart, ""
	}
	start := member.FindStringIndex(last.text)
	s.tail = end
	if start == nil || !strings.HasPrefix(rest, s.tail) || s.escape == inForm && rest != "" && rest[0] != '&' {
		return -1
	}
	last.text, s.lead = last.text[:start[0]], last.text[start[0]:]
	return len(s.tail)
}

// quotedAfter reports whether the text leaves the reader inside quotes.
func quotedAfter(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		}
	}
	return quoted
}

// language is what a body of a media type is written in. Where nobody knows how to escape, no hole may stand.
func language(mediaType string) (lang escape, known bool) {
	switch {
	case mediaType == "application/json", strings.HasSuffix(mediaType, "+json"):
		return inJSON, true
	case mediaType == "application/x-www-form-urlencoded":
		return inForm, true
	}
	return inText, mediaType == "text/plain"
}

// readBody compiles the body of an answer.
func (a *answer) readBody(b *block) error {
	text := b.bodyText()
	if text == "" {
		return nil
	}
	mediaType := b.contentType()
	if mediaType == "" {
		return b.bodyErrorf(0, "a body needs a Content-Type header above it")
	}
	ps, wrong := pieces(text)
	lang, known := language(mediaType)
	for _, p := range ps {
		problem := a.cannotFill(p)
		if p.isHole && !known {
			problem = "holes are escaped in JSON, forms and text/plain only: a body of " + mediaType + " is a constant"
		}
		if problem != "" && wrong == nil {
			wrong = &fault{p.offset, problem}
		}
	}
	if wrong == nil && lang == inJSON {
		wrong = wellFormed(ps)
	}
	if wrong == nil {
		a.body, wrong = segments(text, ps, lang)
	}
	if wrong != nil {
		return b.bodyErrorf(wrong.offset, "%s", wrong.problem)
	}
	return nil
}

// wellFormed checks that a JSON template is JSON once its holes are filled. Every hole is filled with a number of its own length, which
// stands inside quotes as well as outside, so that the decoder's offset is the template's.
func wellFormed(ps []piece) *fault {
	var filled strings.Builder
	for _, p := range ps {
		if p.isHole {
			filled.WriteString(strings.Repeat("1", len(p.text)))
			continue
		}
		filled.WriteString(p.text)
	}
	var any any
	err := json.Unmarshal([]byte(filled.String()), &any)
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &fault{max(int(bad.Offset)-1, 0), "this is not JSON: " + bad.Error()}
	}
	return nil
}
