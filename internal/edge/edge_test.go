package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}

func door(change func(*Door)) *Door {
	d := &Door{NewID: func() string { return "id-1" }, Proxies: proxies}
	if change != nil {
		change(d)
	}
	return d
}

func arrive(d *Door, peer string, lines ...string) Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	if lines != nil {
		r.Header["X-Forwarded-For"] = lines
	}
	return d.Arrive(httptest.NewRecorder(), r)
}

func TestTheAddressOfACallerIsReadInEveryFormThatProxiesWrite(t *testing.T) {
	for form, want := range map[string]string{
		"203.0.113.9":                 "203.0.113.9",
		"203.0.113.9:51234":           "203.0.113.9",
		"  203.0.113.9\t":             "203.0.113.9",
		"2001:db8::1":                 "2001:db8::1",
		"[2001:db8::1]":               "2001:db8::1",
		"[2001:db8::1]:443":           "2001:db8::1",
		"2001:DB8:0:0::1":             "2001:db8::1",
		"::ffff:203.0.113.9":          "203.0.113.9",
		"[::ffff:203.0.113.9]:51234":  "203.0.113.9",
		"[::ffff:203.0.113.9]":        "203.0.113.9",
		"fe80::1%eth0":                "fe80::1",
		"[fe80::1%eth0]:443":          "fe80::1",
		"[fe80::1%25eth0]":            "fe80::1",
		`"[2001:db8::1]:4711"`:        "2001:db8::1",
		`"203.0.113.9"`:               "203.0.113.9",
		"6.6.6.6, 203.0.113.9:51234":  "203.0.113.9",
		"6.6.6.6,203.0.113.9, ":       "203.0.113.9",
		"not read, 203.0.113.9:1":     "203.0.113.9",
		"203.0.113.9, [2001:db8:1::]": "203.0.113.9",
	} {
		d := door(nil)
		if got := arrive(d, "10.0.0.1:80", form); got.Source.String() != want || got.Place() != got.Source || d.Unread() != 0 {
			t.Errorf("%q is read as %s, want %s; %d could not be read", form, got.From(), want, d.Unread())
		}
	}
}

func TestWhatATrustedProxySaysAndNobodyCanReadIsAFaultThatIsSaid(t *testing.T) {
	anything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for _, form := range []string{"unknown", "_hidden", "203.0.113", "203.0.113.9:", "203.0.113.9:99999", "203.0.113.9:http", "0203.0.113.9", "[203.0.113.9]",
		"[2001:db8::1", "2001:db8::1]", "[2001:db8::1]443", `"203.0.113.9`, "localhost", "203.0.113.9 10.2.2.2", "for=203.0.113.9", "203.0.113.9/32", "\x00",
		"203.0.113.9, unknown, 10.2.2.2"} {
		var log bytes.Buffer
		d := door(func(d *Door) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		got := arrive(d, "10.0.0.1:80", form)
		if got.Source.IsValid() || got.Place().String() != "10.0.0.1" || got.From() != "unknown (behind 10.0.0.1)" || d.Unread() != 1 {
			t.Errorf("%q: from %s, counted against %s; %d could not be read", form, got.From(), got.Place(), d.Unread())
		}
		for _, p := range anything {
			if p.Contains(got.Source) {
				t.Errorf("%q: the list of allowed addresses %s has it", form, p)
			}
		}
		if line := log.String(); !strings.Contains(line, "level=WARN") || !strings.Contains(line, "proxy=10.0.0.1") || strings.Contains(line, "203.0") {
			t.Errorf("%q: the log says %q", form, line)
		}
	}
}

func TestAHeaderThatCannotBeReadIsSaidALineInTenSecondsAtMost(t *testing.T) {
	var log bytes.Buffer
	d := door(func(d *Door) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	for range 1000 {
		arrive(d, "10.0.0.1:80", "unknown")
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || d.Unread() != 1000 {
		t.Errorf("%d lines, %d counted", n, d.Unread())
	}
}

func TestWhoIsNoTrustedProxyIsNotBelieved(t *testing.T) {
	for _, form := range []string{"6.6.6.6", "unknown", ""} {
		d := door(nil)
		if got := arrive(d, "203.0.113.5:80", form); got.From() != "203.0.113.5" || d.Unread() != 0 {
			t.Errorf("%q: from %s, %d could not be read", form, got.From(), d.Unread())
		}
	}
	if got := arrive(door(nil), "10.0.0.1:80"); got.From() != "10.0.0.1" {
		t.Errorf("a proxy that asks for itself: from %s", got.From())
	}
}

func TestOverAUnixSocketTheHeaderCountsOnlyWhereTheSettingsSaySo(t *testing.T) {
	for _, c := range []struct {
		trusted, socket bool
		line, want      string
	}{
		{true, true, "203.0.113.9:1", "203.0.113.9"}, {true, true, "", "unknown"}, {true, true, "junk", "unknown"},
		{false, true, "203.0.113.9", "unknown"}, {true, false, "203.0.113.9", "unknown"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "@"
		if c.socket {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/x", Net: "unix"}))
		}
		r.Header.Set("X-Forwarded-For", c.line)
		if got := door(func(d *Door) { d.Socket = c.trusted }).Arrive(httptest.NewRecorder(), r); got.From() != c.want || got.Peer.IsValid() {
			t.Errorf("%+v: from %s", c, got.From())
		}
	}
}

func TestAHostIsNamedByTheRequestAndByItsHandshake(t *testing.T) {
	for _, c := range []struct{ host, sni, want string }{
		{"Login.Acme.test.:443", "", "login.acme.test"}, {"login.acme.test", "LOGIN.acme.test", "login.acme.test"}, {"[::1]:80", "", "::1"},
		{"login.acme.test", "login.other.test", ""}, {"", "", ""}, {"a b", "", ""},
	} {
		r := &http.Request{Host: c.host, TLS: &tls.ConnectionState{ServerName: c.sni}}
		if got, problem := Host(r); got != c.want || (problem == "") != (c.want != "") {
			t.Errorf("%+v: %q, %q", c, got, problem)
		}
	}
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "10.0.0.1": false, "x.localhost": false,
		"localhost.evil.test": false, "": false} {
		if ThisMachine(host) != want {
			t.Errorf("%q is this machine: %v", host, !want)
		}
	}
}

func TestAPanicStaysWithItsRequestAndAnAbortGoesOn(t *testing.T) {
	breaks := func(with any) (out any, fault error) {
		defer func() { out = recover() }()
		func() {
			defer Contain(func(f error) { fault = f })
			panic(with)
		}()
		return nil, fault
	}
	if out, fault := breaks("the roof"); out != nil || fault == nil || !strings.HasPrefix(fault.Error(), "panic: the roof\n") || !strings.Contains(fault.Error(), "edge_test.go") {
		t.Errorf("%v, %v", fault, out)
	}
	if out, fault := breaks(http.ErrAbortHandler); fault != nil || !errors.Is(out.(error), http.ErrAbortHandler) {
		t.Errorf("%v, %v", fault, out)
	}
	called := false
	func() { defer Contain(func(error) { called = true }) }()
	if called {
		t.Error("there was no panic")
	}
}

func TestWhatIsKnownOfARequestIsFoundBehindTheDoor(t *testing.T) {
	var got Request
	h := door(nil).Identified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = Of(r) }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.7:80"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got.ID != "id-1" || w.Header().Get("X-Request-Id") != "id-1" || got.From() != "192.0.2.7" || Of(r) != (Request{}) {
		t.Errorf("%+v %v", got, w.Header())
	}
}

// FuzzAddressesAreReadInOneWay holds that an address never comes out with a zone or mapped, that all its forms are read as the same, and
// that a list is what its last element is.
func FuzzAddressesAreReadInOneWay(f *testing.F) {
	for _, s := range []string{"203.0.113.9:51234", "[2001:db8::1]:443", "[fe80::1%eth0]", `"::ffff:192.0.2.1"`, "unknown", "1.2.3.4, 5.6.7.8", "", ",", "[", `"`, "[]:1", "1:2", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, ok := Address(text)
		if ok != addr.IsValid() || addr.Zone() != "" || addr.Is4In6() {
			t.Fatalf("%q: %v %v", text, addr, ok)
		}
		d := door(func(d *Door) { d.Proxies = d.Proxies[:1] })
		if got := arrive(d, "10.0.0.1:80", "6.6.6.6, "+text); d.Unread() == 1 && got.Source.IsValid() {
			t.Fatalf("%q could not be read, and is from %v", text, got.Source)
		}
		if !ok {
			return
		}
		forms := []string{addr.String(), netip.AddrPortFrom(addr, 443).String(), `"` + addr.String() + `"`, " " + addr.String()}
		if addr.Is6() {
			forms = append(forms, "["+addr.String()+"]")
		}
		for _, form := range forms {
			if again, ok := Address(form); !ok || again != addr {
				t.Fatalf("%q is %v, and %q is %v", text, addr, form, again)
			}
		}
	})
}

func BenchmarkArriveBehindAProxy(b *testing.B) {
	d, r, w := door(nil), httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	r.RemoteAddr = "10.0.0.1:80"
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("6.6.6.6, %s", "203.0.113.9:51234"))
	b.ReportAllocs()
	for b.Loop() {
		d.Arrive(w, r)
	}
}
