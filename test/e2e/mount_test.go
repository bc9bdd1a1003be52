package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mount is a folder as Kubernetes mounts a ConfigMap or a secret: each file is a link through ..data, and what is new comes at once, by
// one rename of that link.
type mount struct {
	dir string
	n   int
}

// put swaps what is in the mount for these files, and takes the old ones away.
func (m *mount) put(t *testing.T, files map[string]string) {
	t.Helper()
	m.n++
	version := fmt.Sprintf("..2026_12_%02d", m.n)
	if err := os.MkdirAll(filepath.Join(m.dir, version), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writeFile(t, filepath.Join(m.dir, version, name), text)
	}
	before, _ := os.Readlink(filepath.Join(m.dir, "..data"))
	if err := os.Symlink(version, filepath.Join(m.dir, "..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")); err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	if before != "" {
		if err := os.RemoveAll(filepath.Join(m.dir, before)); err != nil {
			t.Fatal(err)
		}
	}
}

const mountedSettings = `listen: %s
operators: %s
data: %s
tls: {certificate: ../tls/tls.crt, key: ../tls/tls.key}
dialects: [../dialects/own.http]
tenant_files: ../tenants
tenants:
  - {name: first, title: %s, hosts: [127.0.0.1], issuer: "https://127.0.0.1", dialects: [oauth2, own]}
`

// A change that comes by a mount is read anew, whichever kind of file it is of, as often as it comes.
func TestSettingsTenantsDialectsAndCertificatesOfAMountAreReadAnew(t *testing.T) {
	t.Parallel()
	at, a := freeAddresses(t, 2), newAuthority(t)
	b := apart(t, "gateway", "")
	b.public, b.operators, b.args = "https://"+at[0], "http://"+at[1], []string{"serve", "--first-start", "-c", "settings/tokenbooth.yaml"}
	mounts := map[string]*mount{}
	for _, name := range []string{"settings", "tenants", "dialects", "tls"} {
		mounts[name] = &mount{dir: filepath.Join(b.dir, name)}
	}
	settings := func(title string) map[string]string {
		return map[string]string{"tokenbooth.yaml": fmt.Sprintf(mountedSettings, at[0], at[1], filepath.Join(b.dir, "data"), title)}
	}
	tenant := func(title string) map[string]string {
		return map[string]string{"second.yaml": fmt.Sprintf("name: second\ntitle: %s\nhosts: [second.example]\nissuer: https://second.example\ndialects: [oauth2]\n", title)}
	}
	own, err := os.ReadFile(filepath.Join("..", "..", "dialect", "dialects", "oauth2.http"))
	if err != nil {
		t.Fatal(err)
	}
	dialect := func(path string) map[string]string {
		return map[string]string{"own.http": strings.ReplaceAll(swapped(t, string(own), "/oauth2/token", path), "# @dialect oauth2", "# @dialect own")}
	}
	cert := func() (map[string]string, int64) {
		dir := t.TempDir()
		serial := a.issue(t, dir)
		return map[string]string{"tls.crt": read(t, filepath.Join(dir, "cert.pem")), "tls.key": read(t, filepath.Join(dir, "key.pem"))}, serial
	}
	first, _ := cert()
	mounts["settings"].put(t, settings("One"))
	mounts["tenants"].put(t, tenant("One"))
	mounts["dialects"].put(t, dialect("/own/one"))
	mounts["tls"].put(t, first)
	b.begin(t)
	t.Cleanup(func() { b.end(t) })
	caller := a.caller()
	shown := func() string {
		out, problems, code := command(t, b.dir, "", "-c", "settings/tokenbooth.yaml", "tenant", "list")
		if code != 0 {
			t.Fatal(problems)
		}
		return out
	}
	for _, round := range []string{"two", "three"} {
		applied := b.count(t, "new settings are applied")
		next := func(what string) {
			within(t, freshness, what+" is read anew, "+round, func() bool {
				n := b.count(t, "new settings are applied")
				ok := n > applied
				applied = max(n, applied)
				return ok
			})
		}
		mounts["settings"].put(t, settings(round))
		next("a settings file")
		mounts["tenants"].put(t, tenant(round))
		next("a tenant's file")
		mounts["dialects"].put(t, dialect("/own/"+round))
		within(t, freshness, "the dialect's new path answers, "+round, func() bool {
			res, err := caller.Post(b.public+"/own/"+round, "application/x-www-form-urlencoded", strings.NewReader("grant_type=x"))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode != http.StatusNotFound
		})
		files, serial := cert()
		mounts["tls"].put(t, files)
		within(t, freshness, "the new certificate is shown, "+round, func() bool {
			conn, err := tls.Dial("tcp", at[0], &tls.Config{RootCAs: a.roots, ServerName: "127.0.0.1"})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64() == serial
		})
		if out := shown(); strings.Count(out, round) < 2 {
			t.Errorf("%s: %s", round, out)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// count says how often the log has a text.
func (b *booth) count(t *testing.T, text string) int {
	t.Helper()
	return strings.Count(read(t, filepath.Join(b.dir, "log")), text)
}

// A refused reload is to be seen without reading the log, and takes nobody out of service. A file that is replaced, or deleted and made
// again, is read.
func TestARefusedReloadIsInMetricsAndReadiness(t *testing.T) {
	t.Parallel()
	at := freeAddresses(t, 2)
	good := "listen: " + at[0] + "\noperators: " + at[1] + "\ndata: data" + oneTenant
	b := apart(t, "serve", good)
	b.public, b.operators = "http://"+at[0], "http://"+at[1]
	b.begin(t)
	t.Cleanup(func() { b.end(t) })
	file := filepath.Join(b.dir, "tokenbooth.yaml")
	failed := func() string {
		text, err := b.metrics()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "tokenbooth_settings_reload_failed "); ok {
				return strings.TrimSpace(value)
			}
		}
		return "none"
	}
	ready := func() answer {
		a, err := ask(t.Context(), web, "GET", b.operators+"/readyz", "")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ready(); failed() != "0" || a.status != 200 || strings.Contains(a.body, "settings") {
		t.Fatalf("at first: %s, %d %s", failed(), a.status, a.body)
	}
	for name, change := range map[string]func(text string) error{
		"written over": func(text string) error { return os.WriteFile(file, []byte(text), 0o600) },
		"replaced by a rename": func(text string) error {
			writeFile(t, file+"~", text)
			return os.Rename(file+"~", file)
		},
		"deleted and made again": func(text string) error {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.WriteFile(file, []byte(text), 0o600)
		},
	} {
		if err := change("listen: x\n" + good); err != nil {
			t.Fatal(err)
		}
		within(t, freshness, name+": a fault is counted", func() bool { return failed() == "1" })
		if a := ready(); a.status != 200 || !strings.Contains(a.body, `"refused":"tokenbooth.yaml:2:1:`) || strings.Contains(a.body, "| ") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if err := change(good); err != nil {
			t.Fatal(err)
		}
		within(t, freshness, name+": the fault is gone", func() bool { return failed() == "0" })
		if a := ready(); a.status != 200 || strings.Contains(a.body, "settings") {
			t.Errorf("%s, put right: %d %s", name, a.status, a.body)
		}
	}
}
