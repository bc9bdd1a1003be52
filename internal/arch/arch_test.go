package arch

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tokenbooth/tokenbooth/"

// mayImport says which packages of ours each package may import. "*" is all of them.
var mayImport = map[string][]string{
	// what others import: the standard library and each other only
	"oauth":      {},
	"dialect":    {"oauth"},
	"revocation": {},
	"bearer":     {"oauth", "revocation", "internal/clock"},

	// decisions
	"internal/secret":                {},
	"internal/limit":                 {},
	"internal/link":                  {},
	"internal/clock":                 {},
	"internal/local":                 {},
	"internal/text":                  {},
	"internal/hostname":              {},
	"internal/edge":                  {"oauth", "internal/hostname"},
	"internal/audit":                 {"oauth", "internal/secret", "internal/store"},
	"internal/change":                {"internal/secret", "internal/store"},
	"internal/feed":                  {"revocation", "internal/secret", "internal/store", "internal/change"},
	"internal/registry":              {"oauth", "internal/hostname", "revocation", "internal/text", "internal/secret", "internal/store", "internal/audit", "internal/change", "internal/feed"},
	"internal/registry/registrytest": {"internal/registry"},
	"internal/directory":             {"internal/secret", "internal/store", "internal/registry"},
	"internal/keyring":               {"oauth", "revocation", "internal/secret", "internal/store", "internal/audit", "internal/change", "internal/feed"},
	"internal/issuer": {"oauth", "revocation", "internal/secret", "internal/store", "internal/audit", "internal/change", "internal/feed",
		"internal/limit", "internal/registry", "internal/keyring"},

	"internal/operator": {"oauth", "internal/secret", "internal/store", "internal/audit", "internal/limit", "internal/registry"},
	"internal/office": {"oauth", "revocation", "internal/secret", "internal/store", "internal/audit", "internal/feed", "internal/registry", "internal/directory",
		"internal/keyring", "internal/issuer", "internal/operator", "internal/store/paper", "internal/local"},
	"internal/sheet": {"oauth", "dialect", "internal/registry"},

	// keeping
	"internal/store":           {},
	"internal/store/memory":    {"internal/store"},
	"internal/store/paper":     {"internal/store"},
	"internal/store/sqlite":    {"internal/store"},
	"internal/store/storetest": {"internal/store"},

	// surfaces
	"internal/server":  {"oauth", "internal/edge", "internal/hostname", "dialect", "revocation", "internal/issuer", "internal/feed", "internal/limit"},
	"internal/gateway": {"oauth", "bearer", "dialect", "internal/edge", "internal/hostname"},
	"internal/expiry":  {"oauth", "internal/secret", "internal/store", "internal/audit", "internal/directory", "internal/local"},
	"internal/admin": {"oauth", "revocation", "internal/secret", "internal/store", "internal/audit", "internal/registry", "internal/directory", "internal/keyring",
		"internal/issuer", "internal/operator", "internal/office", "internal/link", "internal/local", "internal/text", "internal/edge"},
	"internal/console": {"oauth", "revocation", "dialect", "internal/limit", "internal/audit", "internal/registry", "internal/directory", "internal/keyring", "internal/issuer", "internal/operator",
		"internal/office", "internal/sheet", "internal/expiry", "internal/link", "internal/text", "internal/edge", "internal/hostname"},
	"internal/sandbox": {},

	"internal/arch":  {},
	"cmd/tokenbooth": {"*"},
	"test/load":      {"*"},
	"test/e2e":       {},
	"test/steady":    {},
}

// onlyThere says where alone something dangerous or heavy may be imported.
var onlyThere = map[string][]string{
	"net/http": {"bearer", "dialect", "internal/edge", "internal/server", "internal/gateway", "internal/sandbox", "internal/expiry", "internal/admin",
		"internal/console", "cmd/tokenbooth", "test/load", "test/e2e"},

	"database/sql":        {"internal/store/sqlite"},
	"database/sql/driver": {"internal/store/sqlite"},
	"modernc.org/sqlite":  {"internal/store/sqlite"},

	"crypto/rand":     {"internal/secret", "internal/keyring", "bearer"},
	"crypto/sha256":   {"internal/secret", "internal/keyring", "bearer", "revocation"},
	"crypto/sha1":     {"internal/secret"},
	"crypto/sha512":   {"internal/secret"},
	"crypto/hmac":     {"internal/secret", "bearer"},
	"crypto/hkdf":     {"internal/secret", "bearer"},
	"crypto/aes":      {"internal/secret"},
	"crypto/cipher":   {"internal/secret"},
	"crypto/pbkdf2":   {"internal/secret"},
	"crypto/subtle":   {"internal/secret"},
	"crypto/ecdsa":    {"internal/keyring", "bearer", "test/load"},
	"crypto/ed25519":  {"internal/keyring", "bearer"},
	"crypto/rsa":      {"internal/keyring", "bearer"},
	"crypto/elliptic": {"internal/keyring", "bearer", "test/load"},
	"math/rand":       {},
	"math/rand/v2":    {"test/load", "internal/store/storetest"},
	"unsafe":          {},
}

// file is one parsed Go file that goes into the product.
type file struct {
	path, pkg string
	tree      *ast.File
	lines     int
}

func files(t *testing.T) []file {
	t.Helper()
	var all []file
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "tokenbooth-demo") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".gen.go") { // what is generated is read by nobody
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		all = append(all, file{rel, filepath.ToSlash(filepath.Dir(rel)), tree, bytes.Count(text, []byte("\n"))})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func imports(f file) []string {
	var out []string
	for _, i := range f.tree.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			out = append(out, path)
		}
	}
	return out
}

func TestNoPackageExistsThatTheHouseDoesNotName(t *testing.T) {
	for _, f := range files(t) {
		if _, named := mayImport[f.pkg]; !named {
			t.Errorf("%s: package %s is not in the table of this test; decide who may import whom, and tell ARCHITECTURE.md", f.path, f.pkg)
		}
	}
}

func TestPackagesImportOnlyWhomTheyMay(t *testing.T) {
	for _, f := range files(t) {
		for _, path := range imports(f) {
			ours, ok := strings.CutPrefix(path, module)
			if ok && !slices.Contains(mayImport[f.pkg], ours) && !slices.Contains(mayImport[f.pkg], "*") {
				t.Errorf("%s may not import %s", f.path, ours)
			}
		}
	}
}

func TestDangerousPackagesStayWhereTheyBelong(t *testing.T) {
	for _, f := range files(t) {
		for _, path := range imports(f) {
			if homes, bound := onlyThere[path]; bound && !slices.Contains(homes, f.pkg) {
				t.Errorf("%s imports %s, which belongs in %v alone", f.path, path, homes)
			}
		}
	}
}

// A name joined to a path by hand leads elsewhere when there is a slash or a % in it; names of files are not addresses.
func TestOnlyLinkMakesPathsOfNames(t *testing.T) {
	for _, f := range files(t) {
		if f.pkg == "internal/link" || f.path == "cmd/tokenbooth/apply_work.go" {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "PathEscape" {
				t.Errorf("%s escapes a segment of a path: link.Path does that", f.path)
			}
			return true
		})
	}
}

func TestPublicPackagesImportTheStandardLibraryOnly(t *testing.T) {
	for _, f := range files(t) {
		if !slices.Contains([]string{"oauth", "bearer", "dialect", "revocation"}, f.pkg) {
			continue
		}
		for _, path := range imports(f) {
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && !strings.HasPrefix(path, module) {
				t.Errorf("%s imports %s: whoever imports %s would get it too", f.path, path, f.pkg)
			}
		}
	}
}

func TestOnlyTheCommandKnowsAConcreteEngine(t *testing.T) {
	for _, f := range files(t) {
		for _, path := range imports(f) {
			if strings.HasPrefix(path, module+"internal/store/") && path != module+"internal/store/paper" && !strings.HasPrefix(path, module+f.pkg+"/") &&
				!strings.HasPrefix(f.pkg, "cmd/") && !strings.HasPrefix(f.pkg, "test/") {
				t.Errorf("%s imports the engine %s", f.path, path)
			}
		}
	}
}

func TestNothingRunsBeforeMain(t *testing.T) {
	for _, f := range files(t) {
		for _, d := range f.tree.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.path)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	docs := map[string]int{}
	for _, f := range files(t) {
		docs[f.pkg] += 0
		if f.tree.Doc != nil {
			docs[f.pkg] += strings.Count(f.tree.Doc.Text(), "\n")
		}
	}
	for pkg, lines := range docs {
		if least := 3; lines < least && !strings.HasPrefix(pkg, "cmd/") {
			t.Errorf("package %s has a package comment of %d lines; say what it is, what it decides or keeps and what not, and what callers may rely on", pkg, lines)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, f := range files(t) {
		for _, d := range f.tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d)) {
					t.Errorf("%s: %s has no comment", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				undocumented(t, f, d)
			}
		}
	}
}

func undocumented(t *testing.T, f file, d *ast.GenDecl) {
	t.Helper()
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				t.Errorf("%s: type %s has no comment", f.path, s.Name.Name)
			}
		case *ast.ValueSpec:
			if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				t.Errorf("%s: %s has no comment", f.path, s.Names[0].Name)
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	kind := d.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if generic, ok := kind.(*ast.IndexExpr); ok {
		kind = generic.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}

func TestFilesStayReadable(t *testing.T) {
	const most = 400
	for _, f := range files(t) {
		if f.lines > most {
			t.Errorf("%s has %d lines; more than %d is two files", f.path, f.lines, most)
		}
	}
}

func TestNamesSayWhatTheyAre(t *testing.T) {
	avoid := []string{"manager", "helper", "util", "common", "service", "provider"}
	for _, f := range files(t) {
		for _, d := range f.tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, word := range avoid {
				if strings.Contains(strings.ToLower(fn.Name.Name), word) {
					t.Errorf("%s: %s says %q, which says nothing", f.path, fn.Name.Name, word)
				}
			}
		}
	}
}

func TestArchitectureNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range mayImport {
		name := pkg[strings.LastIndexByte(pkg, '/')+1:] + "/"
		if !bytes.Contains(text, []byte(name)) {
			t.Errorf("ARCHITECTURE.md does not name %s", pkg)
		}
	}
}

func TestDependenciesKeepTheirPins(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	pins := map[string]string{"modernc.org/sqlite": "v1.60.1", "modernc.org/libc": "v1.77.1"}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && pins[fields[0]] != "" && pins[fields[0]] != fields[1] {
			t.Errorf("%s is at %s; the engine was tested with exactly %s", fields[0], fields[1], pins[fields[0]])
		}
	}
}
