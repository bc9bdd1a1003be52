// Package edge is where a request arrives, whichever listener it is for: the host it names, the address it comes from, the id it gets, and
// the wall that keeps a panic to its request. Each of these is read here and nowhere else, so no two surfaces can disagree.
//
// It decides nothing: what a host means, and what may be done from an address, is for those behind. What it cannot read is a fault that
// is said, never a guess: a header of a trusted proxy without an address in it leaves the caller's address unknown (oauth.Caller),
// which no list of allowed addresses has, is counted, and is said in the log, a line in ten seconds at most.
//
// Server, gateway, checks, console and the operators' API use it. A Door may be used concurrently once its fields are set.
// RFC 7239 (section 6, the forms of an address), RFC 9110 (section 7.4).
package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/hostname"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Request is what is known of a request beyond its bytes.
type Request struct {
	ID     string
	Tenant string // empty: it is for none, or for whom is not known yet
	oauth.Caller
}

type requestKey struct{}

// MaxTarget is how long the target of a request may be, in bytes, whether it comes by itself or is told of.
const MaxTarget = 8 << 10

// Of returns what is known of a request that came through a door; nothing is known of another.
func Of(r *http.Request) Request {
	known, _ := r.Context().Value(requestKey{}).(Request)
	return known
}

// With returns the request with what is known of it, for Of.
func With(r *http.Request, known Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, known))
}

// Host returns the name of the host that a request is for, in the spelling of package hostname, or says why there is none. With TLS the
// name in the handshake must agree: otherwise a connection for one tenant could be used for another (RFC 9110, section 7.4).
func Host(r *http.Request) (name, problem string) {
	name, ok := hostname.Of(r.Host)
	if !ok {
		return "", "the request names no host"
	}
	if r.TLS != nil && r.TLS.ServerName != "" {
		if asked, _ := hostname.Canonical(r.TLS.ServerName); asked != name {
			return "", "the request names another host than its TLS handshake did"
		}
	}
	return name, ""
}

// ThisMachine reports whether a host that a request names is this machine: localhost or a loopback address. Names below localhost are not: a
// name server can be asked for them, so a web page can be made to call us by one.
func ThisMachine(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.Unmap().IsLoopback()
}

// Door is what the requests of a process come in through.
type Door struct {
	NewID   func() string  // makes request ids
	Proxies []netip.Prefix // whose X-Forwarded-For is believed; empty: nobody's
	Socket  bool           // X-Forwarded-For is believed of whoever connects over a unix socket
	Log     *slog.Logger   // nil: nothing is said

	unread atomic.Uint64
	said   atomic.Int64 // when the last one was, in nanoseconds
}

// Arrive gives a request its id, in the answer too, and finds out where it comes from.
func (d *Door) Arrive(w http.ResponseWriter, r *http.Request) Request {
	known := Request{ID: d.NewID()}
	w.Header()["X-Request-Id"] = []string{known.ID}
	var problem string
	if known.Caller, problem = d.caller(r); problem != "" {
		d.say(known, problem)
	}
	return known
}

// Identified has each request arrive, so that next finds what is known of it with Of.
func (d *Door) Identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, With(r, d.Arrive(w, r))) })
}

// Unread returns how many requests a trusted proxy sent on with a header that could not be read.
func (d *Door) Unread() uint64 { return d.unread.Load() }

const sayEvery = 10 * time.Second

// say counts a header that could not be read, and writes it down unless another was a moment ago. The header itself is a stranger's text.
func (d *Door) say(known Request, problem string) {
	n := d.unread.Add(1)
	now, last := time.Now().UnixNano(), d.said.Load()
	if d.Log == nil || last != 0 && now-last < int64(sayEvery) || !d.said.CompareAndSwap(last, now) {
		return
	}
	d.Log.Warn("the address of a caller is not known: its proxy sent X-Forwarded-For in a form that cannot be read", "request_id", known.ID,
		"proxy", known.Peer.String(), "problem", problem, "so_far", n)
}

// Peer is the address at the other end of a connection; invalid over a unix socket.
func Peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// overSocket reports whether a request came over a unix socket.
func overSocket(r *http.Request) bool {
	at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return at != nil && at.Network() == "unix"
}

// caller is where a request comes from: the connection, or what trusted proxies say of it in X-Forwarded-For. That is read from its end,
// since what stands before, the caller may have written: the first address that is no trusted proxy's is the caller's.
func (d *Door) caller(r *http.Request) (from oauth.Caller, problem string) {
	from.Peer = Peer(r)
	from.Source = from.Peer
	if believed := d.trusts(from.Peer) || d.Socket && overSocket(r); !believed {
		return from, ""
	}
	lines := r.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var hop string
			if rest, hop, more = cutLast(rest); hop == "" { // an empty element of a list is none (RFC 9110, section 5.6.1.2)
				continue
			}
			addr, ok := Address(hop)
			if !ok {
				from.Source = netip.Addr{}
				return from, fmt.Sprintf("an entry of %d characters that is no address", len(hop))
			}
			if from.Source = addr; !d.trusts(addr) {
				return from, ""
			}
		}
	}
	return from, ""
}

// cutLast cuts the last element off a list.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.Trim(list[i+1:], " \t"), i >= 0
}

func (d *Door) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(d.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Address reads an address in any of the forms in which proxies write one into X-Forwarded-For: bare, with a port, in brackets with or
// without one, in quotes (RFC 7239, section 6), mapped into IPv6, with a zone, which is the proxy's own and dropped.
func Address(text string) (netip.Addr, bool) {
	text = strings.Trim(text, " \t")
	if inner, quoted := strings.CutPrefix(text, `"`); quoted {
		if text, quoted = strings.CutSuffix(inner, `"`); !quoted {
			return netip.Addr{}, false
		}
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.WithZone("").Unmap(), true
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().WithZone("").Unmap(), true
	}
	inner, open := strings.CutPrefix(text, "[")
	if inner, closed := strings.CutSuffix(inner, "]"); open && closed {
		if addr, err := netip.ParseAddr(inner); err == nil && addr.Is6() {
			return addr.WithZone("").Unmap(), true
		}
	}
	return netip.Addr{}, false
}

// Contain, deferred by a handler, keeps a panic to its request: answer is given it, to write it down and to say something to the caller.
// http.ErrAbortHandler goes on, since it is how a handler ends a connection.
func Contain(answer func(fault error)) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		answer(Fault(p))
	}
}

// Fault is what somebody panicked with, as an error with the stack. It is for the log alone.
func Fault(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }
