package admin

import (
	"bytes"
	_ "embed" // the contract and its page
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

//go:embed openapi.yaml
var contractText []byte

//go:embed openapi.html
var contractPage string

//go:embed openapi.css
var contractStyle []byte

// Contract answers with what this API promises: /openapi.yaml is the contract itself (OpenAPI 3.1), /openapi the same as a page for
// people, with an anchor for each operation, schema and kind of problem, and /openapi.css what that looks like. All are made once, here,
// and need no sign-in.
func Contract() http.Handler {
	page, err := contractHTML()
	if err != nil { // the files are part of the program, and a test makes the page
		panic(fmt.Errorf("the contract's page: %w", err))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /openapi.yaml", document("application/yaml", contractText)) // RFC 9512
	mux.Handle("GET /openapi.css", document("text/css; charset=utf-8", contractStyle))
	mux.Handle("GET /openapi", document("text/html; charset=utf-8", page))
	return mux
}

// document answers with one text that stays as it is while the process runs.
func document(media string, text []byte) http.Handler {
	digest := secret.Digest(string(text))
	tag := `"` + hex.EncodeToString(digest[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", media)
		h.Set("ETag", tag)
		h.Set("Cache-Control", "no-cache") // ask whether it is still the same
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}

// spec is what the page shows of the contract, in the contract's own words and order.
type spec struct {
	Info struct {
		Title, Version, Summary, Description string
		Problems                             []struct {
			Type, Title, Text string
			Status            int
		} `yaml:"x-problems"`
	}
	Servers []struct{ URL, Description string }
	Tags    []struct{ Name, Description string }
	Paths   yaml.MapSlice

	Components struct {
		SecuritySchemes map[string]struct{ Description string } `yaml:"securitySchemes"`
		Parameters      map[string]parameter
		Schemas         yaml.MapSlice
	}
}

type parameter struct {
	Ref                   string `yaml:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                schema
	Example               any
}

type content map[string]struct{ Schema schema }

type operationText struct {
	ID                   string `yaml:"operationId"`
	Tags                 []string
	Summary, Description string
	Right                string `yaml:"x-right"`
	Parameters           []parameter
	RequestBody          struct{ Content content } `yaml:"requestBody"`
	Responses            map[string]struct {
		Ref         string `yaml:"$ref"`
		Description string
		Content     content
	}
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        string
	Format      string
	Description string
	Enum        []string
	ReadOnly    bool `yaml:"readOnly"`
	Required    []string
	Properties  yaml.MapSlice
	Items       *schema
	AllOf       []schema `yaml:"allOf"`
	Examples    []any
}

// contractHTML makes the page.
func contractHTML() ([]byte, error) {
	var s spec
	if err := yaml.UnmarshalWithOptions(contractText, &s, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	page, err := s.page()
	if err != nil {
		return nil, err
	}
	shape, err := template.New("openapi").Funcs(template.FuncMap{"prose": prose, "last": last}).Parse(contractPage)
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	var out bytes.Buffer
	if err := shape.Execute(&out, page); err != nil {
		return nil, fmt.Errorf("make the page: %w", err)
	}
	return out.Bytes(), nil
}

// last returns the name at the end of a reference.
func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// prose shows what the contract's descriptions use of Markdown: paragraphs, **strong** and `code`. All else is text.
func prose(text string) template.HTML {
	var out strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		p = template.HTMLEscapeString(p)
		p = paired(p, "**", "strong")
		out.WriteString("<p>" + paired(p, "`", "code") + "</p>\n")
	}
	return template.HTML(out.String()) // escaped above
}

// paired puts what stands between two marks into an element.
func paired(text, mark, element string) string {
	parts := strings.Split(text, mark)
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "<" + element + ">" + parts[i] + "</" + element + ">"
	}
	return strings.Join(parts, "")
}
