package dialect

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a dialect file, in bytes: a contract is a page, not a book.
const maxFile = 256 << 10

// line is one line of a file with its number.
type line struct {
	no   int
	text string
}

// directive is a comment that speaks to the program: # @name value.
type directive struct {
	line
	name, value string
}

// headerField is a header line of a message, cut at its colon.
type headerField struct {
	line
	name, value string // name as net/http writes it
	offset      int    // of the value in the line
}

// block is what stands between two ### lines: directives, and a message in the form of RFC 9112 (start line, header fields, an
// empty line, a body).
type block struct {
	file       string
	at         int // line of the ###, 0 for the preamble
	comments   []string
	directives []directive
	start      line // the request line or status line; empty in the preamble
	headers    []headerField
	body       []line
}

func (b *block) isPreamble() bool { return b.at == 0 }
func (b *block) isAnswer() bool   { return strings.HasPrefix(b.start.text, "HTTP/") }

// errorf is a fault of the block as a whole; it points at the block's ### line.
func (b *block) errorf(format string, args ...any) *Error {
	return b.errorAt(line{no: max(b.at, 1)}, 0, format, args...)
}

// errorAt is a fault at an offset of a line. Columns count characters, as editors do.
func (b *block) errorAt(l line, offset int, format string, args ...any) *Error {
	column := utf8.RuneCountInString(l.text[:min(offset, len(l.text))]) + 1
	return &Error{File: b.file, Line: l.no, Column: column, Problem: fmt.Sprintf(format, args...)}
}

func (d directive) errorf(b *block, format string, args ...any) *Error {
	return b.errorAt(d.line, strings.Index(d.text, "@"), format, args...)
}

// bodyText returns the body as it goes on the wire: without the white space an editor leaves at its end.
func (b *block) bodyText() string {
	var lines []string
	for _, l := range b.body {
		lines = append(lines, l.text)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \t\n")
}

// bodyErrorf is a fault at an offset of bodyText.
func (b *block) bodyErrorf(offset int, format string, args ...any) *Error {
	for _, l := range b.body {
		if offset <= len(l.text) {
			return b.errorAt(l, offset, format, args...)
		}
		offset -= len(l.text) + 1
	}
	return b.errorf(format, args...)
}

// split cuts a file into its preamble and its blocks.
func split(file, text string) ([]*block, error) {
	cur := &block{file: file}
	if len(text) > maxFile {
		return nil, cur.errorf("the file is larger than %d KiB: a contract is a page, cut it down", maxFile>>10)
	}
	blocks := []*block{cur}
	part := atTop
	no := 0
	for raw := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		no++
		l := line{no, strings.TrimSuffix(raw, "\r")}
		if i := notText(l.text); i >= 0 {
			return nil, cur.errorAt(l, i, "a control character or a byte that is not UTF-8: take it out")
		}
		if strings.HasPrefix(l.text, "###") {
			cur, part = &block{file: file, at: no}, atTop
			blocks = append(blocks, cur)
			continue
		}
		if err := cur.add(l, &part); err != nil {
			return nil, err
		}
	}
	for _, b := range blocks[1:] {
		if b.start.text == "" {
			return nil, b.errorf("the block has no message: write a request line (POST /token) or a status line (HTTP/1.1 200 OK)")
		}
	}
	return blocks, nil
}

// notText returns the offset of what no line of text has, or -1.
func notText(s string) int {
	for i, r := range s {
		if r < ' ' && r != '\t' || r == 0x7f || r == utf8.RuneError {
			return i
		}
	}
	return -1
}

// part is where in a block a line stands.
type part uint8

const (
	atTop part = iota // comments, directives and the start line
	inHeaders
	inBody
)

// add puts one line where it belongs in the block.
func (b *block) add(l line, at *part) error {
	trimmed := strings.TrimSpace(l.text)
	comment := strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//")
	text := strings.TrimSpace(strings.TrimLeft(trimmed, "#/"))
	switch {
	case *at == inBody && comment && strings.HasPrefix(text, "@"):
		return b.errorAt(l, strings.Index(l.text, "@"), "a directive stands above its message: start a block with a line of ### first")
	case *at == inBody:
		b.body = append(b.body, l)
	case *at == inHeaders && trimmed == "":
		*at = inBody
	case comment:
		return b.comment(l, text)
	case *at == inHeaders:
		return b.header(l)
	case trimmed == "":
	case b.isPreamble():
		return b.errorAt(l, 0, "a message needs a block: put a line of ### and a title above it")
	default:
		b.start, *at = l, inHeaders
	}
	return nil
}

func (b *block) comment(l line, text string) error {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		b.comments = append(b.comments, text)
		return nil
	}
	name, value, _ := strings.Cut(name, " ")
	d := directive{l, name, strings.TrimSpace(value)}
	if _, again := b.directive(name); again {
		return d.errorf(b, "@%s stands here a second time: keep one", name)
	}
	b.directives = append(b.directives, d)
	return nil
}

// directive finds a directive by name.
func (b *block) directive(name string) (directive, bool) {
	for _, d := range b.directives {
		if d.name == name {
			return d, true
		}
	}
	return directive{}, false
}
