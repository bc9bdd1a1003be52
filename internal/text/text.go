// Package text reads what people's editors, shells and clipboards make of a text: a byte order mark in front, UTF-16 where UTF-8 was meant,
// white space and invisible characters around what was copied.
//
// It decides what is the same text and what is none; lines may end in LF or CRLF, which is for whoever splits them. Settings, declarations,
// imports, secrets in files and on standard input, and JSON of the operators' API come through Decode; what a person pastes into a field or a
// command line comes through Pasted. What a program sends to a token endpoint does not: a contract is taken by the letter. Its functions may
// be called concurrently.
package text

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const mark = "\ufeff" // the byte order mark

// Decode returns the UTF-8 text in b, without a byte order mark in front. The error is a sentence without a subject, which says what it is
// instead and what to do; it quotes nothing of the text.
func Decode(b []byte) ([]byte, error) {
	if wide(b) {
		return nil, fmt.Errorf("this is UTF-16 text, as > in Windows PowerShell and \"Unicode\" in Notepad write it: save it as UTF-8")
	}
	b = bytes.TrimPrefix(b, []byte(mark))
	if utf8.Valid(b) {
		return b, nil
	}
	at, line := 0, 1
	for at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		at += size
	}
	return nil, fmt.Errorf("line %d has a byte that is not UTF-8 (it may be Latin-1 or Windows-1252): save it as UTF-8", line)
}

// wide reports whether b is UTF-16, with its mark or without: every other byte of its first characters is zero then.
func wide(b []byte) bool {
	if bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return true
	}
	return len(b) >= 4 && (b[0] == 0 && b[2] == 0 && b[1] != 0 && b[3] != 0 || b[1] == 0 && b[3] == 0 && b[0] != 0 && b[2] != 0)
}

// Pasted returns a pasted word without what came along around it: white space of any script, and characters that nobody sees (zero width
// spaces and joiners, byte order and direction marks).
func Pasted(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || Invisible(r) })
}

// Invisible reports whether a character is one that no font shows and that has no place in a name.
func Invisible(r rune) bool { return unicode.Is(unicode.Cf, r) || r == '\u034f' }
