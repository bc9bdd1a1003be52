package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// longest is how long a call may outlive its token.
const longest = 5 * time.Second

// lives is a clock and a token whose end a test decides.
type lives struct {
	mu     sync.Mutex
	until  time.Time
	refuse error
	asked  atomic.Int32
}

func (l *lives) find(context.Context, string) (*bearer.Token, error) {
	l.asked.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return nil, l.refuse
	}
	return &bearer.Token{Issuer: issuer, ID: "t1", Subject: "ada", ClientID: "portal", Audience: []string{apiAudience}, Scope: "files", IssuedAt: time.Now().Add(-time.Minute), Expires: l.until}, nil
}

func (l *lives) revoke(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = err
}

// stayed is a world before a handler, with a token that a test can end.
func stayed(t *testing.T, h http.HandlerFunc) (*world, *lives) {
	l := &lives{until: time.Now().Add(time.Hour)}
	w := newWorld(t, func(o *gateway.Options) {
		o.Tokens.Opaque = l.find
		o.Tokens.OpaqueAge, o.Tokens.OpaqueStale = 100*time.Millisecond, -1
		o.APIs = inFront(t, h)
	})
	return w, l
}

// open begins a call that stays, and returns its connection.
func (w *world) open(request string) (net.Conn, *bufio.Reader) {
	w.Helper()
	conn, err := net.Dial("tcp", w.front.Listener.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		w.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// cut waits for the end of a connection, and for the owner to be told why.
func (w *world) cut(from io.Reader, code oauth.Code, least time.Duration) {
	w.Helper()
	began := time.Now()
	_, _ = io.Copy(io.Discard, from)
	took := time.Since(began)
	if took > longest || took < least {
		w.Errorf("cut after %v", took)
	}
	w.Logf("cut after %v", took.Round(time.Millisecond))
	for range 200 {
		if told := w.told(); len(told) == 1 {
			if told[0].Code != string(code) || !strings.Contains(told[0].Reason, "outlived") || told[0].Token == nil {
				w.Errorf("told %+v", told[0])
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.Error("the owner was not told")
}

const socket = "GET /me HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer tba_x\r\n\r\n"

func TestReq045_AWebSocketEndsWithItsToken(t *testing.T) {
	for name, end := range map[string]func(*lives){
		"revoked":   func(l *lives) { l.revoke(oauth.Refuse(oauth.InactiveToken, "x", "revoked")) },
		"a fault":   func(l *lives) { l.revoke(errors.New("the store is gone")) },
		"a problem": func(l *lives) { l.revoke(fmt.Errorf("%w: down", oauth.ErrUnavailable)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			w, l := stayed(t, switching("websocket", &asked))
			conn, buf := w.open(socket)
			if res, err := http.ReadResponse(buf, nil); err != nil || res.StatusCode != 101 {
				t.Fatal(res, err)
			}
			for range 15 { // it stays while its token is good, and is asked about rarely
				fmt.Fprint(conn, "ping\n")
				if line, err := buf.ReadString('\n'); line != "ping\n" {
					t.Fatalf("%q, %v", line, err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if n := l.asked.Load(); n < 2 || n > 3 {
				t.Errorf("asked %d times in 1.5 s", n)
			}
			end(l)
			w.cut(buf, oauth.InvalidToken, 0)
		})
	}
}

func TestReq045_AWebSocketEndsWhenItsTokenExpires(t *testing.T) {
	var asked atomic.Int32
	w, l := stayed(t, switching("websocket", &asked))
	l.until = time.Now().Add(1500 * time.Millisecond)
	_, buf := w.open(socket)
	if res, err := http.ReadResponse(buf, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	w.cut(buf, oauth.InvalidToken, time.Second)
	if late := time.Since(l.until); late > 500*time.Millisecond {
		t.Errorf("%v late", late)
	}
}

func TestReq045_AStreamEndsWithItsToken(t *testing.T) {
	for name, every := range map[string]time.Duration{"busy": 10 * time.Millisecond, "silent": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan bool, 1)
			w, l := stayed(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for {
					fmt.Fprint(w, "data: x\n\n")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-r.Context().Done():
						over <- true
						return
					case <-time.After(every):
					}
				}
			})
			_, buf := w.open("GET /me HTTP/1.1\r\nHost: acme.example\r\nAuthorization: Bearer tba_x\r\n\r\n")
			if _, err := buf.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			l.revoke(oauth.Refuse(oauth.InactiveToken, "x", "revoked"))
			w.cut(buf, oauth.InvalidToken, 0)
			select {
			case <-over:
			case <-time.After(5 * time.Second):
				t.Error("the API was left streaming")
			}
		})
	}
}

func TestReq045_AnUploadEndsWithItsToken(t *testing.T) {
	w, l := stayed(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	conn, buf := w.open("POST /files/a HTTP/1.1\r\nHost: acme.example\r\nAuthorization: Bearer tba_x\r\nTransfer-Encoding: chunked\r\n\r\n")
	go func() {
		for {
			if _, err := io.WriteString(conn, "1\r\nx\r\n"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	time.Sleep(300 * time.Millisecond)
	began := time.Now()
	l.revoke(oauth.Refuse(oauth.InactiveToken, "The access token is invalid or has expired.", "revoked"))
	res, err := http.ReadResponse(buf, nil)
	if err != nil || res.StatusCode != 401 || time.Since(began) > longest {
		t.Fatalf("%v %v after %v", res, err, time.Since(began))
	}
	if told := w.told(); len(told) != 1 || told[0].Reason != "revoked" {
		t.Errorf("told %+v", told)
	}
}

// What is short is not watched: it costs nothing and is over.
func TestAShortCallIsNotWatched(t *testing.T) {
	w, l := stayed(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(1500 * time.Millisecond)
		fmt.Fprint(w, "done")
	})
	g := w.ask("GET", "/me", auth("tba_x"))
	if n := l.asked.Load(); g.StatusCode != 200 || n != 1 {
		t.Errorf("%d, asked %d times", g.StatusCode, n)
	}
}

func TestReq126_APanicWhileWatchingEndsTheCallAndNotTheProcess(t *testing.T) {
	var asked atomic.Int32
	w, l := stayed(t, switching("websocket", &asked))
	_, buf := w.open(socket)
	if res, err := http.ReadResponse(buf, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	l.revoke(panicking{})
	w.cut(buf, oauth.InvalidToken, 0)
}

// panicking is an error that nobody can read.
type panicking struct{}

func (panicking) Error() string { panic("unreadable") }
