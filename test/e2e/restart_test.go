package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// R28: a stop is announced before it happens. Callers that heed readiness, as a balancer in front does, lose nothing; and what is
// under way is finished.
func TestR028_AStopUnderLoadDropsNothing(t *testing.T) {
	b := ownDemo(t)
	for range 3 {
		var unready atomic.Bool
		c := gather(t, 8, func(ctx context.Context, caller *http.Client, _ int) (bool, error) {
			if unready.Load() {
				return false, nil
			}
			return true, b.aRound(ctx, caller)
		})
		c.begun(t, 50)
		began := time.Now()
		if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for b.ready() {
			if time.Since(began) > 5*time.Second {
				t.Fatal("still ready 5 s after SIGTERM")
			}
			time.Sleep(10 * time.Millisecond)
		}
		unready.Store(true)
		c.callers.Wait()
		c.home(t)
		select {
		case <-b.exited:
		case <-time.After(stopWithin):
			t.Fatalf("still there %v after SIGTERM", stopWithin)
		}
		if b.err != nil {
			t.Errorf("ended with %v\n%s", b.err, b.logTail())
		}
		b.again(t)
	}
}

// What has begun when the stop comes is finished, however slowly it arrives; a connection on which nothing happens holds nothing up.
func TestR028_AStopWaitsForWhatIsUnderWayAndForNothingElse(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	call(t, "GET", b.public+"/.well-known/jwks.json", "").wantStatus(t, 200) // leaves an idle connection
	body := values("clientId", b.vars["DADI_CLIENT_ID"], "secret", b.vars["DADI_SECRET"])
	head := fmt.Sprintf("POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", form, len(body))
	conn, err := net.Dial("tcp", "127.0.0.1:"+b.port())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, head+body[:10]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // so that the server has begun to read
	began := time.Now()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "nobody new is let in", func() bool {
		late, err := net.Dial("tcp", "127.0.0.1:"+b.port())
		if err == nil {
			_ = late.Close() // it was only to see
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if _, err := io.WriteString(conn, body[10:]); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("what was under way is dropped: %v", err)
	}
	dadiToken(t, whole(t, res, "/token").wantStatus(t, 200).body)
	<-b.exited
	if took := time.Since(began); b.err != nil || took > 10*time.Second {
		t.Errorf("the stop took %v and ended with %v", took, b.err)
	}
}

// initech is a tenant that a reload brings.
const initech = `
  - name: initech
    hosts: [initech-login.pac.localhost]
    issuer: http://initech-login.pac.localhost:1
    dialects: [nexthink]
`

func (b *booth) settings(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(b.data("tokenbooth.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rewrite replaces the settings file as editors do, by another file.
func (b *booth) rewrite(t *testing.T, text string) {
	t.Helper()
	next := filepath.Join(b.dir, "next.yaml")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, b.data("tokenbooth.yaml")); err != nil {
		t.Fatal(err)
	}
}

// hangUp asks for a reload by the signal.
func (b *booth) hangUp(t *testing.T) {
	t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// initechStatus is how the tenant that comes and goes answers.
func (b *booth) initechStatus(t *testing.T) int {
	t.Helper()
	return call(t, "GET", b.at("initech-login.pac.localhost")+"/.well-known/oauth-authorization-server", "").status
}

// R30: new settings are applied whole, under load, without a dropped request, whether the file's change or a signal tells of them.
func TestR030_AReloadUnderLoadDropsNothing(t *testing.T) {
	b := ownDemo(t)
	before := b.settings(t)
	c := gather(t, 6, func(ctx context.Context, caller *http.Client, _ int) (bool, error) {
		return true, b.aRound(ctx, caller)
	})
	for i := range 8 {
		text, want := before+initech, http.StatusOK
		if i%2 == 1 {
			text, want = before, http.StatusMisdirectedRequest
		}
		b.rewrite(t, text)
		if i%3 == 0 {
			b.hangUp(t)
		}
		if err := b.until(func() bool { return b.initechStatus(t) == want }); err != nil {
			t.Fatalf("reload %d: %v", i, err)
		}
	}
	c.begun(t, 50)
	c.home(t)
}

func TestR030_FaultySettingsAreReportedAndNeverApplied(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	before := b.settings(t)
	for _, c := range []struct{ name, text, complaint string }{
		{"no YAML", before + initech + "\n  - name: [", "tokenbooth.yaml:"},
		{"an unknown field", before + initech + "    colour: blue\n", "colour"},
		{"an unknown dialect", strings.Replace(before+initech, "dialects: [nexthink]\n\n", "dialects: [klingon]\n\n", 1) + "    endpoints: [{path: /x, dialect: klingon}]\n", "klingon"},
		{"a host that another tenant has", strings.Replace(before+initech, "initech-login.pac", "acme-login.eu", 1), "acme-login.eu.localhost"},
		{"nothing", "", "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.rewrite(t, c.text)
			b.logged(t, 5*time.Second, "not applied", c.complaint)
			if status := b.initechStatus(t); status != http.StatusMisdirectedRequest {
				t.Errorf("the new tenant answers %d", status)
			}
			if err := b.aRound(t.Context(), web); err != nil {
				t.Errorf("the old settings no longer work: %v", err)
			}
		})
	}
	b.rewrite(t, before+initech)
	if err := b.until(func() bool { return b.initechStatus(t) == http.StatusOK }); err != nil {
		t.Errorf("settings that are mended are not applied: %v", err)
	}
}

// The fourth kind of 401 of S3: a good token that may not do this. It takes an API with a second permission; here a reload brings it.
func TestR030_AReloadChangesWhatATokenMayDo(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	token, err := b.opaque(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	get(t, b.public+"/api/collections", token).want(t, 200, theCollections)
	text := strings.Replace(b.settings(t), `path: /api/collections, permission: collections}`, `path: /api/collections, permission: collections-admin}`, 1)
	text = strings.Replace(text, `permissions: [{name: collections,`, `permissions: [{name: collections-admin}, {name: collections,`, 1)
	b.rewrite(t, text)
	if err := b.until(func() bool { return get(t, b.public+"/api/collections", token).status == http.StatusUnauthorized }); err != nil {
		t.Fatal(err)
	}
	get(t, b.public+"/api/collections", token).want(t, 401, `{"statusCode":401}`).wantHeader(t, "WWW-Authenticate", `Bearer realm="/api/collections"`)
}
