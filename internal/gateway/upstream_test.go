package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

// before puts a gateway in front of a handler.
func before(t *testing.T, h http.HandlerFunc) *world {
	return newWorld(t, func(o *gateway.Options) { o.APIs = inFront(t, h) })
}

// inFront are the APIs of a world, all answered by a handler.
func inFront(t *testing.T, h http.HandlerFunc) []gateway.API {
	api := httptest.NewServer(h)
	t.Cleanup(api.Close)
	return apis(t, api.URL)
}

func (w *world) faulted(g got, status int, code string) {
	w.Helper()
	told := w.told()
	if g.StatusCode != status || len(told) != 1 || told[0].Code != code || told[0].Err == nil || told[0].API != "workflows" {
		w.Fatalf("%d %s; told %+v", g.StatusCode, g.body, told)
	}
	for _, leak := range []string{"127.0.0.1", "dial", "refused", "tcp", "panic", "goroutine", "timeout awaiting"} {
		if strings.Contains(g.body, leak) {
			w.Errorf("the caller reads %q", g.body)
		}
	}
}

func TestAnAPIThatCannotBeReachedIs502(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	w := newWorld(t, func(o *gateway.Options) { o.APIs = apis(t, "http://"+ln.Addr().String()) })
	g := w.ask("GET", "/hello")
	w.faulted(g, 502, "bad_gateway")
	if g.Header.Get("X-Front") != "ours" || g.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", g.Header)
	}
}

func TestAnAPIThatDoesNotAnswerInTimeIs504(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer api.Close()
	w := newWorld(t, func(o *gateway.Options) { o.APIs = apis(t, api.URL); o.APIs[0].Timeout = 200 * time.Millisecond })
	start := time.Now()
	w.faulted(w.ask("GET", "/hello"), 504, "gateway_timeout")
	if d := time.Since(start); d < 200*time.Millisecond || d > 5*time.Second {
		t.Errorf("after %v", d)
	}
}

func TestAnAPIThatSpeaksNoHTTPIs502(t *testing.T) {
	for _, answer := range []string{"garbage\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 300<<10) + "\r\n\r\n"} {
		w := before(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		})
		w.faulted(w.ask("GET", "/hello"), 502, "bad_gateway")
	}
}

func TestAnAnswerThatBreaksOffIsCutAndTold(t *testing.T) {
	w := before(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	res, err := http.Get(w.front.URL + "/hello")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("the caller took half an answer for the whole")
	}
	for range 100 {
		if told := w.told(); len(told) == 1 && told[0].Code == "broken_off" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the owner was not told")
}

func TestStreamsAndEventsPassAsTheyCome(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "application/octet-stream"} {
		more := make(chan bool)
		w := before(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				_ = http.NewResponseController(w).Flush()
				<-more
			}
		})
		res, err := http.Get(w.front.URL + "/hello")
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		for i := range 3 {
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("%q, %v", line, err)
			}
			_, _ = lines.ReadString('\n')
			more <- true
		}
		res.Body.Close()
	}
}

func TestALargeBodyPassesBothWays(t *testing.T) {
	w := before(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	req, _ := http.NewRequest("POST", w.front.URL+"/files/a", strings.NewReader(strings.Repeat("x", 3<<20)))
	req.Header.Set("Authorization", "Bearer "+mint(apiAudience, "files"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != 3<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestARefusedUploadDoesNotSpoilTheNextCall(t *testing.T) {
	w := before(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }) // reads nothing
	token := "Bearer " + mint(apiAudience, "files")
	for i := range 30 {
		req, _ := http.NewRequest("POST", w.front.URL+"/files/a", strings.NewReader(strings.Repeat("GET /files/x HTTP/1.1\r\n\r\n", 20<<10)))
		req.Header.Set("Authorization", token)
		if i%3 == 2 {
			req.Header.Del("Authorization")
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // the connection was closed while the body was on its way: that is allowed, a wrong answer is not
		}
		res.Body.Close()
		if want := map[bool]int{true: 401, false: 418}[i%3 == 2]; res.StatusCode != want {
			t.Errorf("%d: %d", i, res.StatusCode)
		}
	}
}

// switching answers an upgrade and echoes what comes after.
func switching(to string, asked *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			fmt.Fprint(w, "plain")
			return
		}
		asked.Add(1)
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nServer: inner\r\n\r\n", to)
		_, _ = io.Copy(conn, buf)
	}
}

func TestAWebSocketPassesWithAGoodToken(t *testing.T) {
	var asked atomic.Int32
	w := before(t, switching("websocket", &asked))
	open := func(line string) (net.Conn, *bufio.Reader, *http.Response) {
		conn, err := net.Dial("tcp", w.front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "GET /me HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n%s\r\n\r\n", line)
		buf := bufio.NewReader(conn)
		res, err := http.ReadResponse(buf, nil)
		if err != nil {
			t.Fatal(err)
		}
		return conn, buf, res
	}
	conn, buf, res := open(auth(mint(apiAudience, "none")))
	if res.StatusCode != 101 || res.Header.Get("Server") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	fmt.Fprint(conn, "ping\n")
	if line, err := buf.ReadString('\n'); line != "ping\n" {
		t.Errorf("%q, %v", line, err)
	}
	conn.Close()
	conn, _, res = open("X: y")
	if conn.Close(); res.StatusCode != 401 || asked.Load() != 1 {
		t.Errorf("%d, %d upgrades", res.StatusCode, asked.Load())
	}
}

func TestB48_OtherUpgradesAreIgnoredAndPoisonNothing(t *testing.T) {
	var asked atomic.Int32
	w := before(t, switching("h2c", &asked))
	for _, up := range []string{"h2c", "H2C", "TLS/1.0", "websocket, h2c", "h2c, websocket"} {
		g := w.ask("GET", "/hello", "Connection: Upgrade, HTTP2-Settings", "Upgrade: "+up, "HTTP2-Settings: AAMAAABkAAQAAP__")
		if g.StatusCode != 200 || g.body != "plain" {
			t.Errorf("%s: %d %q", up, g.StatusCode, g.body)
		}
	}
	// An API that switches to what nobody asked for, and a caller that expects to be asked: the next caller is not hurt.
	g := w.ask("GET", "/hello", "Connection: Upgrade", "Upgrade: websocket")
	if g.StatusCode != 502 {
		t.Errorf("%d", g.StatusCode)
	}
	if g := w.ask("GET", "/hello"); g.body != "plain" {
		t.Errorf("%d %q", g.StatusCode, g.body)
	}
}

func TestB48_AnExpectationDoesNotReachTheAPI(t *testing.T) {
	w := newWorld(t, nil)
	token := auth(mint(apiAudience, "files"))
	for i := range 20 {
		g := w.ask("POST", "/files/a", token, "Expect: 100-continue", "Content-Length: 0")
		if s := w.forwarded(g); s.Header.Get("Expect") != "" || s.Method != "POST" {
			t.Fatalf("%d: %+v", i, s)
		}
		if s := w.forwarded(w.ask("GET", fmt.Sprint("/files/", i), token)); s.URI != fmt.Sprint("/files/", i) {
			t.Fatalf("%+v", s)
		}
	}
}

func TestInterimAnswersStayInsideAndCostTheFrontNothing(t *testing.T) {
	w := before(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Set-Cookie")
		fmt.Fprint(w, "done")
	})
	g := w.ask("GET", "/hello")
	if g.StatusCode != 200 || g.body != "done" || g.Header.Get("X-Front") != "ours" || g.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", g.StatusCode, g.Header)
	}
}

func TestARedirectToTheUpstreamItselfStaysRelative(t *testing.T) {
	var self string
	w := before(t, func(w http.ResponseWriter, r *http.Request) {
		self = "http://" + r.Host
		w.Header().Set("Location", strings.ReplaceAll(r.Header.Get("X-To"), "SELF", self))
		w.WriteHeader(http.StatusFound)
	})
	for to, want := range map[string]string{
		"SELF/x?y": "/x?y", "SELF": "/", "SELF?a": "/?a", "https://other.example/x": "https://other.example/x", "/rel": "/rel", "SELF0/x": "SELF0/x",
	} {
		if g := w.ask("GET", "/hello", "X-To: "+to); g.Header.Get("Location") != strings.ReplaceAll(want, "SELF", self) {
			t.Errorf("%s: %s", to, g.Header.Get("Location"))
		}
	}
}

func TestTrailersOfAnAPIPass(t *testing.T) {
	w := before(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "1")
	})
	if g := w.ask("GET", "/hello"); g.body != "body" || g.Trailer.Get("X-Sum") != "1" {
		t.Errorf("%q %v", g.body, g.Trailer)
	}
}

func TestACallerThatGoesAwayIsNoFaultOfTheAPI(t *testing.T) {
	entered := make(chan bool, 1)
	w := before(t, func(_ http.ResponseWriter, r *http.Request) { entered <- true; <-r.Context().Done() })
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-entered; cancel() }()
	req, _ := http.NewRequestWithContext(ctx, "GET", w.front.URL+"/hello", nil)
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
	for range 100 {
		if told := w.told(); len(told) == 1 && told[0].Status == 499 && told[0].Code == "closed" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("not told, or told otherwise")
}

func TestReq108_AmbiguousFramingIsNotForwarded(t *testing.T) {
	w := newWorld(t, nil)
	token := auth(mint(apiAudience, "files"))
	for _, lines := range [][]string{
		{"Content-Length: 5", "Content-Length: 6"}, {"Transfer-Encoding: chunked, identity"}, {"Transfer-Encoding: xchunked"}, {"Content-Length: +5"}, {"Content-Length: 5, 5"},
		{"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}, {"Bad Name: x"}, {"Content-Length: 0x5"},
	} {
		if g := w.ask("POST", "/files/a", append(lines, token)...); g.StatusCode < 400 || len(w.echo.last()) != 0 {
			t.Errorf("%q: %d", lines, g.StatusCode)
		}
		w.told()
	}
}

func TestReq040_HTTP2IsHeldToTheSameRule(t *testing.T) {
	w := newWorld(t, nil)
	front := httptest.NewUnstartedServer(w.Gateway)
	front.EnableHTTP2 = true
	front.StartTLS()
	defer front.Close()
	for target, want := range map[string]int{"/files/a%20b?x=1": 200, "/files/%2e%2e/x": 400, "/files/a%2fb": 400, "/files/a;b": 400, "/files//a": 400, "/files/secret": 403} {
		req, err := http.NewRequest("GET", front.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+mint(apiAudience, "files"))
		res, err := front.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if calls := w.echo.last(); res.ProtoMajor != 2 || res.StatusCode != want || (want == 200) != (len(calls) == 1 && calls[0].URI == target && calls[0].Header.Get("X-Forwarded-Proto") == "https") {
			t.Errorf("%s: %s %d, the API saw %+v", target, res.Proto, res.StatusCode, calls)
		}
	}
}
