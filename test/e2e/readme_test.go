package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheCommandsOfTheReadmeWork runs every block of the README that is marked as shell, in order, in one shell, in a folder that looks
// like a checkout in which make demo is running. Each must succeed and print what its sentence promises.
func TestTheCommandsOfTheReadmeWork(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for link, target := range map[string]string{"tokenbooth-demo": shared.data(""), "bin/tokenbooth": plainProgram} {
		link = filepath.Join(folder, link)
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	script := "set -e\n"
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 6 {
		t.Fatalf("the README has %d blocks of shell; it used to have more", len(blocks))
	}
	for _, b := range blocks {
		script += b[1] + "\necho\n"
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir, cmd.Env = folder, cleanEnvironment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the README's commands fail: %v\n%s", err, out)
	}
	for _, promise := range []string{
		`"id":"license_reclamation"`,
		`"tokenType":"Bearer","expiresIn":1800`,
		`"token_type":"bearer","expires_in":604799,"refresh_token":"`,
		`"token_type":"Bearer","expires_in":900,"scope":"workflows"`,
		"Data warehouse",
	} {
		if !strings.Contains(string(out), promise) {
			t.Errorf("the README's commands do not print %s:\n%s", promise, out)
		}
	}
}

// TestTheCommandsOfTheDemosScreenWork pastes every curl command of the screen, in order. Where one has a word in capitals, it gets what
// the command before it answered, and nothing else is changed.
func TestTheCommandsOfTheDemosScreenWork(t *testing.T) {
	screen, err := os.ReadFile(filepath.Join(shared.dir, "screen"))
	if err != nil {
		t.Fatal(err)
	}
	access := regexp.MustCompile(`"access_?[tT]oken":"([^"]+)"`)
	refresh := regexp.MustCompile(`"refresh_token":"([^"]+)"`)
	words := map[string]string{}
	ran := 0
	for _, line := range strings.Split(string(screen), "\n") {
		command := strings.TrimSpace(line)
		if !strings.HasPrefix(command, "curl ") {
			continue
		}
		for word, value := range words {
			command = strings.ReplaceAll(command, word, value)
		}
		cmd := exec.Command("sh", "-c", strings.Replace(command, "curl ", "curl -s --fail-with-body ", 1))
		cmd.Env = cleanEnvironment()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s\n%v: %s", command, err, out)
		}
		if m := access.FindSubmatch(out); m != nil {
			words["ACCESS_TOKEN"] = string(m[1])
		}
		if m := refresh.FindSubmatch(out); m != nil {
			words["REFRESH_TOKEN"] = string(m[1])
		}
		ran++
	}
	if ran < 12 {
		t.Errorf("the screen has %d commands; it used to have more", ran)
	}
}
