package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tokenbooth": main,
		"http":       request,
	})
}

// TestScripts runs testdata/script/*.txtar: what a user types, and what comes of it. Beside the commands of package testscript there are
//
//	exec http STATUS [-u ID:SECRET] [-H 'NAME: VALUE'] [-d BODY] [-X METHOD] [-S SOCKET] URL
//
// which asks until the answer has this status, for at most 10 s, and writes the answer's body;
//
//	address NAME...      sets variables to addresses on this machine that are free
//	damage FILE TEXT     flips a bit of the file wherever it has the text
//	field NAME MEMBER    sets a variable to a member of the JSON that the last command wrote; a.0.b goes deeper
//
// and the condition [testclock]: the build has the tag testclock, so that $TOKENBOOTH_TEST_CLOCK moves the time.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "USER=tester", "SUDO_USER=", "NO_COLOR=1")
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "testclock" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			ahead := filepath.Join(t.TempDir(), "clock")
			if err := os.WriteFile(ahead, []byte("1h"), 0o600); err != nil {
				return false, err
			}
			return testClock(ahead)().After(time.Now().Add(time.Minute)), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"address": address, "damage": damage, "field": field},
	})
}

func address(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close() // only when all are found, so that they differ
		ts.Setenv(name, l.Addr().String())
	}
}

func damage(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: damage FILE TEXT")
	}
	file := ts.MkAbs(args[0])
	text, err := os.ReadFile(file)
	ts.Check(err)
	found := bytes.Count(text, []byte(args[1]))
	if found == 0 {
		ts.Fatalf("%s has no %s in it", args[0], args[1])
	}
	flipped := append([]byte{args[1][0] ^ 1}, args[1][1:]...)
	ts.Check(os.WriteFile(file, bytes.ReplaceAll(text, []byte(args[1]), flipped), 0o600))
}

func field(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: field NAME MEMBER")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, member := range strings.Split(args[1], ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[member]
		case []any:
			var i int
			_, err := fmt.Sscan(member, &i)
			ts.Check(err)
			v = in[i]
		}
	}
	if v == nil {
		ts.Fatalf("there is no %s", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// request is the command http of the scripts.
func request() {
	status := os.Args[1]
	set := flag.NewFlagSet("http", flag.ExitOnError)
	user, method, body := set.String("u", "", ""), set.String("X", "GET", ""), set.String("d", "", "")
	socket := set.String("S", "", "")
	header := http.Header{}
	set.Func("H", "", func(h string) error {
		name, value, _ := strings.Cut(h, ": ")
		header.Add(name, value)
		return nil
	})
	_ = set.Parse(os.Args[2:]) // ExitOnError
	if *body != "" {
		*method = http.MethodPost
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	line := http.DefaultTransport.(*http.Transport).Clone()
	if *socket != "" {
		line.DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", *socket) }
	}
	last := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r, err := http.NewRequest(*method, set.Arg(0), strings.NewReader(*body))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		r.Header = header.Clone()
		r.Host = header.Get("Host")
		if id, secret, ok := strings.Cut(*user, ":"); ok {
			r.SetBasicAuth(id, secret)
		}
		answer, err := line.RoundTrip(r)
		if err != nil {
			last = err.Error() // not listening yet
			continue
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		last = fmt.Sprintf("%s %s %v", answer.Status, text, err)
		if err == nil && strings.HasPrefix(answer.Status, status) {
			fmt.Fprintf(os.Stderr, "X-Request-Id: %s\n", answer.Header.Get("X-Request-Id"))
			os.Stdout.Write(text)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "not answered with "+status+": "+last)
	os.Exit(1)
}
