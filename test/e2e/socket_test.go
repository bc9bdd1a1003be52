package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const socketSettings = `listen: unix:%[1]s,mode=0660
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [api.example.com]
    issuer: http://api.example.com
    dialects: [oauth2]
`

// throughNginx is the sample of docs/operating.md in a whole file.
const throughNginx = `worker_processes 1;
events {}
http {
    access_log off;
    server {
        listen %[1]s;
        location / {
            proxy_pass http://unix:%[2]s:;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }
    }
`

// A token desk at a unix socket: asked by curl, and through nginx, whose word for the caller's address counts. A killed process leaves a
// socket, which the next one replaces; one that is stopped leaves none.
func TestADeskAtAUnixSocketIsReachedByCurlAndThroughNginx(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "tb") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, at := filepath.Join(dir, "public.sock"), freeAddresses(t, 2)
	b := apart(t, "serve", fmt.Sprintf(socketSettings, socket, at[0]))
	b.operators = "http://" + at[0]
	open, openSecret := b.register(t, "Anywhere", "-p", "none")
	bound, boundSecret := b.register(t, "From one place", "-p", "none", "--allow-from", "127.0.0.1/32")
	b.begin(t)
	t.Cleanup(func() { b.end(t) })

	curl := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command("curl", append([]string{"-sS", "-o", os.DevNull, "-w", "%{http_code}", "-d", "grant_type=client_credentials"}, args...)...).Output()
		if err != nil || string(out) != want {
			t.Errorf("curl %q: %s, want %s (%v)", args, out, want, err)
		}
	}
	const token = "http://api.example.com/oauth2/token"
	here := []string{"--unix-socket", socket, token, "-u"}
	curl("200", append(here, open+":"+openSecret)...)
	curl("401", append(here, bound+":"+boundSecret)...) // nobody said for whom the call is
	curl("200", append(here, bound+":"+boundSecret, "-H", "X-Forwarded-For: 127.0.0.1")...)
	curl("401", append(here, bound+":"+boundSecret, "-H", "X-Forwarded-For: 192.0.2.7")...)

	text := fmt.Sprintf(throughNginx, at[1], socket)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += fmt.Sprintf("    %s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	writeFile(t, filepath.Join(dir, "nginx.conf"), text+"}\n")
	global := "daemon off; pid " + filepath.Join(dir, "pid") + ";"
	if os.Getuid() == 0 {
		global += " user root;" // the socket is nobody else's
	}
	beside(t, at[1], "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr", "-g", global)
	through := []string{"-H", "Host: api.example.com", "http://" + at[1] + "/oauth2/token", "-u"}
	curl("200", append(through, bound+":"+boundSecret)...)
	curl("200", append(through, bound+":"+boundSecret, "-H", "X-Forwarded-For: 192.0.2.7")...) // nginx puts its own in the place of the caller's

	_, problems, code := command(t, b.dir, "", "serve", "-c", "tokenbooth.yaml", "--operators", "127.0.0.1:0")
	if code != 1 || !strings.Contains(problems, "another process listens at "+socket) {
		t.Errorf("a second server ends with %d: %s", code, problems)
	}
	b.kill(t)
	if _, err := os.Lstat(socket); err != nil {
		t.Fatalf("a killed process leaves its socket: %v", err)
	}
	b.begin(t)
	curl("200", append(here, open+":"+openSecret)...)
	b.end(t)
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("a stopped process leaves its socket: %v", err)
	}
}
