package sheet

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// powershell renders the request in the shape in which vendors document it. The credential stands in Base64, and a form with a value that
// no keyboard has stands encoded, because Windows PowerShell reads a file that is not ASCII in the code page of the machine.
func (c *Contract) powershell(v values) string {
	a := c.ask(v, asciiJSON)
	headers := a.header
	if a.basic != "" {
		headers = append([][2]string{{"Authorization", basicHeader(a.basic)}}, headers...)
	}
	options := []string{"$response = Invoke-RestMethod -Uri " + single(c.URL), "-Method 'POST'"}
	var t text
	if len(headers) > 0 {
		t.line("$headers = %s", hashTable(headers))
		options = append(options, "-Headers $headers")
	}
	switch {
	case slices.ContainsFunc(a.form, func(p [2]string) bool { return !isTyped(p[1]) }):
		t.line("$body = %s", single(encodeForm(a.form)))
	case a.form != nil:
		t.line("$body = %s", hashTable(a.form))
	case a.body != "":
		t.line("$body = %s", single(a.body))
	}
	if a.media != "" {
		options = append(options, "-Body $body", "-ContentType "+single(a.media))
	}
	t.line("\n%s\n", strings.Join(options, " `\n  "))
	t.line("$response | ConvertTo-Json")
	return strings.TrimPrefix(t.done(), "\n")
}

func hashTable(pairs [][2]string) string {
	longest := 0
	for _, p := range pairs {
		longest = max(longest, len(single(p[0])))
	}
	var t text
	t.line("@{")
	for _, p := range pairs {
		t.line("  %-*s = %s", longest, single(p[0]), single(p[1]))
	}
	return t.String() + "}"
}

// single is a string of PowerShell in which nothing is expanded. Typographic quotation marks end one as the plain one does.
func single(s string) string {
	var out strings.Builder
	for _, r := range s {
		out.WriteRune(r)
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			out.WriteRune(r)
		}
	}
	return "'" + out.String() + "'"
}

// cmd renders the request for the command prompt of Windows. All that goes over the wire is ASCII there, so no code page can spoil it.
func (c *Contract) cmd(v values) string {
	a := c.ask(v, cmdJSON)
	parts := []string{"curl.exe", "--request POST", cmdQuoted(c.URL)}
	header := func(name, value string) { parts = append(parts, "--header "+cmdQuoted(name+": "+value)) }
	if a.media != "" {
		header("Content-Type", a.media)
	}
	if a.basic != "" {
		header("Authorization", basicHeader(a.basic))
	}
	for _, h := range a.header {
		header(h[0], h[1])
	}
	for _, p := range a.form {
		if isTyped(p[1]) {
			parts = append(parts, "--data-urlencode "+cmdQuoted(p[0]+"="+p[1]))
		} else {
			parts = append(parts, "--data-raw "+cmdQuoted(encodeParam(p[0])+"="+encodeParam(p[1])))
		}
	}
	if a.body != "" {
		parts = append(parts, "--data-raw "+cmdQuoted(oneLine(a.body)))
	}
	return strings.Join(parts, " ")
}

// cmdJSON writes a text between the quotes of a JSON string without any character that means something to cmd or to the parser of a
// program's arguments, save the backslash before a u.
func cmdJSON(s string) string {
	var out []byte
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf && strings.ContainsRune("\"\\%^&|<>()!", r):
			out = appendUnicode(out, uint16(r))
		default:
			out = append(out, asciiJSON(string(r))...)
		}
	}
	return string(out)
}

// oneLine takes the line ends out of a body: the prompt would run the command at the first.
func oneLine(body string) string {
	var out bytes.Buffer
	if json.Compact(&out, []byte(body)) == nil {
		return out.String()
	}
	return strings.Join(strings.Fields(body), " ")
}

// cmdQuoted is one argument. Two parsers read it: cmd, for which quotation marks only switch its own special characters off and on, and
// the program's own, for which a backslash escapes one. Where no special character would stand outside of marks, the argument looks as
// people write it; else each has a caret before it, marks included, so that cmd never believes itself inside of a pair. What follows a
// per cent sign has one too: a variable whose name begins with a caret is not set. One behind the name would not do, for in %PATH:a=b^%
// the name ends at the colon.
func cmdQuoted(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	slashes := 0
	for _, r := range s {
		switch r {
		case '\\':
			slashes++
		case '"':
			out.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		out.WriteRune(r)
	}
	out.WriteString(strings.Repeat(`\`, slashes) + `"`)
	argument := out.String()
	if !strings.ContainsAny(s, "%!") && (!strings.Contains(s, `"`) || !strings.ContainsAny(s, "&|<>^()")) {
		return argument
	}
	out.Reset()
	before := rune(0)
	for _, r := range argument {
		if before == '%' || strings.ContainsRune("\"%!^&|<>()", r) {
			out.WriteByte('^')
		}
		out.WriteRune(r)
		before = r
	}
	return out.String()
}

// isTyped reports whether each character is one that a keyboard has and a prompt takes as it is: no code page can spoil it, and it ends
// no line and completes none.
func isTyped(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
