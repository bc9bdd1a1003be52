package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// compileChecks says who may ask for decisions; nil where the settings have no check.
func (f *front) compileChecks(s *settings) (*gateway.Checks, error) {
	c := s.Check
	if c == nil {
		return nil, nil
	}
	proves, err := sharedSecret(s)
	if err != nil {
		return nil, err
	}
	checks, err := gateway.NewChecks(gateway.CheckOptions{Gateway: f.gates.at, Peers: c.Peers, Secret: proves, ClientCertificate: c.mutual(),
		CacheFor: c.CacheFor, Refused: f.questionRefused})
	if err != nil {
		return nil, s.fault("check", err.Error())
	}
	return checks, nil
}

// mutual reports whether proxies show certificates.
func (c *checking) mutual() bool { return c.TLS != nil && c.TLS.ClientCA != "" }

// checking makes the server where reverse proxies ask whether a call may pass; none where the settings have no check.
func (f *front) checking(l *listeners) ([]answering, error) {
	c := f.settings.Check
	if c == nil {
		return nil, nil
	}
	var err error
	if f.checkCerts, err = f.checkCertificates(c); err != nil {
		return nil, err
	}
	ask := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if checks := f.checks.Load(); checks != nil {
			checks.ServeHTTP(w, r)
			return
		}
		http.Error(w, "Nobody may ask here any more.", http.StatusForbidden) // the settings have no check now
	})
	s := server.Listener(f.door.Identified(ask), f.checkCerts, f.log)
	if c.mutual() {
		if err := f.demandCertificates(s, c); err != nil {
			return nil, err
		}
	}
	return []answering{{s, l.check}}, nil
}

// sharedSecret returns what compares a text with the secret that proxies share with us; nil where there is none.
func sharedSecret(s *settings) (func(string) bool, error) {
	if s.Check.SecretFile == "" {
		return nil, nil
	}
	text, err := readSecret(s.path(s.Check.SecretFile))
	if err != nil {
		return nil, s.fault("check.secret_file", err.Error())
	}
	shared := text.Reveal()
	if len(shared) < leastShared {
		return nil, s.fault("check.secret_file", fmt.Sprintf("a secret has at least %d characters; make one with: head -c 32 /dev/urandom | base64", leastShared))
	}
	digest := secret.Digest(shared)
	return func(text string) bool { return secret.Matches(digest[:], text) }, nil
}

// leastShared is how short the secret of proxies may be: long enough not to be guessed.
const leastShared = 32

func (f *front) checkCertificates(c *checking) (*server.Certificates, error) {
	if c.TLS == nil {
		return nil, nil
	}
	certs, err := server.OpenCertificates(f.settings.path(c.TLS.Certificate), f.settings.path(c.TLS.Key))
	if err != nil {
		return nil, f.settings.fault("check.tls", err.Error())
	}
	return certs, nil
}

// demandCertificates lets only proxies connect that show a certificate of the settings' authority.
func (f *front) demandCertificates(s *http.Server, c *checking) error {
	pem, err := os.ReadFile(f.settings.path(c.TLS.ClientCA))
	if err != nil {
		return f.settings.fault("check.tls.client_ca", err.Error())
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return f.settings.fault("check.tls.client_ca", "there is no certificate in the file")
	}
	s.TLSConfig.ClientCAs, s.TLSConfig.ClientAuth = pool, tls.RequireAndVerifyClientCert
	return nil
}

// questionRefused writes down a question that was not answered, because of who asked or how. It is no tenant's: whose the call was is not
// known.
func (f *front) questionRefused(_ context.Context, r *http.Request, no gateway.Refusal) {
	known := edge.Of(r)
	f.log.Info("question refused", "request_id", known.ID, "status", no.Status, "code", no.Code, "case", string(no.Case), "reason", no.Reason, "source", known.From())
	f.refusals.Refused(audit.Event{ID: known.ID, Time: f.now(), Act: "check.refuse", Reason: no.Code + ": " + no.Reason,
		Source: known.From(), Detail: map[string]string{audit.CaseDetail: string(no.Case)}})
}
