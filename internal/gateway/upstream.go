package gateway

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	retryAfter     = time.Second
	defaultTimeout = 30 * time.Second
	statusGone     = 499 // the caller closed the connection; nobody reads it but the metrics
)

// line is the connections to one upstream.
type line struct {
	transport http.RoundTripper
	closeIdle func()
}

// lineTo returns the line to an API's upstream. APIs with the same upstream and patience share one.
func (g *Gateway) lineTo(a API) *line {
	timeout := a.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	name := a.Upstream.Scheme + "://" + a.Upstream.Host + " " + timeout.String()
	l := g.lines[name]
	if l == nil {
		t := &http.Transport{
			Proxy:                  nil, // an environment variable must not choose who sees our callers' identities
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  timeout,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConns:           0,
			MaxIdleConnsPerHost:    256,
			MaxResponseHeaderBytes: 256 << 10,
			DisableCompression:     true, // what the caller and the API agree on is theirs
			ForceAttemptHTTP2:      true,
		}
		l = &line{t, t.CloseIdleConnections}
		g.lines[name] = l
	}
	return l
}

// rewrite makes the request the API sees. It runs after the hop-by-hop headers are gone, so that no Connection header can take away
// what is added here.
func (c *call) rewrite(p *httputil.ProxyRequest) {
	api, out := c.to.api, p.Out
	out.URL.Scheme, out.URL.Host = api.Upstream.Scheme, api.Upstream.Host
	out.URL.Path = strings.TrimSuffix(api.Upstream.Path, "/") + c.r.URL.Path
	out.URL.RawPath = api.prefix + c.path // as it came: what was matched is what is sent
	out.URL.RawQuery = c.r.URL.RawQuery
	out.Host = ""
	out.Trailer = nil // a trailer that some server merges into the headers would be an identity of the caller's own making

	api.Dialect.Strip(out.Header)
	strip(out.Header, claimed, claimedPrefixes)
	if up := out.Header["Upgrade"]; len(up) > 0 && !strings.EqualFold(up[0], "websocket") {
		out.Header.Del("Connection") // an upgrade may be ignored (RFC 9110, section 7.8); h2c would open a second way in
		out.Header.Del("Upgrade")
	}
	c.forwarded(out.Header)
	identify(out.Header, c.gateway.o.Tenant, c.id, c.token)
}

// tidy takes from the API's answer what is not the caller's.
func (c *call) tidy(res *http.Response) error {
	prefixes := ownPrefixes
	if c.to.api.cors != nil {
		prefixes = corsPrefixes
	}
	strip(res.Header, banners, prefixes)
	if c.token != nil && res.Header["Cache-Control"] == nil {
		// A cache in front knows by Authorization that an answer is one caller's (RFC 9111, section 3.5), but by no other header.
		res.Header["Cache-Control"] = []string{"private"}
	}
	if location := res.Header.Get("Location"); location != "" {
		if rest, ok := strings.CutPrefix(location, c.to.api.origin); ok && (rest == "" || strings.ContainsRune("/?#", rune(rest[0]))) {
			if !strings.HasPrefix(rest, "/") {
				rest = "/" + rest
			}
			res.Header.Set("Location", rest)
		}
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		c.w.status = res.StatusCode // from here on the connection is not HTTP, and nobody else will note it
	}
	if res.StatusCode == http.StatusSwitchingProtocols || isLong(res.ContentLength) && res.Body != http.NoBody {
		c.watchOver(res.Body)
	}
	return nil
}

// upstreamFault answers when the API does not. What went wrong there, and where there is, is not the caller's to know.
func (c *call) upstreamFault(_ http.ResponseWriter, _ *http.Request, err error) {
	if dead := c.watch.end(); dead != nil {
		c.watch = nil
		c.speak(dead)
		return
	}
	status, kind, description, reason := http.StatusBadGateway, oauth.APIUnreachable, "The API cannot be reached.", "the API did not answer"
	var timeout net.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status, kind, description, reason = http.StatusRequestEntityTooLarge, oauth.LargeCall, "The request is too large.", "the body is larger than the route allows"
	case c.w.pace.stalled.Load():
		status, kind, description, reason = http.StatusRequestTimeout, oauth.CallerSlow, "The request did not arrive in time.", "the body stood still on its way here"
	case c.r.Context().Err() != nil && errors.Is(err, context.Canceled):
		status, kind, description, reason = statusGone, oauth.CallerGone, "The caller closed the connection.", "the caller closed the connection"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		status, kind, description, reason = http.StatusGatewayTimeout, oauth.APISlow, "The API did not answer in time.", "the API did not begin to answer in time"
	}
	c.w.status = 0
	c.write(status, string(kind.Code()), description)
	c.tell(Refusal{Case: kind, Reason: reason, Err: err})
}

// buffers are shared by all answers that are copied.
type buffers struct{}

var pool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// Get returns a buffer.
func (buffers) Get() []byte { return pool.Get().(*[32 << 10]byte)[:] }

// Put takes it back.
func (buffers) Put(b []byte) { pool.Put((*[32 << 10]byte)(b)) }

// silent: what the proxy would log, the owner is told as a Refusal, with the request it belongs to.
var silent = log.New(io.Discard, "", 0)
