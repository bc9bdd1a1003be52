package console

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sayable is a sentence for the person at the screen, as an error.
type sayable string

// Error is the sentence.
func (s sayable) Error() string { return string(s) }

func sayf(format string, args ...any) error { return sayable(fmt.Sprintf(format, args...)) }

// maxPasted bounds a pasted request, in bytes: far more than a request for a token has, and what a form of ours still carries.
const maxPasted = 48 << 10

// readPasted reads an HTTP request that somebody pasted: from a terminal, a log, a documentation page. It forgives what pasting does to
// a request (line ends, a missing version, host or length) and says so in notes; what it cannot read it refuses with a sentence for the
// person who pasted it. Host is what a request without one is sent to. Nothing is sent anywhere.
func readPasted(text, host string) (r *http.Request, notes []string, err error) {
	lines, body, err := cutPasted(text)
	if err != nil {
		return nil, nil, err
	}
	head, notes, err := readPastedHead(lines, host, len(body))
	if err != nil {
		return nil, nil, err
	}
	r, err = http.ReadRequest(bufio.NewReader(io.LimitReader(strings.NewReader(head+"\r\n\r\n"+body), 2*maxPasted)))
	if err != nil { // the head has been looked at line by line, so it is the target
		return nil, nil, sayable("The first line cannot be read: after the method comes a path like /oauth2/token, with nothing in it that has to be escaped.")
	}
	return r, notes, nil
}

// cutPasted cuts the text into the lines of the head, and the body.
func cutPasted(text string) (head []string, body string, err error) {
	switch {
	case len(text) > maxPasted:
		return nil, "", sayf("The request is larger than %d KiB: no request for a token is.", maxPasted>>10)
	case !utf8.ValidString(text):
		return nil, "", sayable("The request is not UTF-8 text.")
	}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	for { // blank lines, and the titles of a contract's file
		line, rest, more := strings.Cut(text, "\n")
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			break
		}
		if !more {
			return nil, "", sayable("There is no request yet: paste one, or take an example.")
		}
		text = rest
	}
	if strings.HasPrefix(text, "> ") {
		text = unmarked(text)
	}
	before, body, _ := strings.Cut(text, "\n\n")
	head = strings.Split(strings.TrimRight(before, "\n"), "\n")
	switch first := strings.TrimSpace(head[0]); {
	case strings.HasPrefix(first, "curl "):
		return nil, "", sayable("This is a command. Paste the request it sends: run it with -v and copy the lines that begin with >, then an empty line and the body.")
	case strings.HasPrefix(first, "HTTP/"):
		return nil, "", sayable("This is an answer: it begins with HTTP/. Paste the request that came before it.")
	}
	return head, strings.TrimRight(body, "\n"), nil
}

// unmarked takes the marks off a request that curl -v has shown.
func unmarked(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimPrefix(l, ">"), " ")
	}
	return strings.Join(lines, "\n")
}

// readPastedHead checks each line of the head, and writes the head as it goes over the wire.
func readPastedHead(lines []string, host string, bodySize int) (head string, notes []string, err error) {
	start, note, err := readPastedStart(lines[0])
	if err != nil {
		return "", nil, err
	}
	notes = append(notes, note...)
	out := []string{start}
	hasHost := false
	for i, l := range lines[1:] {
		name, value, ok := strings.Cut(l, ":")
		if problem := headerProblem(l, name, ok); problem != "" {
			return "", nil, sayf("Line %d of the request %s", i+2, problem)
		}
		switch value = strings.TrimSpace(value); strings.ToLower(name) {
		case "content-length":
			if value != strconv.Itoa(bodySize) {
				notes = append(notes, fmt.Sprintf("Content-Length says %.20q; the body as pasted has %d bytes, and that is what was read.", value, bodySize))
			}
			continue
		case "transfer-encoding":
			notes = append(notes, "Transfer-Encoding was left out: the body is read as it was pasted.")
			continue
		case "host":
			hasHost = true
		}
		out = append(out, name+": "+value)
	}
	if !hasHost {
		out = append(out, "Host: "+host)
		notes = append(notes, "There was no Host header; it was read as sent to "+host+".")
	}
	if bodySize > 0 {
		out = append(out, "Content-Length: "+strconv.Itoa(bodySize))
	}
	return strings.Join(out, "\r\n"), notes, nil
}

// headerProblem says what is wrong with a line that should be a header (RFC 9112, section 5).
func headerProblem(line, name string, hasColon bool) string {
	switch {
	case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "has a control character in it: take it out."
	case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
		return "begins with a space: a header stands on one line."
	case !hasColon:
		return "is no header: one is a name, a colon and a value. The body comes after an empty line."
	case name == "" || strings.Trim(name, headerNameChars) != "":
		return "has a header name that cannot be: letters, digits and - are what names are made of."
	}
	return ""
}

// headerNameChars are those of a token (RFC 9110, section 5.6.2).
const headerNameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-!#$%&'*+.^_`|~"

// readPastedStart reads METHOD path HTTP/1.1, of which the last may be missing, as in documentation.
func readPastedStart(line string) (start string, notes []string, err error) {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "", nil, sayable("The first line has a control character in it: take it out.")
	}
	fields := strings.Fields(line)
	switch {
	case len(fields) < 2:
		return "", nil, sayable("The first line has to be a method and a path, like POST /oauth2/token HTTP/1.1.")
	case len(fields) > 3 || len(fields) == 3 && !strings.HasPrefix(fields[2], "HTTP/"):
		return "", nil, sayable("The first line has too many words: a method, a path without spaces, and HTTP/1.1.")
	case strings.Trim(fields[0], headerNameChars) != "":
		return "", nil, sayable("The first line has to begin with a method, like POST.")
	case len(fields) == 3 && fields[2] != "HTTP/1.1":
		notes = []string{"The version was read as HTTP/1.1."}
	}
	return fields[0] + " " + fields[1] + " HTTP/1.1", notes, nil
}
