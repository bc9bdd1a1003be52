package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

func TestACallTooManyIs429InTheWordsOfTheAPI(t *testing.T) {
	var asked []string
	left := 2
	w := newWorld(t, func(o *gateway.Options) {
		o.Allow = func(api, route, client string, source netip.Addr) (time.Duration, bool) {
			asked = append(asked, fmt.Sprintf("%s %s %q %s", api, route, client, source))
			left--
			return 1500 * time.Millisecond, left >= 0
		}
	})
	token := auth(mint(apiAudience, "files", "workflows", "collections"))
	w.forwarded(w.ask("GET", "/files/a", token))
	w.forwarded(w.ask("GET", "/hello", token))
	for _, target := range []string{"/files/a", "/hello", "/api/collections"} {
		g := w.ask("GET", target, token)
		if r := w.stopped(g, 429); g.Header.Get("Retry-After") != "2" || r.Code != "throttled" || r.Caller.From() != "127.0.0.1" {
			t.Errorf("%s: %v %+v", target, g.Header, r)
		}
	}
	want := []string{
		`workflows * /files/{rest...} "robot" 127.0.0.1`, `workflows GET /hello "" 127.0.0.1`, `workflows * /files/{rest...} "robot" 127.0.0.1`, `workflows GET /hello "" 127.0.0.1`,
		`collections GET /api/collections "robot" 127.0.0.1`,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
	// What may not be made at all is not counted: nobody uses up another's measure.
	asked = nil
	for _, g := range []got{
		w.ask("GET", "/files/a", auth("bad")), w.ask("GET", "/files/secret", token), w.ask("GET", "/unknown", token), w.ask("GET", "/files//a", token), w.ask("GET", "/files/a"),
		w.ask("PUT", "/me", token),
	} {
		if g.StatusCode == 429 || len(asked) != 0 {
			t.Errorf("%d, counted %q", g.StatusCode, asked)
		}
	}
}

func TestABodyThatIsTooLargeForItsRouteIs413(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.APIs[0].Routes[3].MaxBody = 10 // /files/{rest...}
	})
	token := auth(mint(apiAudience, "files", "workflows"))
	post := func(target, framing, body string) got {
		return w.raw("POST " + target + " HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n" + token + "\r\n" + framing + "\r\n\r\n" + body)
	}
	chunked := "Transfer-Encoding: chunked"
	for body, framing := range map[string]string{"0123456789": "Content-Length: 10", "a\r\n0123456789\r\n0\r\n\r\n": chunked, "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n": chunked} {
		if s := w.forwarded(post("/files/a", framing, body)); s.Body != "0123456789" {
			t.Errorf("%q", s.Body)
		}
	}
	w.stopped(post("/files/a", "Content-Length: 11", "01234567890"), 413)
	w.stopped(post("/files/a", "Content-Length: 11\r\nExpect: 100-continue", ""), 413)
	w.stopped(post("/files/a", "Content-Length: 100000000000", ""), 413)
	g := post("/files/a", chunked, "b\r\n01234567890\r\n0\r\n\r\n")
	told := w.told()
	if g.StatusCode != 413 || len(told) != 1 || told[0].Code != "too_large" || told[0].Err == nil {
		t.Errorf("%d, told %+v", g.StatusCode, told)
	}
	time.Sleep(50 * time.Millisecond) // the API may hear of it after the caller
	for _, s := range w.echo.last() {
		if len(s.Body) > 10 {
			t.Errorf("the API got %d bytes", len(s.Body))
		}
	}
	w.forwarded(post("/api/v1/workflows/execute", "Content-Length: 11", "01234567890")) // another route
	a := apis(t, "http://127.0.0.1:1")
	a[0].Routes[0].MaxBody = -1
	if _, err := gateway.New(gateway.Options{Tenant: "t", Tokens: tokens(), APIs: a}); err == nil {
		t.Error("a negative size was accepted")
	}
}

// An endless body is cut at its measure, not where the connection ends.
func TestAnEndlessBodyIsCut(t *testing.T) {
	got := make(chan int64, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got <- n
	}))
	defer api.Close()
	w := newWorld(t, func(o *gateway.Options) { o.APIs = apis(t, api.URL); o.APIs[0].Routes[3].MaxBody = 1 << 20 })
	req, _ := http.NewRequest("POST", w.front.URL+"/files/a", io.MultiReader(strings.NewReader(""), endless{}))
	req.Header.Set("Authorization", "Bearer "+mint(apiAudience, "files"))
	if res, err := http.DefaultClient.Do(req); err == nil {
		if res.Body.Close(); res.StatusCode != 413 {
			t.Errorf("%d", res.StatusCode)
		}
	}
	if n := <-got; n > 1<<20 {
		t.Errorf("the API got %d bytes", n)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReq088_AChallengeNamesTheMetadataOfTheAPI(t *testing.T) {
	const where = "https://acme.example/.well-known/oauth-protected-resource/admin"
	w := newWorld(t, func(o *gateway.Options) { o.APIs[1].Metadata = where })
	for line, status := range map[string]int{"X: y": 401, auth("bad"): 401, auth(mint(adminAudience, "other")): 403} {
		g := w.ask("GET", "/admin/x", line)
		w.stopped(g, status)
		if !strings.Contains(g.Header.Get("WWW-Authenticate"), `resource_metadata="`+where+`"`) {
			t.Errorf("%q", g.Header.Get("WWW-Authenticate"))
		}
	}
}

func TestAPermissionThatOpensARouteIsToldAndNoOther(t *testing.T) {
	var opened []string
	w := newWorld(t, func(o *gateway.Options) {
		o.Opened = func(client, permission string) { opened = append(opened, client+" "+permission) }
	})
	token := auth(mint(apiAudience, "files", "workflows"))
	w.forwarded(w.ask("GET", "/files/a", token))
	w.forwarded(w.ask("GET", "/hello", token)) // public
	w.ask("GET", "/me", token)                 // any good token
	w.ask("GET", "/files/secret", token)       // not held
	w.ask("GET", "/files/a", auth("bad"))
	if !slices.Equal(opened, []string{"robot files"}) {
		t.Errorf("%q", opened)
	}
}
