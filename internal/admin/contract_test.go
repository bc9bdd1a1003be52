package admin

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/tokenbooth/tokenbooth/internal/operator"
)

func TestTheGeneratedServerIsThatOfTheContract(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	out := filepath.Join(t.TempDir(), "api.gen.go")
	config, err := os.ReadFile("oapi-codegen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(config), "output: api.gen.go", "output: "+out, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), "go", "tool", "-modfile=../../tools/go.mod", "oapi-codegen", "-config", file, "openapi.yaml").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("api.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("api.gen.go is not what openapi.yaml says; run go generate ./internal/admin")
	}
}

func fetch(t *testing.T, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Contract().ServeHTTP(w, r)
	return w
}

func TestTheContractIsServedAsItIs(t *testing.T) {
	w := fetch(t, "/openapi.yaml")
	text, err := os.ReadFile("openapi.yaml")
	if err != nil || w.Code != 200 || !bytes.Equal(w.Body.Bytes(), text) || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v %v", w.Code, w.Header(), err)
	}
	if again := fetch(t, "/openapi.yaml", "If-None-Match", w.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("asked again: %d", again.Code)
	}
}

func TestThePageHasAnAnchorForEverythingItLinksTo(t *testing.T) {
	w := fetch(t, "/openapi")
	page := w.Body.String()
	if w.Code != 200 || strings.Contains(page, "<script") || strings.Contains(page, "style=") {
		t.Fatalf("%d, or a script or style in the page", w.Code)
	}
	if css := fetch(t, "/openapi.css"); css.Code != 200 || !strings.Contains(page, `href="/openapi.css"`) {
		t.Errorf("its style sheet: %d", css.Code)
	}
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if n := strings.Count(page, `id="`+link[1]+`"`); n != 1 {
			t.Errorf("#%s is there %d times", link[1], n)
		}
	}
	doc := contractOf(t)
	for _, o := range operations(t) {
		if !strings.Contains(page, `id="`+o.id+`"`) || !strings.Contains(page, "<code>"+o.method+" "+o.path+"</code>") {
			t.Errorf("the page does not show %s", o.id)
		}
	}
	for name, s := range doc.Components.Schemas {
		if !strings.Contains(page, `id="schema-`+name+`"`) {
			t.Errorf("the page does not show schema %s", name)
		}
		for field := range s.Value.Properties {
			if !strings.Contains(page, "<code>"+field+"</code>") {
				t.Errorf("the page does not show %s.%s", name, field)
			}
		}
	}
}

func TestTheContractListsExactlyTheProblemsThereAre(t *testing.T) {
	var s spec
	if err := yaml.Unmarshal(contractText, &s); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Info.Problems {
		if k, ok := kinds[p.Type]; !ok || k.status != p.Status || k.title != p.Title || p.Text == "" {
			t.Errorf("%+v is listed, %+v is answered", p, k)
		}
	}
	if len(s.Info.Problems) != len(kinds) {
		t.Errorf("%d are listed, there are %d", len(s.Info.Problems), len(kinds))
	}
}

func TestTheContractSaysWhichOperationsTakeAKey(t *testing.T) {
	var listed []string
	for _, o := range operations(t) {
		if o.takes(idempotencyKey) {
			listed = append(listed, o.method+" "+o.path)
		}
		if o.op.Summary == "" || len(o.op.Tags) != 1 {
			t.Errorf("%s has no summary, or not one tag", o.id)
		}
	}
	for _, name := range listed {
		if !takesKey[name] {
			t.Errorf("%s takes no key", name)
		}
	}
	if len(listed) != len(takesKey) {
		t.Errorf("listed are %v", listed)
	}
}

func TestExamplesOfTheContractFitItsSchemas(t *testing.T) {
	for name, s := range contractOf(t).Components.Schemas {
		for _, e := range s.Value.Examples {
			if err := s.Value.VisitJSON(e); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestLimitsOfTheContractAreThoseOfTheCode(t *testing.T) {
	doc := contractOf(t)
	if limit := doc.Components.Parameters["Limit"].Value.Schema.Value; *limit.Max != maxPage {
		t.Errorf("a page has %v in the contract, %d in the code", *limit.Max, maxPage)
	}
	overlap := doc.Components.Schemas["Rotation"].Value.Properties["overlap"].Value
	if *overlap.Max != 365*24*3600 {
		t.Errorf("an overlap is %v in the contract, and a year in the code", *overlap.Max)
	}
	life := doc.Components.Schemas["Invitation"].Value.Properties["lifetime"].Value
	if *life.Min != operator.ShortestLink.Seconds() || *life.Max != operator.LongestLink.Seconds() {
		t.Errorf("a link is good for %v to %v in the contract, %v to %v in the code", *life.Min, *life.Max, operator.ShortestLink, operator.LongestLink)
	}
	if names := []string{"owner", "editor", "auditor", "viewer"}; !slices.EqualFunc(doc.Components.Schemas["Role"].Value.Enum, names, func(a any, b string) bool { return a == b }) {
		t.Error("the roles are others")
	}
}
