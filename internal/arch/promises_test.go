package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	row    = regexp.MustCompile(`(?m)^\| (\d+)(?:–(\d+))? \| [^|]+ \| ([^|]+) \|$`)
	number = regexp.MustCompile(`Req(\d+)`)
)

// TestEveryRequirementThatIsHeldHasATest holds the table of the threat model against the names of the tests.
func TestEveryRequirementThatIsHeldHasATest(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "threat-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	tested := requirementsInTests(t, root)
	seen := map[int]bool{}
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		first, _ := strconv.Atoi(cells[1])
		last := first
		if cells[2] != "" {
			last, _ = strconv.Atoi(cells[2])
		}
		for n := first; n <= last; n++ {
			seen[n] = true
			if strings.HasPrefix(cells[3], "held") && !tested[n] {
				t.Errorf("requirement %d is said to be held, but no test has its number in its name", n)
			}
		}
	}
	for n := 1; n <= 126; n++ {
		if !seen[n] {
			t.Errorf("requirement %d is not in the table", n)
		}
	}
}

func requirementsInTests(t *testing.T, root string) map[int]bool {
	t.Helper()
	tested := map[int]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "func Test") && !strings.HasPrefix(line, "func Fuzz") {
				continue
			}
			for _, m := range number.FindAllStringSubmatch(line, -1) {
				n, _ := strconv.Atoi(m[1])
				tested[n] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tested
}
