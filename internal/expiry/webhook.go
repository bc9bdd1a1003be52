package expiry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/local"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// SignatureHeader is where a warning is signed:
//
//	Tokenbooth-Signature: t=1795320000,v1=5257a869e7…
//
// v1 is the HMAC-SHA256 in hex, under the webhook's secret, of the number after t=, a full stop, and the body as it was sent. t is when
// it was sent, in Unix seconds: a receiver refuses what is older than a few minutes, and what is signed wrongly.
const SignatureHeader = "Tokenbooth-Signature"

const (
	answerWithin  = 5 * time.Second
	maxAnswer     = 1 << 20
	shortestKey   = 16 // bytes of a webhook's secret
	longestHeader = 64 << 10
)

// Webhook is where warnings are sent.
type Webhook struct {
	URL          string       // https; http too where AllowPrivate is set and it names this machine
	Secret       oauth.Secret // what warnings are signed with: at least 16 bytes
	AllowPrivate bool         // it may lead to an address of the house: RFC 1918, fc00::/7, loopback. Never to link-local or metadata addresses
}

// Check says what is wrong with the settings of a webhook, or nil. Addresses are judged when they are dialled.
func (w *Webhook) Check() error {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil:
		return errors.New("the webhook's URL cannot be read") // the error would show the URL
	case u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "":
		return errors.New("the webhook's URL is one of scheme, host, path and query, without a user")
	case u.Scheme != "https" && !(u.Scheme == "http" && w.AllowPrivate && local.Host(u.Hostname())):
		return errors.New("the webhook's URL starts with https://; http:// serves for this machine alone, where private addresses are allowed")
	case len(w.Secret.Reveal()) < shortestKey:
		return fmt.Errorf("the webhook's secret has at least %d bytes: who knows it can forge warnings", shortestKey)
	}
	return nil
}

// sender posts to one webhook.
type sender struct {
	hook   Webhook
	client *http.Client
}

// reach are the ways to the network that tests replace.
type reach struct {
	resolver *net.Resolver // nil: the system's
	roots    *x509.CertPool
	within   time.Duration // zero: answerWithin
}

// newSender makes a sender whose every connection is judged by its address. It knows no proxy: that would dial in our place.
func newSender(hook Webhook, way reach) *sender {
	if way.within == 0 {
		way.within = answerWithin
	}
	dialer := &net.Dialer{Timeout: way.within, Resolver: way.resolver, Control: control(hook.AllowPrivate)}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, local.Address(addr))
		},
		TLSHandshakeTimeout: way.within, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: longestHeader, MaxIdleConnsPerHost: 1, IdleConnTimeout: 10 * time.Second,
	}
	if way.roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: way.roots, MinVersion: tls.VersionTLS12}
	}
	return &sender{hook, &http.Client{Transport: transport, Timeout: way.within,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// post sends a body, signed. Anything but a status of 200 to 299 is an error, whose text has neither path nor query of the webhook's URL in
// it.
func (s *sender) post(ctx context.Context, now time.Time, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.hook.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL cannot be read")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Tokenbooth")
	r.Header.Set(SignatureHeader, signature(s.hook.Secret, now, body))
	a, err := s.client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = a.Body.Close() }() // whatever else it would say is of no use
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, maxAnswer))
	if a.StatusCode < 200 || a.StatusCode > 299 {
		return fmt.Errorf("it answered %d", a.StatusCode)
	}
	return nil
}

// signature is the value of SignatureHeader.
func signature(key oauth.Secret, now time.Time, body []byte) string {
	t := strconv.FormatInt(now.Unix(), 10)
	sum := secret.MAC([]byte(key.Reveal()), append([]byte(t+"."), body...))
	return "t=" + t + ",v1=" + hex.EncodeToString(sum[:])
}

// withoutURL takes the webhook's address, its path a secret perhaps, out of what net/http says.
func withoutURL(err error) error {
	if whole, ok := errors.AsType[*url.Error](err); ok {
		err = whole.Err
	}
	switch {
	case errors.Is(err, errAddress):
		return errAddress
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it did not answer in time")
	}
	return err
}
