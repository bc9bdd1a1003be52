package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// edition is a tenant's file, of some size, with its number at both ends.
func edition(n int) []byte {
	return fmt.Appendf(nil, "%d\n%s%d\n", n, strings.Repeat("#\n", 50_000), n)
}

func whole(text []byte) bool {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return len(text) > 100_000 && bytes.HasSuffix(text, append([]byte("#\n"), append(first, '\n')...))
}

// TestAProcessThatIsKilledLeavesWholeFilesOnly kills one, again and again, while it replaces a file as fast as it can.
func TestAProcessThatIsKilledLeavesWholeFilesOnly(t *testing.T) {
	if file := os.Getenv("TOKENBOOTH_TEST_REPLACE"); file != "" {
		for n := 0; ; n++ {
			if err := replaceFile(file, edition(n), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "acme.yaml")
	if err := replaceFile(file, edition(0), 0o640); err != nil {
		t.Fatal(err)
	}
	for round := range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAProcessThatIsKilledLeavesWholeFilesOnly$")
		cmd.Env = append(os.Environ(), "TOKENBOOTH_TEST_REPLACE="+file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		was, _ := os.ReadFile(file)
		begun, end := false, time.Now().Add(10*time.Second) // to begin
		for time.Now().Before(end) {
			text, err := os.ReadFile(file)
			if err != nil || !whole(text) {
				t.Fatalf("while it is replaced the file has %d bytes: %v", len(text), err)
			}
			if !begun && !bytes.Equal(text, was) {
				begun, end = true, time.Now().Add(time.Duration(5+round*7)*time.Millisecond)
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if text, err := os.ReadFile(file); err != nil || !whole(text) {
			t.Fatalf("after a kill the file has %d bytes: %v", len(text), err)
		}
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Name() != "acme.yaml" && isTenantFile(e.Name()) {
			t.Errorf("%s was left, and would be taken for a tenant", e.Name())
		}
	}
	if text, _ := os.ReadFile(file); bytes.Equal(text, edition(0)) {
		t.Error("nothing was ever replaced")
	}
}

func TestAFileThatCannotBeReplacedStaysAsItIs(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "acme.yaml")
	if err := os.MkdirAll(filepath.Join(file, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(file, edition(1), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("something was left: %v, %v", left, err)
	}
	link, real := filepath.Join(folder, "link.yaml"), filepath.Join(folder, "real.txt")
	if err := os.WriteFile(real, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err)
	}
	if err := replaceFile(link, edition(1), modeLike(link)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(real); err != nil || !whole(text) {
		t.Errorf("what a link points to was not replaced: %v", err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}

func TestWhateverATenantsTextsAreTheyAreWrittenAsTheyAre(t *testing.T) {
	for _, text := range []string{"a: b # c", "tab\there", " leading", "trailing ", "two\nlines\n", "\n\nempty lines\n\n", "  indented\nthen not", "007", "yes", "~", "null", "1e3", "!tag", "&a",
		"*a", "- a", "{{a}}", "'", `"`, `\`, "é…→", "#", "---", "a\r\nb", "\u2028", "%x", "@x", "`", "?", ": ", "|", ">"} {
		want := &registry.Tenant{Name: "acme", Title: text, Hosts: []string{text}, APIs: []registry.API{{Name: "x", Refusals: text + "\n", Permissions: []registry.Permission{{Name: "p", Label: text}}}}}
		p, got, err := tenantText("acme.yaml", want)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got.Title != text || got.APIs[0].Refusals != text+"\n" || got.APIs[0].Permissions[0].Label != text {
			t.Errorf("%q became %q\n%s", text, got.Title, p.text)
		}
	}
}
