package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The path of a request for a client's own token must stay short enough to be read in one sitting. Its story, what is decided and in
// which order, is in the server and the issuer, and has the budget of the house. All of it, with each leaf that reads a parameter or
// appends a digit, has a budget that is there to be noticed when it grows.
const (
	maxStoryFiles     = 12
	maxStoryFunctions = 30
	maxPathFiles      = 38 // where a request arrives is two packages: edge and hostname
	maxPathFunctions  = 102
)

const module = "github.com/tokenbooth/tokenbooth/"

// TestBudgetRequests is run by TestBudget… under coverage, alone: it makes as many requests as it is told to.
func TestBudgetRequests(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("TOKENBOOTH_BUDGET"))
	if err != nil {
		t.Skip("TestBudgetOfFilesAndFunctionsOnThePathOfAToken runs it")
	}
	b := open(t)
	b.client("app")
	for range n {
		if w := b.answer(b.basic("app")); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
	}
}

func TestBudgetOfFilesAndFunctionsOnThePathOfAToken(t *testing.T) {
	if testing.Short() {
		t.Skip("builds everything anew")
	}
	dir := t.TempDir()
	run := func(env, name string, arg ...string) {
		t.Helper()
		cmd := exec.Command(name, arg...)
		cmd.Env = append(os.Environ(), env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	program := filepath.Join(dir, "requests")
	run("", "go", "test", "-c", "-o", program, "-covermode=atomic", "-coverpkg", module+"oauth,"+module+"dialect,"+module+"internal/...", ".")
	// What has run in nine of ten of a hundred more requests is the path. What made things ready, and what runs beside it, is not.
	few, many := filepath.Join(dir, "10"), filepath.Join(dir, "110")
	for requests, profile := range map[string]string{"10": few, "110": many} {
		run("TOKENBOOTH_BUDGET="+requests, program, "-test.run", "^TestBudgetRequests$", "-test.coverprofile", profile)
	}
	before, after := counts(t, few), counts(t, many)
	ran := map[string][]int{}
	for b, n := range after {
		if n >= before[b]+90 {
			ran[b.file] = append(ran[b.file], b.line)
		}
	}
	files, functions := onPath(t, ran)
	if len(files) > maxPathFiles || len(functions) > maxPathFunctions || len(functions) == 0 {
		t.Errorf("the path of a token has %d files and %d functions; the budget is %d and %d:\n%s", len(files), len(functions), maxPathFiles, maxPathFunctions,
			strings.Join(functions, "\n"))
	}
	leaf := func(name string) bool {
		return !strings.HasPrefix(name, module+"internal/server/") && !strings.HasPrefix(name, module+"internal/issuer/")
	}
	files, functions = slices.DeleteFunc(files, leaf), slices.DeleteFunc(functions, leaf)
	if len(files) > maxStoryFiles || len(functions) > maxStoryFunctions || len(functions) == 0 {
		t.Errorf("the story of a token has %d files and %d functions; the budget is %d and %d:\n%s", len(files), len(functions), maxStoryFiles, maxStoryFunctions,
			strings.Join(functions, "\n"))
	}
	t.Logf("the story: %d files, %d functions", len(files), len(functions))
}

// block is a stretch of code that a coverage profile counts.
type block struct {
	file, place string
	line        int
}

// counts reads how often each block has run. A line is like github.com/…/token.go:12.34,15.2 3 1
func counts(t *testing.T, profile string) map[block]int {
	t.Helper()
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	all := map[block]int{}
	for line := range strings.Lines(string(text)) {
		file, rest, _ := strings.Cut(line, ".go:")
		fields := strings.Fields(rest)
		if len(fields) != 3 {
			continue // the mode
		}
		at, err1 := strconv.Atoi(rest[:strings.IndexByte(rest, '.')])
		n, err2 := strconv.Atoi(fields[2])
		if err1 != nil || err2 != nil {
			t.Fatalf("%q: %v %v", line, err1, err2)
		}
		all[block{file + ".go", fields[0], at}] += n
	}
	return all
}

// onPath returns the files and functions that the blocks which ran are in.
func onPath(t *testing.T, ran map[string][]int) (files, functions []string) {
	t.Helper()
	for file, lines := range ran {
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, filepath.Join("..", "..", strings.TrimPrefix(file, module)), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			from, to := set.Position(fn.Pos()).Line, set.Position(fn.End()).Line
			if slices.ContainsFunc(lines, func(l int) bool { return l >= from && l <= to }) {
				functions = append(functions, file+" "+fn.Name.Name)
				if !slices.Contains(files, file) {
					files = append(files, file)
				}
			}
		}
	}
	slices.Sort(functions)
	return files, functions
}
