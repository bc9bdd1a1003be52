package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a certificate authority of one test.
type authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
	made  int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{roots: x509.NewCertPool()}
	a.cert, a.key = a.certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "e2e authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign})
	a.roots.AddCert(a.cert)
	return a
}

// certify makes a certificate; the authority's own is signed by itself.
func (a *authority) certify(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.made++
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(a.made), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// issue writes a server's certificate and key into a folder and returns the serial number.
func (a *authority) issue(t *testing.T, dir string) int64 {
	t.Helper()
	cert, key := a.certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "e2e"}, KeyUsage: x509.KeyUsageDigitalSignature,
		DNSNames: []string{"acme-login.eu.localhost", "acme.api.eu.localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	writeFile(t, filepath.Join(dir, "key.pem"), text)
	writeFile(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	return cert.SerialNumber.Int64()
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// caller trusts the authority and nobody else.
func (a *authority) caller() *http.Client {
	return &http.Client{Timeout: callTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialHere, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: a.roots}}}
}

// serveTLS goes on where a demo left off, as its settings file invites to: serve, with TLS, on the same ports and data.
func serveTLS(t *testing.T, a *authority) *booth {
	t.Helper()
	b := ownDemo(t)
	b.end(t)
	a.issue(t, b.data(""))
	text := strings.Replace(b.settings(t), "insecure_plain_http: true", "tls: {certificate: cert.pem, key: key.pem} #", 1)
	for _, name := range []string{"issuer: ", "audience: "} {
		text = strings.ReplaceAll(text, name+"http://", name+"https://")
	}
	b.rewrite(t, text)
	b.args = []string{"serve", "-c", b.data("tokenbooth.yaml")}
	b.public = strings.Replace(b.public, "http://", "https://", 1)
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	if err := b.until(b.ready); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReq095_OverTLSEverythingWorksByHTTP2AndHTTP1(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	b := serveTLS(t, a)
	h2 := a.caller()
	h1 := a.caller()
	h1.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	for proto, caller := range map[int]*http.Client{1: h1, 2: h2} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", b.public+"/oauth2/default/v1/token", strings.NewReader("grant_type=client_credentials"))
		if err != nil {
			t.Fatal(err)
		}
		setHeaders(req, []string{"Content-Type: " + form, b.basic("NEXTHINK")})
		res, err := caller.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != proto {
			t.Errorf("HTTP/%d was spoken, want HTTP/%d", res.ProtoMajor, proto)
		}
		token := nexthinkToken(t, whole(t, res, "/oauth2/default/v1/token").wantStatus(t, 200).body)
		got, err := ask(t.Context(), caller, "GET", b.public+"/api/v1/workflows", "", "Authorization: Bearer "+token)
		if err := good(got, err); err != nil {
			t.Error(err)
		}
		got.wantHeader(t, "Strict-Transport-Security", "max-age=31536000")
	}
}

// Req 96: old versions of TLS are refused.
func TestReq096_TLS12IsTheOldestThatIsSpoken(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	b := serveTLS(t, a)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+b.port(), &tls.Config{RootCAs: a.roots, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close() // it has told what it was to tell
		}
	}
}

// Req 37: the name in the handshake and the name in the request are one.
func TestReq037_AConnectionForOneTenantDoesNotServeAnother(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	b := serveTLS(t, a)
	caller := a.caller()
	url := "https://acme-login.eu.localhost:" + b.port() + "/.well-known/jwks.json"
	got, err := ask(t.Context(), caller, "GET", url, "")
	if err := good(got, err); err != nil {
		t.Fatal(err)
	}
	if got, err = ask(t.Context(), caller, "GET", url, "", "Host: globex-login.us.localhost"); err != nil || got.status != 421 {
		t.Errorf("%d %s, %v", got.status, got.body, err)
	}
}

// Req 60: credentials that come in clear are not read, and nobody is sent elsewhere with them.
func TestReq060_PlainHTTPAtATLSListenerIsRefusedWithoutARedirect(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	b := serveTLS(t, a)
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+b.port(), callTime)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := "grant_type=client_credentials"
	fmt.Fprintf(conn, "POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", b.basic("OAUTH2"), form, len(body), body)
	text, err := io.ReadAll(io.LimitReader(conn, 4096))
	if err != nil && len(text) == 0 {
		return // closed without a word is as good
	}
	if answer := string(text); !strings.HasPrefix(answer, "HTTP/1.0 400 ") || strings.Contains(answer, "Location") {
		t.Errorf("it was answered %q", answer)
	}
}

// R30: a certificate that is replaced is used for new connections; open ones go on; one that does not fit its key changes nothing.
func TestR030_ACertificateIsReplacedWithoutDroppingAConnection(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	b := serveTLS(t, a)
	kept := a.caller()
	url := b.public + "/.well-known/jwks.json"
	serial := func(caller *http.Client) int64 {
		res, err := caller.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(res); err != nil {
			t.Fatal(err)
		}
		return res.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	old := serial(kept)
	next := a.issue(t, b.data(""))
	if err := b.until(func() bool { return serial(a.caller()) == next }); err != nil {
		t.Fatal(err)
	}
	if got := serial(kept); got != old {
		t.Errorf("the open connection changed its certificate from %d to %d", old, got)
	}

	misfit := a.issue(t, t.TempDir())
	other, key := a.certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "misfit"}, DNSNames: []string{"localhost"}})
	_ = key // the file keeps the key of another certificate
	writeFile(t, b.data("cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw})))
	b.logged(t, 5*time.Second, "not applied", "private key does not match")
	if got := serial(a.caller()); got != next {
		t.Errorf("serial %d is served after a misfit, want %d; the misfit's neighbour was %d", got, next, misfit)
	}
}
