package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/spf13/cobra"
)

// reader is one way in which a text that a person wrote comes into the program: it is written into a folder, read, and said in its own words.
type reader struct {
	name string
	text string
	read func(t *testing.T, dir string, text []byte) (string, error)
}

func inFile(name string, read func(file string) (string, error)) func(*testing.T, string, []byte) (string, error) {
	return func(t *testing.T, dir string, text []byte) (string, error) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return read(file)
	}
}

const someSettings = "listen: 127.0.0.1:0\noperators: 127.0.0.1:0\ndata: data\ntenants:\n  - name: acme\n    title: Café\n    hosts: [a.example]\n" +
	"    issuer: https://a.example\n    dialects: [oauth2]\n"

var readers = []reader{
	{"settings", someSettings, inFile("tokenbooth.yaml", func(file string) (string, error) {
		s, err := loadSettings(file, nil)
		if err != nil {
			return "", err
		}
		return s.Tenants[0].Title + s.Listen, nil
	})},
	{"a tenant's file", "name: acme\ntitle: Café\nhosts: [a.example]\nissuer: https://a.example\ndialects: [oauth2]\n",
		inFile("acme.yaml", func(file string) (string, error) {
			p, err := readTenantPage(file)
			if err != nil {
				return "", err
			}
			tenant, err := p.tenant()
			if err != nil {
				return "", err
			}
			return tenant.Title, nil
		})},
	{"declarations", "clients:\n  - id: c\n    name: Café\n    description: |\n      one\n      two\n", inFile("apply.yaml", func(file string) (string, error) {
		d, err := readDeclarations(&cobra.Command{}, file)
		if err != nil {
			return "", err
		}
		return d.Clients[0].Name + "/" + d.Clients[0].Description, nil
	})},
	{"declarations on standard input", "clients:\n  - id: c\n    name: Café\n", func(t *testing.T, _ string, text []byte) (string, error) {
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader(string(text)))
		d, err := readDeclarations(cmd, "-")
		if err != nil {
			return "", err
		}
		return d.Clients[0].Name, nil
	}},
	{"a secret's file", "0123456789é\n", inFile("secret", func(file string) (string, error) {
		s, err := readSecret(file)
		return s.Reveal(), err
	})},
	{"a secret on standard input", "0123456789é\n", func(_ *testing.T, _ string, text []byte) (string, error) {
		s, err := (&asker{in: strings.NewReader(string(text))}).piped("secret")
		return s.Reveal(), err
	}},
	{"a dialect", "", nil}, // filled in by the test: the text of one that comes with the program
}

func dialectReader(t *testing.T) reader {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "dialect", "dialects", "oauth2.http"))
	if err != nil {
		t.Fatal(err)
	}
	return reader{"a dialect", strings.Replace(string(text), "oauth2", "other2", 1), inFile("d.http", func(file string) (string, error) {
		v := checkDialect(file)
		if !v.OK {
			return "", os.ErrInvalid
		}
		return v.Dialect.Name, nil
	})}
}

func TestATextThatAPersonWroteIsReadHoweverTheirEditorSavedIt(t *testing.T) {
	all := slices.Clone(readers)
	all[len(all)-1] = dialectReader(t)
	for _, r := range all {
		want, err := r.read(t, t.TempDir(), []byte(r.text))
		if err != nil || want == "" {
			t.Errorf("%s: %q, %v", r.name, want, err)
			continue
		}
		for how, text := range map[string]string{
			"with a byte order mark":          "\ufeff" + r.text,
			"with CRLF":                       strings.ReplaceAll(r.text, "\n", "\r\n"),
			"with a byte order mark and CRLF": "\ufeff" + strings.ReplaceAll(r.text, "\n", "\r\n"),
		} {
			if got, err := r.read(t, t.TempDir(), []byte(text)); err != nil || got != want {
				t.Errorf("%s, %s: %q, %v; want %q", r.name, how, got, err, want)
			}
		}
		for how, mark := range map[string]string{"with its mark": "\ufeff", "without one": ""} {
			if _, err := r.read(t, t.TempDir(), wide(mark+r.text)); err == nil || !saysUTF16(r.name, err) {
				t.Errorf("%s in UTF-16, %s: %v", r.name, how, err)
			}
		}
	}
}

// saysUTF16: what a check of a dialect says stands in its answer and not in an error.
func saysUTF16(name string, err error) bool {
	return name == "a dialect" || strings.Contains(err.Error(), "UTF-16") && strings.Contains(err.Error(), "save it as UTF-8")
}

func TestADialectInUTF16IsRefusedWithTheReason(t *testing.T) {
	file := filepath.Join(t.TempDir(), "d.http")
	if err := os.WriteFile(file, wide("\ufeff# a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v := checkDialect(file); v.OK || !strings.HasPrefix(v.Problem, "this is UTF-16 text") {
		t.Errorf("it says %q", v.Problem)
	}
}

func wide(s string) (out []byte) {
	for _, unit := range utf16.Encode([]rune(s)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

// Whoever adds a reader of a person's text goes through readText, and so do its siblings.
func TestNoOtherFileOfAPersonIsReadAsItIs(t *testing.T) {
	plain := map[string]string{"check.go": "certificates in PEM", "desk.go": "a key that another process has just made", "clock_test_build.go": "a test's clock"}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(text), "os.ReadFile(") && plain[file] == "" {
			t.Errorf("%s reads a file as it is: use readText, or say here why not", file)
		}
	}
}
