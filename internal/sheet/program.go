package sheet

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// literal is a string in double quotes as JavaScript, Python and Go read it alike. What cannot be seen is escaped, so that a text
// cannot show as another than it is.
func literal(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r <= 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String() + `"`
}

// index leads from an answer to the access token in JavaScript and in Python.
func (c *Contract) index() string {
	var out strings.Builder
	for _, name := range c.token {
		out.WriteString("[" + literal(name) + "]")
	}
	return out.String()
}

// node renders a program for Node.js, without packages.
func (c *Contract) node(v values) string {
	a := c.ask(v, asciiJSON)
	var t text
	t.line("const response = await fetch(%s, {\n  method: \"POST\",\n  headers: {", literal(c.URL))
	if a.basic != "" {
		t.line("    \"Authorization\": \"Basic \" + Buffer.from(%s).toString(\"base64\"),", literal(a.basic))
	}
	for _, h := range a.header {
		t.line("    %s: %s,", literal(h[0]), literal(h[1]))
	}
	if a.body != "" {
		t.line("    \"Content-Type\": %s,", literal(a.media))
	}
	t.line("  },")
	switch {
	case a.form != nil: // its Content-Type is what fetch says by itself
		t.line("  body: new URLSearchParams([")
		for _, p := range a.form {
			t.line("    [%s, %s],", literal(p[0]), literal(p[1]))
		}
		t.line("  ]),")
	case a.body != "":
		t.line("  body: %s,", literal(a.body))
	}
	t.line("  redirect: \"error\",\n  signal: AbortSignal.timeout(10_000),\n});")
	t.line("if (!response.ok) {\n  throw new Error(`${response.status}: ${await response.text()}`);\n}")
	if len(c.token) == 0 {
		t.line("console.log(await response.text());")
		return t.done()
	}
	t.line("const answer = await response.json();")
	t.line("console.log(answer%s);", c.index())
	return t.done()
}

// python renders a program for Python 3, with its standard library only.
func (c *Contract) python(v values) string {
	a := c.ask(v, asciiJSON)
	var t text
	t.line("%s\n", c.pythonImports(a))
	if a.basic != "" {
		t.line("credential = base64.b64encode(%s.encode()).decode()", literal(a.basic))
	}
	t.line("request = urllib.request.Request(\n    %s,\n    method=\"POST\",\n    headers={", literal(c.URL))
	if a.basic != "" {
		t.line("        \"Authorization\": \"Basic \" + credential,")
	}
	for _, h := range a.header {
		t.line("        %s: %s,", literal(h[0]), literal(h[1]))
	}
	if a.media != "" {
		t.line("        \"Content-Type\": %s,", literal(a.media))
	}
	t.line("    },")
	switch {
	case a.form != nil:
		t.line("    data=urllib.parse.urlencode([")
		for _, p := range a.form {
			t.line("        (%s, %s),", literal(p[0]), literal(p[1]))
		}
		t.line("    ]).encode(),")
	case a.body != "":
		t.line("    data=%s.encode(),", literal(a.body))
	}
	t.line(")\nwith urllib.request.urlopen(request, timeout=10) as response:")
	if len(c.token) == 0 {
		t.line("    print(response.read().decode())")
		return t.done()
	}
	t.line("    answer = json.load(response)\nprint(answer%s)", c.index())
	return t.done()
}

// pythonImports are the modules that the program uses, by name.
func (c *Contract) pythonImports(a ask) string {
	imports := []string{"import urllib.request"}
	if a.form != nil {
		imports = append(imports, "import urllib.parse")
	}
	if len(c.token) > 0 {
		imports = append(imports, "import json")
	}
	if a.basic != "" {
		imports = append(imports, "import base64")
	}
	slices.Sort(imports)
	return strings.Join(imports, "\n")
}
