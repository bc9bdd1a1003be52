package bearer

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	maxDocument = 1 << 20 // bytes of metadata, of a key set, of the answer to a look-up
	maxPage     = 8 << 20 // of a page of revocations
)

// address reads the issuer's identifier (RFC 8414, section 2).
func (r *Remote) address() (*url.URL, error) {
	u, err := url.Parse(r.Issuer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("bearer: the issuer is no URL: %w", err)
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("bearer: the issuer %q is not a URL of scheme, host and path only", r.Issuer)
	case u.Scheme == "https" || u.Scheme == "http" && (r.InsecurePlainHTTP || loopback(u.Hostname())):
		return u, nil
	}
	return nil, fmt.Errorf("bearer: the issuer %q is not asked over https: keys and tokens could be read and forged on the way", r.Issuer)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// client returns what questions are sent with, and the transport if it is ours to close.
func (r *Remote) client() (*http.Client, *http.Transport) {
	c, own := &http.Client{}, (*http.Transport)(nil)
	if r.HTTP != nil {
		c.Transport = r.HTTP.Transport
	} else {
		own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: r.pace.answer, IdleConnTimeout: 90 * time.Second,
			MaxIdleConnsPerHost: 16, MaxResponseHeaderBytes: 64 << 10,
			// A connection that died would otherwise be given to one question after the other until the kernel gives it up.
			HTTP2: &http.HTTP2Config{SendPingTimeout: r.pace.poll, PingTimeout: r.pace.grace},
		}
		c.Transport = own
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, own
}

// sibling reads a URL that the issuer's metadata names. It must be on the issuer's own scheme, host and port: a document that could
// send our credential or our look-ups elsewhere would be worth forging.
func (i *Issuer) sibling(name, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != i.base.Scheme || !strings.EqualFold(u.Host, i.base.Host) || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%s %.200q is not at the issuer's own scheme and host", name, text)
	}
	return u, nil
}

// statusError is an answer that is not 200.
type statusError int

// Error says what it means to us.
func (s statusError) Error() string {
	switch {
	case s.denied():
		return fmt.Sprintf("answered %d: it does not accept our client id and secret, or the client is disabled or no resource server; "+
			"correct the credential, or register the client for this API", int(s))
	case s >= 300 && s < 400:
		return fmt.Sprintf("answered %d: redirects are not followed", int(s))
	}
	return fmt.Sprintf("answered %d", int(s))
}

func (s statusError) denied() bool { return s == http.StatusUnauthorized || s == http.StatusForbidden }

func denied(err error) bool {
	s, ok := errors.AsType[statusError](err)
	return ok && s.denied()
}

var errTooLarge = errors.New("answered with more than it may")

// get asks for a document, past any cache on the way: who reads keys again has a reason.
func (i *Issuer) get(u *url.URL) (text string, h http.Header, err error) {
	ctx, cancel := context.WithTimeout(i.ctx, i.r.pace.answer)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Cache-Control", "no-cache")
	return i.send(r, maxDocument, func() {})
}

// send sends a question and reads the answer, most bytes of it; begun is called when the answer begins. The request's context ends it
// all.
func (i *Issuer) send(r *http.Request, most int64, begun func()) (text string, h http.Header, err error) {
	a, err := i.http.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = a.Body.Close() }() // it was read, or is of no use
	begun()
	if a.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, a.Body, 4<<10) // so that the connection can be used again
		return "", nil, statusError(a.StatusCode)
	}
	if a.ContentLength > most {
		return "", nil, errTooLarge
	}
	var b strings.Builder
	if a.ContentLength > 0 {
		b.Grow(int(a.ContentLength))
	}
	n, err := io.Copy(&b, io.LimitReader(a.Body, most+1))
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("the answer broke off: %w", err)
	case n > most:
		return "", nil, errTooLarge
	}
	return b.String(), a.Header, nil
}

// identify adds our credential (RFC 6749, section 2.3.1: both halves are form-encoded first).
func (i *Issuer) identify(r *http.Request) {
	r.SetBasicAuth(url.QueryEscape(i.r.ClientID), url.QueryEscape(i.r.ClientSecret.Reveal()))
}

// backoff counts how often in a row something failed.
type backoff int

// next returns how long to wait before trying again: twice as long each time up to most, and a random part of it, so that all who lost
// the issuer at once do not come back at once.
func (b *backoff) next(least, most time.Duration) time.Duration {
	d := min(least<<min(*b, 20), most)
	*b++
	return d/2 + upTo(d/2)
}

// upTo returns a random time.
func upTo(most time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // cannot fail
	return time.Duration(binary.NativeEndian.Uint64(b[:]) % uint64(max(most, 1)))
}

// pause waits; it reports false when following has ended. Something on wake ends it early.
func (i *Issuer) pause(d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-i.ctx.Done():
	}
	return i.ctx.Err() == nil
}
