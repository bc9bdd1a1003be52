package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/clock"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// How long a stop may take, and how the store is kept small.
const (
	stopWithin   = 10 * time.Second // whatever the disk does
	leaveTime    = time.Second      // between "not ready" and closed sockets, for whoever watches readiness to look elsewhere
	finishWithin = 6 * time.Second  // for requests under way
	sweepEvery   = time.Second
	sweepStep    = 500     // rows
	maxRated     = 200_000 // callers whose calls are counted against the limits of routes
)

// front is what faces the callers, in a token desk and in a gateway alike: listeners, the handler that finds the tenant, the gateways
// behind it, and what is written down about refusals.
type front struct {
	settings *settings
	log      *slog.Logger
	now      func() time.Time
	clocks   *clock.Watch
	kept     kept
	refusals *audit.Log
	metrics  *server.Metrics
	handler  *server.Handler
	door     *edge.Door // every request comes in through it
	gates    gates
	certs    *server.Certificates

	beside        http.Handler // what operators are answered beside health and metrics; nil: nothing
	operatorCerts *server.Certificates

	current    atomic.Pointer[surface]        // what is shown
	checks     atomic.Pointer[gateway.Checks] // who may ask for decisions; nil: nobody
	checkCerts *server.Certificates

	calls     *limit.Limiter
	reopen    func()  // opens anew, on SIGHUP, what other programs rotate
	watched   watched // by the one who watches alone
	unwritten unwritten
	outcome   outcome
	stale     atomic.Uint64 // calls let through on what was known before, while nobody could be asked
	work      sync.WaitGroup
	veil      audit.Veil // over names that nobody has; in a gateway, which has no key of its own, one without digests

	opened func(tenant, client, permission string)        // is told what permissions are used; nil: nobody is
	guards func(*registry.Tenant) (bearer.Options, error) // how a tenant's tokens are checked
	health func(context.Context) server.Health

	// What new settings change beyond the surface: prepare before it is compiled, apply before it is shown. settle is told what is in
	// force in the end, the new settings or, after a fault, the old ones.
	prepare func(context.Context, *settings) error
	apply   func(context.Context, *settings) error
	settle  func(context.Context, *settings)
}

// newFront begins a process: its log and its certificates.
func newFront(s *settings) (f *front, err error) {
	f = &front{settings: s, now: s.now(), clocks: watchClock(), metrics: server.NewMetrics(), reopen: func() {}}
	f.calls = limit.NewLimiter(f.now, maxRated)
	if f.log, err = newLog(os.Stderr, s.Log); err != nil {
		return nil, s.fault("log", err.Error())
	}
	f.door = &edge.Door{NewID: func() string { return secret.NewID(f.now()) }, Proxies: s.TrustedProxies, Socket: true, Log: f.log}
	if s.TLS != nil {
		if f.certs, err = server.OpenCertificates(s.path(s.TLS.Certificate), s.path(s.TLS.Key)); err != nil {
			return nil, s.fault("tls", err.Error())
		}
	}
	if s.OperatorsTLS != nil {
		if f.operatorCerts, err = server.OpenCertificates(s.path(s.OperatorsTLS.Certificate), s.path(s.OperatorsTLS.Key)); err != nil {
			return nil, s.fault("operators_tls", err.Error())
		}
	}
	return f, nil
}

// count publishes what front counts by itself.
func (f *front) count() {
	f.countReloads()
	f.metrics.Count("tokenbooth_refusals_not_recorded_total", "Refusals that were not kept: too many at once, or the store was away.", f.refusals.Dropped)
	f.metrics.Count("tokenbooth_source_unread_total", "Requests whose trusted proxy sent X-Forwarded-For in a form that cannot be read.", f.door.Unread)
	f.metrics.Count("tokenbooth_gateway_stale_total", "Calls let through on what was known before, while nobody could be asked.", f.stale.Load)
	f.metrics.Figure("tokenbooth_clock_ahead_seconds", "How far the wall clock has jumped ahead within a day. Nothing is removed by it meanwhile.",
		func() float64 { return f.clocks.Ahead().Seconds() })
	f.metrics.Figure("tokenbooth_clock_behind_seconds", "How far the wall clock is behind the latest time that an earlier process has seen.",
		func() float64 { return f.clocks.Behind().Seconds() })
}

// show makes a surface the one that answers.
func (f *front) show(s *surface) {
	f.gates.put(s)
	f.current.Store(s)
	f.checks.Store(s.checks)
	f.handler.SetManners(s.manners)
	f.handler.SetTenants(s.tenants)
}

// listeners are the open sockets.
type listeners struct{ public, operators, sandbox, check net.Listener }

// listen opens the sockets before anything else, so that a taken port is said at once.
func listen(s *settings) (*listeners, error) {
	l, field, err := openSockets(s)
	if err == nil {
		return l, nil
	}
	text := fmt.Sprintf("cannot listen: %v", err)
	if field == "listen" || field == "operators" { // which are flags as well
		text += "; choose another address, here or with --" + field
	}
	return nil, s.fault(field, text)
}

// openSockets opens all sockets, or none; then it says at which of the settings it stopped.
func openSockets(s *settings) (l *listeners, field string, err error) {
	l = &listeners{}
	open := func(name, addr string, at *net.Listener) {
		if err != nil || addr == "" {
			return
		}
		field = name
		var a listenAddress
		if a, err = parseAddress(addr); err == nil {
			*at, err = a.listen()
		}
	}
	open("listen", s.Listen, &l.public)
	open("operators", s.Operators, &l.operators)
	open("sandbox", s.Sandbox, &l.sandbox)
	open("check.listen", s.checkAddress(), &l.check)
	if err != nil {
		_ = l.close() // of what nobody has used
		return nil, field, err
	}
	return l, "", nil
}

func (l *listeners) close() error {
	var errs []error
	for _, s := range []net.Listener{l.public, l.operators, l.sandbox, l.check} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// run answers until ctx is done, then finishes what it has begun. background is work that goes on meanwhile; again loads the settings
// anew; more are servers beside the public and the operators' one.
func (f *front) run(ctx context.Context, l *listeners, again func() (*settings, error), more []answering, background ...func(context.Context)) error {
	if behind := f.clocks.Behind(); behind > 0 {
		f.log.Error(lagging(behind))
	}
	f.log.Info("serving", "version", version(), "listen", shown(l.public), "operators", shown(l.operators), "tenants", len(f.settings.Tenants))
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for _, work := range append(background, f.sweep, func(ctx context.Context) { f.watch(ctx, again) }) {
		f.work.Go(func() { work(inner) })
	}
	var stopping atomic.Bool
	operators := f.metrics.Operators(func(r *http.Request) server.Health {
		if stopping.Load() {
			return server.Health{Reason: "stopping"}
		}
		return f.state(r.Context())
	}, server.Scrape{Door: f.door, Scrapers: func() server.Scrapers { return f.current.Load().scrapers }}, f.beside)
	more = append(more, answering{server.Listener(f.handler, f.certs, f.log), l.public}, answering{server.Listener(operators, f.operatorCerts, f.log), l.operators})
	failed := make(chan error, len(more))
	for _, a := range more {
		go a.answer(failed)
	}

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		stopping.Store(true)
		f.handler.Leave()
		f.log.Info("stopping; requests under way are finished")
		time.Sleep(leaveTime)
	}
	end, done := context.WithTimeout(context.Background(), finishWithin)
	defer done()
	for _, a := range more {
		if a.server.Shutdown(end) != nil {
			f.log.Warn("requests under way were not finished in time and are cut off", "listen", shown(a.socket))
			err = errors.Join(err, a.server.Close())
		}
	}
	cancel()
	f.work.Wait()
	return err
}

// answering is a server and its socket.
type answering struct {
	server *http.Server
	socket net.Listener
}

func (a answering) answer(failed chan<- error) {
	var err error
	if a.server.TLSConfig != nil {
		err = a.server.ServeTLS(a.socket, "", "")
	} else {
		err = a.server.Serve(a.socket)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		failed <- err
	}
}

// sweep removes expired rows in small steps, without ever holding up a writer for long. A row that only a clock that has jumped says to
// be over stays.
func (f *front) sweep(ctx context.Context) {
	ahead := false
	for tick := time.NewTicker(sweepEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if by := f.clocks.Ahead(); by > 0 != ahead {
			if ahead = by > 0; ahead {
				f.log.Warn(jumped(by))
			} else {
				f.log.Info("the wall clock is where the monotonic one expects it")
			}
		}
		for {
			n, err := f.kept.store.Sweep(ctx, f.clocks.Safe(), sweepStep)
			if err != nil && ctx.Err() == nil {
				f.log.Error("expired rows could not be removed", "error", err)
			}
			if n < sweepStep || err != nil {
				break
			}
		}
	}
}

// jumped says that the wall clock has, and what to do.
func jumped(ahead time.Duration) string {
	return fmt.Sprintf("the wall clock has jumped %v ahead: nothing is removed by it before it has stood there for a day; if it is wrong, set it right",
		ahead.Round(time.Second))
}

// lagging says that the wall clock is behind what an earlier process has seen, and what to do.
func lagging(behind time.Duration) string {
	return fmt.Sprintf("the wall clock is %v behind the time that was seen before this start: tokens that had expired are good again; set it right",
		behind.Round(time.Second))
}

// judgeClock adds to a health answer what is wrong with the clock. What was revoked is remembered for feed.Slack beyond its use: a clock
// that is further behind than that may bring revoked tokens back, and such a process is not ready.
func (f *front) judgeClock(h *server.Health) {
	if ahead := f.clocks.Ahead(); ahead > 0 {
		h.Warning = jumped(ahead)
	}
	if behind := f.clocks.Behind(); behind > 0 {
		h.Warning = lagging(behind)
		if behind > feed.Slack && h.Reason == "" {
			h.Reason = h.Warning
		}
	}
}
