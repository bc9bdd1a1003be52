package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

func hasty(o *gateway.Options) { o.Stall = 150 * time.Millisecond }

// slowly sends a request to the gateway, its body in parts with a pause after each, and reads the answer.
func (w *world) slowly(head string, parts []string, pause time.Duration) got {
	w.Helper()
	conn, err := net.Dial("tcp", w.front.Listener.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	for _, part := range append([]string{head}, parts...) {
		if _, err := io.WriteString(conn, part); err != nil {
			break // the gateway has answered and gone
		}
		time.Sleep(pause)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return got{res, string(body)}
}

func upload(length int) string {
	return fmt.Sprintf("POST /files/a HTTP/1.1\r\nHost: acme\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", mint(apiAudience, "files"), length)
}

func TestReq110_ABodyMayTakeItsTimeAsLongAsItMoves(t *testing.T) {
	w := newWorld(t, hasty)
	parts := strings.Split("0123456789", "")
	if g := w.slowly(upload(10), parts, 50*time.Millisecond); g.StatusCode != 200 || !strings.Contains(g.body, "0123456789") {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
}

func TestReq110_ABodyThatStandsStillIsEnded(t *testing.T) {
	w := newWorld(t, hasty)
	began := time.Now()
	if g := w.slowly(upload(10), []string{"01234"}, 0); g.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if told := w.told(); len(told) != 1 || told[0].Code != "request_timeout" {
		t.Errorf("the owner was told %+v", told)
	}
}

// An API may think for longer than a body may stand still.
func TestReq110_AnAPIMayTakeItsTime(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(500 * time.Millisecond)
		fmt.Fprint(w, "done ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(500 * time.Millisecond)
		fmt.Fprint(w, "and more")
	}))
	t.Cleanup(api.Close)
	w := newWorld(t, func(o *gateway.Options) { hasty(o); o.APIs = apis(t, api.URL) })
	for range 2 {
		if g := w.slowly(upload(5), []string{"01234"}, 0); g.StatusCode != 200 || g.body != "done and more" {
			t.Errorf("%d %q", g.StatusCode, g.body)
		}
	}
}
