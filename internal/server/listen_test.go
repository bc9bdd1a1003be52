package server

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate for a name, and its key.
func certify(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// serve runs a server of Listener on a free port.
func serve(t *testing.T, s *http.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if s.TLSConfig != nil {
			_ = s.ServeTLS(l, "", "")
			return
		}
		_ = s.Serve(l)
	}()
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func TestReq037_096_over_TLS_the_host_must_be_the_one_of_the_handshake(t *testing.T) {
	b := open(t)
	cert, key := certify(t, t.TempDir(), "login.acme.test")
	certs, err := OpenCertificates(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, Listener(b, certs, slog.New(slog.DiscardHandler)))
	ask := func(sni, host, proto string) int {
		c := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: proto == "h2", TLSClientConfig: &tls.Config{ServerName: sni, InsecureSkipVerify: true},
			DisableKeepAlives: true}}
		r, err := http.NewRequest(http.MethodGet, "https://"+addr+JWKSPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if (res.ProtoMajor == 2) != (proto == "h2") || res.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s %v", res.Proto, res.Header)
		}
		return res.StatusCode
	}
	for _, proto := range []string{"http/1.1", "h2"} {
		if s := ask("login.acme.test", "login.acme.test", proto); s != http.StatusOK {
			t.Errorf("%s: %d", proto, s)
		}
		if s := ask("login.acme.test", "login.other.test", proto); s != http.StatusMisdirectedRequest {
			t.Errorf("%s, another tenant on the connection: %d", proto, s)
		}
	}
	if conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestR30_certificates_are_read_anew_and_bad_ones_change_nothing(t *testing.T) {
	dir := t.TempDir()
	cert, key := certify(t, dir, "login.acme.test")
	certs, err := OpenCertificates(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	now := func() []byte {
		c, err := certs.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Certificate[0]
	}
	first := now()
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := certs.Reload(); err == nil || !strings.Contains(err.Error(), cert) {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(now(), first) {
		t.Error("a bad file took the place of a good certificate")
	}
	certify(t, dir, "login.acme.test")
	if err := certs.Reload(); err != nil || bytes.Equal(now(), first) {
		t.Errorf("%v", err)
	}
	if files := certs.Files(); len(files) != 2 || files[0] != cert || files[1] != key {
		t.Errorf("%v", files)
	}
	if _, err := OpenCertificates(filepath.Join(dir, "nothing"), key); err == nil {
		t.Error("B49: a missing file is no certificate")
	}
}

func TestReq069_070_what_is_too_large_is_refused_by_its_kind(t *testing.T) {
	b := open(t)
	addr := serve(t, Listener(b, nil, slog.New(slog.DiscardHandler)))
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"a header of 64 KiB": {"GET / HTTP/1.1\r\nHost: login.acme.test\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
		"a target of 9 KiB":  {"GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\nHost: login.acme.test\r\n\r\n", 414},
		"a body of 65 KiB": {"POST /oauth2/token HTTP/1.1\r\nHost: login.acme.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 66560\r\n\r\n" +
			strings.Repeat("x", 66560), 413},
		"a body packed up": {"POST /oauth2/token HTTP/1.1\r\nHost: login.acme.test\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 415},
		"two lengths":      {"POST /oauth2/token HTTP/1.1\r\nHost: login.acme.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		go fmt.Fprint(conn, c.request)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s: %v %v", name, res, err)
		}
		conn.Close()
	}
}

// RFC 9112, section 6.1: where two programs could see a request end in two places, the connection is not used again.
func TestReq108_AfterARequestWhoseEndIsInDoubtTheConnectionIsClosed(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.Config = Listener(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }), nil, slog.New(slog.DiscardHandler))
	s.Start()
	defer s.Close()
	const chunk = "1\r\nx\r\n0\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		kept    bool
	}{
		"a length":                       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", true},
		"nothing":                        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
		"chunks":                         {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, false},
		"chunks and a length":            {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, false},
		"HTTP/1.0 that wants to stay":    {"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false},
		"HTTP/1.0 with chunks":           {"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, false},
		"HTTP/1.0, a length, and chunks": {"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", false},
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		for range 2 {
			fmt.Fprint(conn, c.request) // the second may find the connection closed
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.Close == c.kept {
			t.Fatalf("%s: %+v %v", name, res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		if _, err := http.ReadResponse(in, nil); (err == nil) != c.kept {
			t.Errorf("%s: the second request on the connection: %v", name, err)
		}
		conn.Close()
	}
}

func TestReq110_every_listener_has_limits_of_time(t *testing.T) {
	s := Listener(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
	for name, d := range map[string]time.Duration{"read header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout} {
		if d <= 0 || d > 5*time.Minute {
			t.Errorf("%s: %v", name, d)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 || s.TLSConfig != nil {
		t.Errorf("%d bytes of header", s.MaxHeaderBytes)
	}
}

func TestComplaintsAboutConnectionsStayAtDebugLevel(t *testing.T) {
	var lines bytes.Buffer
	s := Listener(http.NotFoundHandler(), nil, slog.New(slog.NewTextHandler(&lines, nil)))
	s.ErrorLog.Print("http: TLS handshake error from 192.0.2.1")
	if lines.Len() != 0 {
		t.Errorf("%s", &lines)
	}
	s = Listener(http.NotFoundHandler(), nil, slog.New(slog.NewTextHandler(io.MultiWriter(&lines), &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.ErrorLog.Print("http: TLS handshake error from 192.0.2.1")
	if !strings.Contains(lines.String(), "handshake") {
		t.Errorf("%s", &lines)
	}
}
