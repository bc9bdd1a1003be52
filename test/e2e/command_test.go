package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The commands in testdata are the vendors' own, copied from their documents to the byte. filled replaces in one of them what a reader
// has to replace, the scheme, host, port and credentials, and nothing else.
func filled(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(string(raw), "\n")
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s has no %q", file, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// commandTime bounds a caller's tool.
const commandTime = 20 * time.Second

// tool runs a caller's tool and returns what it printed.
func tool(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, problems bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = append(cleanEnvironment(), env...), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out.Bytes(), problems.Bytes())
	}
	return out.String()
}

// shell runs a line as zsh, bash and sh understand it alike. What curl prints is the body; a settings file of its own keeps it from
// showing progress.
func shell(t *testing.T, line string) string {
	t.Helper()
	return tool(t, []string{"CURL_HOME=" + curlHome(t)}, "sh", "-c", line)
}

// cmdExe runs a line as cmd.exe would: there the program itself splits its command line, by the rules of the C runtime, and a quote
// is only the double one.
func cmdExe(t *testing.T, line string) string {
	t.Helper()
	words := splitWindows(line)
	return tool(t, []string{"CURL_HOME=" + curlHome(t)}, words[0], words[1:]...)
}

func curlHome(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), []byte("silent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// splitWindows splits a command line like the Microsoft C runtime: white space separates, double quotes keep together, a backslash
// is one unless it stands before a quote.
func splitWindows(line string) (words []string) {
	var word strings.Builder
	quoted, begun := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			word.WriteByte('"')
			i, begun = i+1, true
		case c == '"':
			quoted, begun = !quoted, true
		case (c == ' ' || c == '\t') && !quoted:
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// node runs a program under Node.js, as a file of its own.
func node(t *testing.T, program string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program.js")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(tool(t, nil, "node", file), "\n") // console.log adds it
}
