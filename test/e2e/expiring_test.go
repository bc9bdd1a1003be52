package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const hookSecret = "sixteen turnips and a half"

// receiver is who is told of what expires. It believes what is signed, by the secret they share, within five minutes.
type receiver struct {
	sync.Mutex
	told     []map[string]any
	problems []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.Lock()
	defer r.Unlock()
	var m map[string]any
	switch signed := req.Header.Get("Tokenbooth-Signature"); {
	case err != nil || json.Unmarshal(body, &m) != nil || req.Header.Get("Content-Type") != "application/json":
		r.problems = append(r.problems, fmt.Sprintf("no JSON: %v %s", err, body))
	case !signedRightly(signed, body):
		r.problems = append(r.problems, fmt.Sprintf("%q is no signature of %s", signed, body))
	case signedRightly(signed, append(body, ' ')):
		r.problems = append(r.problems, "the check of signatures checks nothing")
	}
	r.told = append(r.told, m)
}

// signedRightly is what docs/console.md tells receivers to do.
func signedRightly(header string, body []byte) bool {
	t, v1, ok := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	sent, err := strconv.ParseInt(t, 10, 64)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	fmt.Fprintf(mac, "%s.%s", t, body)
	return ok && err == nil && time.Since(time.Unix(sent, 0)).Abs() < 5*time.Minute && hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(v1))
}

// of are the messages about a client so far.
func (r *receiver) of(id string) (all []map[string]any) {
	r.Lock()
	defer r.Unlock()
	for _, m := range r.told {
		if m["client_id"] == id {
			all = append(all, m)
		}
	}
	return all
}

func TestWhatExpiresIsSaidToWhoAsksToWhoLooksAndToWhoIsTold(t *testing.T) {
	t.Parallel()
	hook := &receiver{}
	there := httptest.NewServer(hook)
	t.Cleanup(there.Close)
	settings := "expiry_warnings: {webhook: '" + there.URL + "/expiry', secret_file: hook.secret, allow_private_addresses: true}\n"
	var ends, turns, stays [2]string
	replaced := ""
	b := startTable(t, settings, func(b *booth) {
		writeFile(t, filepath.Join(b.dir, "hook.secret"), keepSecret(hookSecret)+"\n")
		ends[0], ends[1] = b.register(t, "Ends; soon, too", "-p", "orders.read", "--expires", "240h")
		turns[0], replaced = b.register(t, "Turns", "-p", "orders.read")
		stays[0], stays[1] = b.register(t, "Stays", "-p", "orders.read", "--expires", "2160h")
		turns[1] = keepSecret(member(strings.ReplaceAll(b.operate(t, "client", "rotate", turns[0], "--overlap", "20h", "--json"), `": "`, `":"`), "client_secret"))
	})

	t.Run("who asks for a token", func(t *testing.T) {
		for _, c := range []struct {
			id, secret string
			within     time.Duration
		}{{turns[0], replaced, 20 * time.Hour}, {turns[0], turns[1], 0}, {stays[0], stays[1], 0}} {
			_, v := members(t, post(t, b.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(c.id, c.secret)).wantStatus(t, 200).body)
			left, said := v["secret_expires_in"].(float64)
			if said != (c.within > 0) || said && (left > c.within.Seconds() || left < c.within.Seconds()-120) {
				t.Errorf("of %v left, %v is said", c.within, v["secret_expires_in"])
			}
		}
	})
	t.Run("who looks at the figures", func(t *testing.T) {
		figures, err := b.metrics()
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int{"expiring_1d": 0, "expiring_7d": 0, "expiring_30d": 1, "expired": 0, "unending": 1} {
			if line := fmt.Sprintf("\ntokenbooth_credentials_%s{tenant=\"acme\"} %d\n", name, want); !strings.Contains(string(figures), line) {
				t.Errorf("the metrics have no line %q", line)
			}
		}
	})
	t.Run("who has the calendar", func(t *testing.T) { b.wantInCalendar(t, ends[0]) })
	t.Run("who is told", func(t *testing.T) {
		hook.wantTold(t, map[string]any{"type": "client.expiring", "tenant": "acme", "client_id": ends[0], "client_name": "Ends; soon, too", "threshold_days": 30.0}, 240*time.Hour)
		b.kill(t)
		b.begin(t) // and looks again
		time.Sleep(300 * time.Millisecond)
		hook.Lock()
		defer hook.Unlock()
		if n := len(hook.told); n != 1 || len(hook.problems) > 0 { // a secret that another has replaced is no news
			t.Errorf("it was told %d times, %q", n, hook.problems)
		}
	})
}

// wantTold waits for the one message about a client, and checks what it says.
func (r *receiver) wantTold(t *testing.T, want map[string]any, left time.Duration) {
	t.Helper()
	id := want["client_id"].(string)
	within(t, freshness, "the webhook is told of "+id, func() bool { return len(r.of(id)) > 0 })
	got := r.of(id)[0]
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	in, _ := got["expires_in"].(float64)
	at, err := time.Parse(time.RFC3339, fmt.Sprint(got["expires_at"]))
	if in > left.Seconds() || in < left.Seconds()-120 || err != nil || time.Until(at) > left || time.Until(at) < left-2*time.Minute {
		t.Errorf("of %v left, it is told %v and %v (%v)", left, in, got["expires_at"], err)
	}
	if got["id"] == "" || (got["credential"] != nil) != (want["type"] == "credential.expiring") {
		t.Errorf("the message is %v", got)
	}
}

// wantInCalendar reads the calendar by its key alone, as calendar programs do.
func (b *booth) wantInCalendar(t *testing.T, clients ...string) {
	t.Helper()
	v := b.hire(t, "ada@example.com", "viewer@acme")
	page := v.post(t, "/account/calendar-key").wantStatus(t, 200)
	at := regexp.MustCompile(`/calendar/([\w-]+)\.ics`).FindStringSubmatch(page.body)
	if at == nil {
		t.Fatalf("no address of a calendar is shown: %s", page.body)
	}
	keepSecret(at[1])
	read := func() answer {
		a, err := ask(t.Context(), web, "GET", b.operators+at[0], "")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	feed := read().wantStatus(t, 200).wantHeader(t, "Content-Type", "text/calendar; charset=utf-8")
	unfolded := strings.ReplaceAll(feed.body, "\r\n ", "")
	for _, id := range clients {
		if !strings.Contains(unfolded, `\nClient: `+id) || !strings.Contains(unfolded, "/t/acme/clients/"+id+"\r\n") {
			t.Errorf("the calendar has nothing of %s:\n%s", id, feed.body)
		}
	}
	b.operate(t, "operator", "disable", v.username)
	read().wantStatus(t, 404)
}
