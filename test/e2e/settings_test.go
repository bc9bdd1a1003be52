package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command runs the program to its end and returns what it printed and its exit code.
func command(t *testing.T, dir, input string, args ...string) (out, problems string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, plainProgram, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, cleanEnvironment(), strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("tokenbooth %q: %v, %v", args, err, ctx.Err())
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// wantFailure runs the program, which must end at once, with code 1, and say these words.
func wantFailure(t *testing.T, dir string, words []string, args ...string) {
	t.Helper()
	out, problems, code := command(t, dir, "", args...)
	if code != 1 || !containsAll(problems, words) {
		t.Errorf("tokenbooth %q ended with %d:\n%s%s\nwant %q", args, code, out, problems, words)
	}
}

const oneTenant = `
tenants:
  - name: acme
    hosts: [acme.example]
    issuer: https://acme.example
    dialects: [nexthink]
`

// Req 60, Req 106: settings that would put credentials on the network in clear, or that cannot work, are refused before a socket is
// open or a file made, with the place that is wrong.
func TestReq060_UnsafeSettingsAreRefusedAtTheStart(t *testing.T) {
	for _, c := range []struct {
		name, text string
		words      []string
	}{
		{"plain HTTP beyond this machine", "listen: 0.0.0.0:0" + oneTenant, []string{"settings.yaml:1:9:", "without tls credentials would cross the network in clear"}},
		{"on every interface, unsaid", "listen: :0" + oneTenant, []string{"settings.yaml:1:", "without tls"}},
		{"operators beyond this machine", "listen: 127.0.0.1:0\noperators: 0.0.0.0:0" + oneTenant, []string{"settings.yaml:2:", "operators"}},
		{"a certificate that is not there", "listen: 0.0.0.0:0\noperators: 127.0.0.1:0\ntls: {certificate: none.pem, key: none.pem}" + oneTenant, []string{"none.pem"}},
		{"nothing", "", []string{"empty"}},
		{"no tenant", "listen: 127.0.0.1:0\n", []string{"tenant"}},
		{"a setting that does not exist", "listen: 127.0.0.1:0\nlisten_tls: 1" + oneTenant, []string{"settings.yaml:2:1:", "listen_tls"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "settings.yaml"), c.text)
			wantFailure(t, dir, c.words, "serve", "-c", "settings.yaml")
			if _, err := os.Stat(filepath.Join(dir, "tokenbooth-data")); !os.IsNotExist(err) {
				t.Errorf("a data folder was made: %v", err)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		wantFailure(t, t.TempDir(), []string{"there is no settings file", "tokenbooth init"}, "serve", "-c", "nowhere.yaml")
	})
}

func TestReq060_PlainHTTPBeyondThisMachineHasToBeAskedFor(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "settings.yaml"), "listen: 0.0.0.0:0\noperators: 127.0.0.1:0\ninsecure_plain_http: true"+oneTenant)
	b := &booth{program: plainProgram, dir: dir, args: []string{"serve", "--first-start", "-c", "settings.yaml"}}
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	defer b.kill(t)
	b.logged(t, startWithin, `"serving"`)
}

func TestTwoDemosOnOnePortIsAClearError(t *testing.T) {
	address := strings.TrimPrefix(shared.public, "http://")
	began := time.Now()
	wantFailure(t, t.TempDir(), []string{"cannot listen", address, "address already in use"}, "demo", "--listen", address, "--operators", "127.0.0.1:0")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	call(t, "GET", shared.public+"/.well-known/jwks.json", "").wantStatus(t, 200)
}

// Req 104: what is kept is the owner's alone to read.
func TestReq104_FilesAreTheOwnersAlone(t *testing.T) {
	err := filepath.WalkDir(shared.data(""), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A demo that is stopped and started again knows its clients, users, keys and tokens.
func TestADemoGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	before := b.vars
	opaque, err := b.opaque(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	token := nexthinkToken(t, post(t, b.public+"/api/v1/token", "grant_type=client_credentials", b.basic("NEXTHINK")).wantStatus(t, 200).body)
	b.end(t)
	b.again(t)
	for name, value := range before {
		if b.vars[name] != value {
			t.Errorf("%s was %q and is %q", name, value, b.vars[name])
		}
	}
	get(t, b.public+"/api/collections", opaque).wantStatus(t, 200)
	get(t, b.public+"/api/v1/workflows", token).wantStatus(t, 200)
}
