package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// page is a YAML file that people write: what is needed to read it strictly, and to say where in it something is wrong.
type page struct {
	file   string
	text   []byte
	holds  string            // what it has in it, in the plural
	start  string            // how to come by a first one
	field  string            // what one of its fields is called
	fields reflect.Type      // has its fields in yaml tags
	meant  map[string]string // names that a field has elsewhere, and the one it has here
}

func (s *settings) page() *page {
	return &page{file: s.file, text: s.text, holds: "the settings", start: "write some with: tokenbooth init", field: "setting", fields: reflect.TypeFor[settings]()}
}

// fault is a complaint about a field of the settings. One that the file does not decide is shown by what does.
func (s *settings) fault(field, text string) error {
	if _, moved := s.over[field]; moved {
		by := "$" + envOf(field)
		if !strings.Contains(field, ".") {
			by = "--" + field + " or " + by
		}
		return fmt.Errorf("%s, by %s: %s", field, by, text)
	}
	if at, rest := s.placed(field); at != nil {
		return at.page.fault(at.field(rest), text)
	}
	return s.page().fault(field, text)
}

// fault is a complaint about a field, or about all of the file where it names none, with line, column and an excerpt.
func (p *page) fault(field, text string) error {
	if field != "" {
		text = field + ": " + text
	}
	if t := p.find(field); t != nil {
		return p.faultAt(t, text)
	}
	return fmt.Errorf("%s:1:1: %s", p.file, text) // it is missing in the whole
}

// find returns where a field begins. For one that is not there that is what it is missing in, or nil.
func (p *page) find(field string) *token.Token {
	for path := "." + field; path != ""; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
		at, err := yaml.PathString("$" + path)
		if err != nil {
			break
		}
		if node, err := at.ReadNode(bytes.NewReader(p.text)); err == nil && node != nil {
			return head(node)
		}
	}
	return nil
}

// head is the token that a node begins with.
func head(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

func (p *page) faultAt(t *token.Token, text string) error {
	line, column := t.Position.Line, t.Position.Column
	if lines := bytes.Split(p.text, []byte("\n")); line > 0 && line <= len(lines) { // the place of a value that is not there can lie behind the line
		column = min(column, len(bytes.TrimRight(lines[line-1], "\r"))+1)
	}
	return fmt.Errorf("%s:%d:%d: %s\n%s", p.file, line, column, text, excerpt(string(p.text), line, column))
}

// excerpt shows a line with the two before it, and where in it something is wrong.
func excerpt(text string, line, column int) string {
	lines := strings.Split(strings.ReplaceAll(text, "\t", " "), "\n")
	line = min(line, len(lines))
	var b strings.Builder
	for n := max(line-2, 1); n <= line; n++ {
		mark := " "
		if n == line {
			mark = ">"
		}
		fmt.Fprintf(&b, "%s%4d | %s\n", mark, n, strings.TrimRight(lines[n-1], "\r"))
	}
	return b.String() + strings.Repeat(" ", len(">   1 | ")+column-1) + "^"
}

// unfit is a value that could not be read, before it is known where it stands.
type unfit struct{ value, problem string }

func (u *unfit) Error() string { return u.problem }

// strictly is how settings are decoded: an unknown field is an error, and so is a value that needs guessing.
var strictly = []yaml.DecodeOption{
	yaml.Strict(),
	yaml.CustomUnmarshaler(func(d *time.Duration, b []byte) (err error) {
		text := scalar(b)
		if *d, err = time.ParseDuration(text); err != nil {
			return &unfit{text, fmt.Sprintf("a length of time is like 30s or 5m, not %q", text)}
		}
		return nil
	}),
	yaml.CustomUnmarshaler(func(p *netip.Prefix, b []byte) (err error) {
		text := scalar(b)
		if *p, err = netip.ParsePrefix(text); err != nil {
			return &unfit{text, fmt.Sprintf("a network is like 192.0.2.0/24, one address like 192.0.2.1/32, not %q", text)}
		}
		return nil
	}),
}

func scalar(b []byte) string {
	text := strings.TrimSpace(string(b))
	if bare, err := strconv.Unquote(text); err == nil {
		return bare
	}
	return strings.Trim(text, "'")
}

// decode reads the text into s.
func (s *settings) decode() error {
	p := s.page()
	err := p.decode(s, strictly...)
	s.file, s.text = p.file, p.text // a document that is null has made all of s empty
	return err
}

// decode reads the text into what v points to. Every complaint has a place.
func (p *page) decode(v any, how ...yaml.DecodeOption) error {
	return p.safely(func() error {
		if err := p.oneDocument(); err != nil {
			return err
		}
		err := yaml.UnmarshalWithOptions(p.text, v, how...)
		if err == nil {
			return nil
		}
		if u, ok := errors.AsType[*unfit](err); ok {
			for _, t := range lexer.Tokenize(string(p.text)) {
				if t.Value == u.value {
					return p.faultAt(t, u.problem)
				}
			}
		}
		if placed, ok := errors.AsType[yaml.Error](err); ok && placed.GetToken() != nil {
			return p.faultAt(placed.GetToken(), p.inWords(placed.GetMessage()))
		}
		return fmt.Errorf("%s: %w", p.file, err)
	})
}

// safely calls what parses. The parser has panicked on odd YAML: that must not end a server that reads its settings anew.
func (p *page) safely(parse func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("%s: this YAML cannot be read, and the parser does not say where; look at what was changed last (%v)", p.file, what)
		}
	}()
	return parse()
}

// Bounds of a page. Nothing that people write comes near; what does would have the parser take all memory, or the stack.
const (
	maxSettings = 1 << 20 // bytes
	maxNesting  = 64      // of [ and {
	maxAliases  = 1000
)

// oneDocument refuses what would not be read, a second document behind the first, and what is not to be: tags, and text made to
// break a parser.
func (p *page) oneDocument() error {
	if len(p.text) > maxSettings {
		return fmt.Errorf("%s:1:1: %s are larger than %d KiB", p.file, p.holds, maxSettings>>10)
	}
	content, depth, aliases := false, 0, 0
	for _, t := range lexer.Tokenize(string(p.text)) {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.AliasType:
			aliases++
		}
		switch {
		case depth > maxNesting:
			return p.faultAt(t, fmt.Sprintf("the brackets are nested more than %d deep", maxNesting))
		case aliases > maxAliases:
			return p.faultAt(t, fmt.Sprintf("there are more than %d aliases", maxAliases))
		case t.Type == token.DocumentHeaderType && content:
			return p.faultAt(t, p.holds+" are one document: what comes after --- would not be read")
		case t.Type == token.TagType:
			return p.faultAt(t, "a tag (a word that starts with !) has no place here; put the value into quotes if it is meant to start so")
		case t.Type != token.CommentType && t.Type != token.DocumentHeaderType:
			content = true
		}
	}
	if !content {
		return fmt.Errorf("%s:1:1: %s are empty; %s", p.file, p.holds, p.start)
	}
	return p.plainAnchors()
}

// plainAnchors refuses an alias within what has an anchor: ten levels of that are a few lines of text and a billion values.
func (p *page) plainAnchors() error {
	file, err := parser.ParseBytes(p.text, 0)
	if err != nil {
		return nil // decoding says so, with its place
	}
	var inside *token.Token
	for _, doc := range file.Docs {
		for _, anchor := range ast.Filter(ast.AnchorType, doc) {
			for _, alias := range ast.Filter(ast.AliasType, anchor.(*ast.AnchorNode).Value) {
				inside = alias.GetToken()
			}
		}
	}
	if inside != nil {
		return p.faultAt(inside, "an alias may not stand within what has an anchor itself")
	}
	return nil
}

var (
	wrongType    = regexp.MustCompile(`^cannot unmarshal (.+) into Go struct field \S+ of type (\S+)$`)
	wrongNode    = regexp.MustCompile(`^(\S+) was used where (\S+) is expected$`)
	unknownField = regexp.MustCompile(`^unknown field "(.*)"$`)
)

// plainly names what is written in YAML for people, by the names that Go and the parser give it.
var plainly = map[string]string{
	"string": "a text", "bool": "true or false", "int": "a whole number", "int64": "a whole number", "uint64": "a whole number", "integer": "a whole number",
	"float64": "a number", "float": "a number", "[]interface": "a list", "sequence": "a list", "map[string]interface": "a group of fields",
	"mapping": "a group of fields", "null": "nothing", "boolean": "true or false",
}

// inWords says in plain words what the decoder says in those of Go.
func (p *page) inWords(message string) string {
	if m := wrongType.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("here belongs %s, not %s", named(m[2]), named(m[1]))
	}
	if m := wrongNode.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("here belongs %s, not %s", named(m[2]), named(m[1]))
	}
	if m := unknownField.FindStringSubmatch(message); m != nil {
		hint := didYouMean(m[1], fieldNames(p.fields, nil))
		if p.meant[m[1]] != "" {
			hint = "; here it is called " + p.meant[m[1]]
		}
		return fmt.Sprintf("there is no %s %q%s", p.field, m[1], hint)
	}
	if strings.HasPrefix(message, "tab character") || strings.HasPrefix(message, "found a tab") || strings.Contains(message, "'\t'") {
		return "YAML is indented with spaces, not with tabs"
	}
	return message
}

func named(kind string) string { return orElse(plainly[strings.TrimSuffix(kind, " {}")], kind) }

// fieldNames returns the names of all settings, at any depth.
func fieldNames(t reflect.Type, names []string) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return names
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, how, _ := strings.Cut(cmp.Or(f.Tag.Get("yaml"), f.Tag.Get("json")), ",")
		switch {
		case name != "" && utf8.ValidString(name):
			names = fieldNames(f.Type, append(names, name))
		case how == "inline":
			names = fieldNames(f.Type, names)
		}
	}
	return names
}
