package sheet

import (
	"slices"
	"strings"
)

const goFails = "\tif err != nil {\n\t\tlog.Fatal(err)\n\t}"

// golang renders a program in Go, with its standard library only.
func (c *Contract) golang(v values) string {
	a := c.ask(v, asciiJSON)
	var t text
	body := "nil"
	imports := []string{"fmt", "log", "net/http", "time"}
	if len(c.token) > 0 {
		imports = append(imports, "encoding/json")
	} else {
		imports = append(imports, "io")
	}
	switch {
	case a.form != nil:
		imports, body = append(imports, "net/url", "strings"), "strings.NewReader(form.Encode())"
	case a.body != "":
		imports, body = append(imports, "strings"), "strings.NewReader("+literal(a.body)+")"
	}
	slices.Sort(imports)
	t.line("package main\n\nimport (\n\t\"%s\"\n)\n\nfunc main() {", strings.Join(imports, "\"\n\t\""))
	if a.form != nil {
		t.line("\tform := url.Values{}")
	}
	for _, p := range a.form {
		t.line("\tform.Set(%s, %s)", literal(p[0]), literal(p[1]))
	}
	t.line("\trequest, err := http.NewRequest(http.MethodPost, %s, %s)\n%s", literal(c.URL), body, goFails)
	if a.basic != "" {
		t.line("\trequest.SetBasicAuth(%s, %s)", literal(v["client_id"]), literal(v["client_secret"]))
	}
	for _, h := range a.header {
		t.line("\trequest.Header.Set(%s, %s)", literal(h[0]), literal(h[1]))
	}
	if a.media != "" {
		t.line("\trequest.Header.Set(\"Content-Type\", %s)", literal(a.media))
	}
	t.line("\tclient := http.Client{Timeout: 10 * time.Second}\n\tresponse, err := client.Do(request)\n%s", goFails)
	t.line("\tdefer response.Body.Close()")
	t.line("\tif response.StatusCode/100 != 2 {\n\t\tlog.Fatal(response.Status)\n\t}")
	t.goAnswer(c.token)
	t.line("}")
	return t.done()
}

// goAnswer writes how a program in Go reads the answer.
func (t *text) goAnswer(token []string) {
	if len(token) == 0 {
		t.line("\tanswer, err := io.ReadAll(response.Body)\n%s\n\tfmt.Println(string(answer))", goFails)
		return
	}
	path := "answer"
	for i, name := range token {
		if i > 0 {
			path += ".(map[string]any)"
		}
		path += "[" + literal(name) + "]"
	}
	t.line("\tvar answer map[string]any")
	t.line("\tif err := json.NewDecoder(response.Body).Decode(&answer); err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tfmt.Println(%s)", path)
}
