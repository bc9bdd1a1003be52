package office

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// declared returns the cases that package oauth declares, by the names of their constants.
func declared(t *testing.T) map[string]oauth.Case {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../oauth/case.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]oauth.Case{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			cases[v.Names[0].Name] = oauth.Case(text)
		}
	}
	return cases
}

func TestEveryCaseHasAConclusionOfItsOwn(t *testing.T) {
	cases, advice, texts := declared(t), map[string]string{}, map[oauth.Case]bool{}
	if len(cases) < 100 {
		t.Fatalf("only %d cases were found", len(cases))
	}
	for name, c := range cases {
		got := Conclude(audit.Event{Act: "token.refuse", Reason: "x", Detail: map[string]string{audit.CaseDetail: string(c)}})
		if got.Case != c || got.Check == "" || got.Advice == "" {
			t.Errorf("%s (%s) has no conclusion: %+v", name, c, got)
		}
		if code, detail, _ := strings.Cut(string(c), "/"); code == "" || detail == "" || texts[c] {
			t.Errorf("%s: %q is not a code, a slash and a name, or is declared twice", name, c)
		}
		if strings.ContainsAny(got.Check+got.Advice, "{}") || strings.Contains(got.Advice, "tokenbooth ") || strings.Contains(got.Advice, " page of ") {
			t.Errorf("%s: the advice has holes, or is for one surface: %s", name, got.Advice)
		}
		if strings.Contains(got.Advice, "otate") && c.Code() != oauth.InvalidClient && c != oauth.KeyNotYet {
			t.Errorf("%s: a new secret is no help there: %s", name, got.Advice)
		}
		texts[c], advice[got.Advice] = true, name
	}
	for c := range conclusions {
		if !texts[c] {
			t.Errorf("a conclusion is of %s, which is no case", c)
		}
	}
}

func TestEveryCaseIsMadeSomewhereAndNoneInPassing(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}\n{{end}}", "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range strings.Fields(string(out)) {
		if base := filepath.Base(file); base == "case.go" || strings.HasPrefix(base, "conclusions") || base == "explain_do.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`(Refuse|AuthenticationFailed|refused|dead|badRefresh|wrongPassword|Case)\("`).Find(text); found != nil {
			t.Errorf("%s makes a case that is not declared: %s", file, found)
		}
		all.Write(text)
	}
	for name := range declared(t) {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(all.String()) {
			t.Errorf("nothing is refused as %s", name)
		}
	}
}

func TestARefusalOfAnEarlierVersionIsExplainedByItsCode(t *testing.T) {
	for _, code := range oauth.Codes() {
		if c := Conclude(audit.Event{Act: "token.refuse", Reason: string(code) + ": something"}); c.Check == "" || c.Advice == "" || c.Case != "" {
			t.Errorf("%s: %+v", code, c)
		}
	}
	if c := Conclude(audit.Event{Act: "token.refuse", Reason: "nothing we know"}); c != (Conclusion{}) {
		t.Errorf("of a reason that nobody knows it says %+v", c)
	}
	if c := Conclude(audit.Event{Act: Refused, Reason: "no right to change clients"}); !strings.Contains(c.Advice, "owner") {
		t.Errorf("of a role it says %+v", c)
	}
}
