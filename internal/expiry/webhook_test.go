package expiry

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

const hookSecret = "a secret that two parties share"

func TestAWebhookIsCheckedBeforeItIsUsed(t *testing.T) {
	for _, test := range []struct {
		url     string
		private bool
		good    bool
	}{
		{"https://hooks.example/x?y=z", false, true}, {"https://hooks.example:8443/", false, true},
		{"http://hooks.example/", false, false}, {"http://hooks.example/", true, false}, {"http://127.0.0.1:8080/", true, true},
		{"http://localhost/", true, true}, {"http://[::1]/", true, true}, {"http://localhost/", false, false}, {"http://localhost.example/", true, false},
		{"https://user:pw@hooks.example/", false, false}, {"https://hooks.example/#x", false, false}, {"ftp://hooks.example/", true, false},
		{"https:hooks.example", false, false}, {"https://", false, false}, {"", false, false}, {"https://a\x7f/", false, false}, {"file:///etc/passwd", true, false},
	} {
		hook := Webhook{URL: test.url, Secret: hookSecret, AllowPrivate: test.private}
		if err := hook.Check(); (err == nil) != test.good {
			t.Errorf("%q, private %v: %v", test.url, test.private, err)
		}
	}
	hook := Webhook{URL: "https://hooks.example/", Secret: "short"}
	if err := hook.Check(); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("%v", err)
	}
}

// TestAWarningIsSigned: what the documentation of SignatureHeader says is how it is checked.
func TestAWarningIsSigned(t *testing.T) {
	var header, body string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		header, body = r.Header.Get(SignatureHeader), string(text)
	}))
	defer s.Close()
	hook := Webhook{URL: s.URL, Secret: hookSecret, AllowPrivate: true}
	if err := newSender(hook, reach{}).post(t.Context(), noon, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	stamp, sum, ok := strings.Cut(header, ",v1=")
	got, err := hex.DecodeString(sum)
	if !ok || err != nil || stamp != "t=1795348800" || !secret.MACMatches([]byte(hookSecret), []byte("1795348800."+body), got) {
		t.Errorf("%s signs %s", header, body)
	}
}

// TestReq102_AWebhookHasShortReach: no redirect, no long wait, no endless answer; and https is checked against known authorities.
func TestReq102_AWebhookHasShortReach(t *testing.T) {
	target, touched := canary(t)
	var written atomic.Int64
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			select {
			case <-done:
			case <-r.Context().Done():
			}
		case "/huge":
			piece := make([]byte, 64<<10)
			for range 1000 {
				n, err := w.Write(piece)
				written.Add(int64(n))
				if err != nil {
					return
				}
			}
		case "/headers":
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		default:
			http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer s.Close()
	defer close(done)
	for path, want := range map[string]string{"/moved": "307", "/slow": "in time", "/headers": "header"} {
		hook := Webhook{URL: s.URL + path, Secret: hookSecret, AllowPrivate: true}
		began := time.Now()
		err := newSender(hook, reach{within: 300 * time.Millisecond}).post(t.Context(), noon, nil)
		if err == nil || !strings.Contains(err.Error(), want) || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %v", path, err, time.Since(began))
		}
	}
	hook := Webhook{URL: s.URL + "/huge", Secret: hookSecret, AllowPrivate: true}
	if err := newSender(hook, reach{}).post(t.Context(), noon, nil); err != nil {
		t.Error(err)
	}
	if n := written.Load(); n > 16<<20 {
		t.Errorf("%d bytes of an answer were taken", n)
	}
	if touched.Load() != 0 {
		t.Error("a redirect was followed")
	}

	tls := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer tls.Close()
	tls.Config.ErrorLog = nil
	hook.URL = tls.URL
	if err := newSender(hook, reach{}).post(t.Context(), noon, nil); err == nil {
		t.Error("a certificate of nobody was believed")
	}
	roots := tls.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if err := newSender(hook, reach{roots: roots}).post(t.Context(), noon, nil); err != nil {
		t.Error(err)
	}
}
