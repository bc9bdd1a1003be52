package console

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// logged is what a world writes to its log from here on.
func (w *world) logged() *strings.Builder {
	var log strings.Builder
	w.Log = slog.New(slog.NewTextHandler(&log, nil))
	return &log
}

func TestPolicyReportsAreWrittenDownInMeasure(t *testing.T) {
	w := newWorld(t)
	log := w.logged()
	for range 200 {
		if rec := w.ask(http.MethodPost, "/csp-report", `{"csp-report":{"blocked-uri":"inline"}}`); rec.Code != http.StatusNoContent {
			t.Fatalf("%d", rec.Code)
		}
	}
	if n := strings.Count(log.String(), "content policy"); n != linesPerMinute {
		t.Errorf("%d are written down, want %d", n, linesPerMinute)
	}
	w.advance(time.Minute)
	w.ask(http.MethodPost, "/csp-report", `[]`)
	if n := strings.Count(log.String(), "content policy"); n != linesPerMinute+1 {
		t.Errorf("in the next minute %d are written down", n-linesPerMinute)
	}
	if rec := w.ask(http.MethodPost, "/csp-report", strings.Repeat("x", 20<<10)); rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long one: %d", rec.Code)
	}
}

const linkOf = "https://u:p@desk.example.com/sign-in/link?key=tbl_SECRET#SECRET"

func TestOfAPolicyReportNoAddressIsKeptWhole(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []violation
	}{
		"of report-uri": {`{"csp-report":{"document-uri":"` + linkOf + `","referrer":"SECRET","violated-directive":"script-src","effective-directive":"script-src-elem",
			"blocked-uri":"https://x:SECRET@evil.example:8443/a?SECRET","original-policy":"SECRET","script-sample":"SECRET"}}`,
			[]violation{{"script-src-elem", "https://evil.example:8443", "/sign-in/link"}}},
		"of older browsers": {`{"csp-report":{"document-uri":"https://desk.example.com/","violated-directive":"script-src 'self'","blocked-uri":"inline"}}`,
			[]violation{{"script-src", "inline", "/"}}},
		"of the Reporting API": {`[{"type":"csp-violation","url":"SECRET","body":{"documentURL":"` + linkOf + `","blockedURL":"eval","effectiveDirective":"script-src","sample":"SECRET"}},
			{"type":"csp-violation","body":{"documentURL":"https://desk.example.com/t/acme","blockedURL":"data:text/html,SECRET","effectiveDirective":"img-src"}}]`,
			[]violation{{"script-src", "eval", "/sign-in/link"}, {"img-src", "data:", "/t/a…(4)"}}},
		"of another kind":    {`[{"type":"deprecation","body":{"id":"SECRET","effectiveDirective":"SECRET"}}]`, []violation{{unreadable, unreadable, unreadable}}},
		"of a calendar":      {`{"csp-report":{"document-uri":"https://desk.example.com/Calendar/SECRET.ics","blocked-uri":"SECRET/","effective-directive":"SECRET SECRET"}}`, []violation{{unreadable, unreadable, "/calendar/…"}}},
		"that is none":       {`{"SECRET":1}`, []violation{{unreadable, unreadable, unreadable}}},
		"that is no JSON":    {`SECRET`, []violation{{unreadable, unreadable, unreadable}}},
		"of other types":     {`{"csp-report":{"document-uri":["SECRET"]}}`, []violation{{unreadable, unreadable, unreadable}}},
		"with line ends":     {`{"csp-report":{"document-uri":"https://desk.example.com/a%0Alevel=ERROR","blocked-uri":"x\ny","effective-directive":"a\nb"}}`, []violation{{unreadable, unreadable, `/a\u0…(18)`}}},
		"with a custom word": {`{"csp-report":{"document-uri":"about:blank","blocked-uri":"chrome-extension://abc/SECRET","effective-directive":"img-src"}}`, []violation{{"img-src", "chrome-extension://abc", unreadable}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readReports([]byte(c.body)); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			w := newWorld(t)
			log := w.logged()
			w.ask(http.MethodPost, "/csp-report", c.body)
			if text := log.String(); strings.Contains(text, "SECRET") || strings.Count(text, "\n") != len(c.want) {
				t.Errorf("the log says %s", text)
			}
		})
	}
	many := "[" + strings.Repeat(`{"type":"csp-violation"},`, 200) + "{}]"
	if n := len(readReports([]byte(many))); n != maxReports {
		t.Errorf("of 201 in one body %d are kept", n)
	}
}

func FuzzPolicyReport(f *testing.F) {
	for _, seed := range []string{`{"csp-report":{"document-uri":"https://a/b?c#d","blocked-uri":"https://e:f@g/h"}}`, `[{"type":"csp-violation","body":{"blockedURL":"inline"}}]`, `[`, `{"csp-report":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all := readReports(body)
		if len(all) == 0 || len(all) > maxReports {
			t.Fatalf("%d", len(all))
		}
		for _, v := range all {
			for _, text := range []string{v.Directive, v.Blocked, v.Page} {
				if text == "" || len(text) > 200 || strings.ContainsFunc(text, isUnruly) {
					t.Errorf("%q is kept", text)
				}
			}
			if strings.ContainsAny(v.Blocked, "?#@") {
				t.Errorf("more than an origin is kept: %q", v.Blocked)
			}
		}
	})
}

func TestReq094_ReportsAreAskedForInAFormThatTheBrowserWillSend(t *testing.T) {
	w := newWorld(t)
	plain := w.ask(http.MethodGet, "/sign-in", "").Header()
	if p := plain.Get("Content-Security-Policy"); strings.Contains(p, "report-to") || !strings.Contains(p, "report-uri /csp-report") || plain.Get("Reporting-Endpoints") != "" {
		t.Errorf("without TLS: %q, %q", p, plain.Get("Reporting-Endpoints"))
	}
	over := w.ask(http.MethodGet, "/sign-in", "", func(r *http.Request) { r.TLS = &tls.ConnectionState{} }).Header()
	if p := over.Get("Content-Security-Policy"); p != policy+"; report-to csp" || over.Get("Reporting-Endpoints") != `csp="/csp-report"` {
		t.Errorf("over TLS: %q, %q", p, over.Get("Reporting-Endpoints"))
	}
}

func TestReq059_TheLogHoldsNoSecretOfAnAddress(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	log := w.logged()
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for _, target := range []string{"/calendar/SECRET.ics", "//calendar/SECRET", "/x/../calendar/SECRET", "/CALENDAR/SECRET", "/sign-in/link?key=SECRET"} {
		w.ask(http.MethodPost, target, "key=SECRET", foreign)
		w.ask(http.MethodGet, target, "")
	}
	w.store.down.Store(true)
	p.get("/sign-in/link?key=SECRET")
	if text := log.String(); strings.Contains(text, "SECRET") || !strings.Contains(text, "/sign-in/link") || !strings.Contains(text, "/calendar/…") {
		t.Errorf("the log says %s", text)
	}
}

func TestWhatAnybodyCanCauseIsLoggedInMeasure(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	log := w.logged()
	for range 100 {
		w.ask(http.MethodPost, "/sign-out", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	}
	w.store.down.Store(true)
	for range 100 {
		p.get("/account")
	}
	for _, line := range []string{"cross-site request refused", "msg=unavailable"} {
		if n := strings.Count(log.String(), line); n != linesPerMinute {
			t.Errorf("%q is logged %d times", line, n)
		}
	}
}

func TestEveryWordOfOurAddressesMayBeLogged(t *testing.T) {
	for _, r := range routes() {
		_, path, _ := strings.Cut(r.pattern, " ")
		for word := range strings.SplitSeq(path, "/") {
			if word != "" && word[0] != '{' && !slices.Contains(ownWords, word) {
				t.Errorf("%s: the log would not show %q", r.pattern, word)
			}
		}
	}
	if got := loggedPath("/t/hunter2-hunter2/clients/tbs_0123456789"); got != "/t/hun…(15)/clients/tbs…(14)" {
		t.Errorf("a path is logged as %s", got)
	}
}

func FuzzLoggedPath(f *testing.F) {
	f.Add("/", "k")
	f.Add("/t/", "tbc_0")
	f.Add("\xff\xff/İ", "\n")
	f.Fuzz(func(t *testing.T, before, key string) {
		path := before + "/calendar/" + key
		if got := loggedPath(path); len(got) > 400 || strings.Count(got, "/calendar/") > 1 || !strings.HasSuffix(got, "/calendar/…") && strings.Count(path, "/") <= maxLogged {
			t.Errorf("%q is logged as %q", path, got)
		}
	})
}
