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

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/sandbox"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/server"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How long a stop may take, and how the store is kept small.
const (
	leaveTime  = time.Second // between "not ready" and closed sockets, for whoever watches readiness to look elsewhere
	stopWithin = 20 * time.Second
	sweepEvery = time.Second
	sweepStep  = 500 // rows
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the token desk and the gateway",
		Long: `Serve answers on the public listener with the token endpoints and the protected APIs of all tenants, and on the
operators' listener with health and metrics. SIGHUP, or a change of the settings file, reads tenants, dialects and
certificates anew without dropping a request; settings with a fault are never applied.`,
		Example: "  tokenbooth serve -c /etc/tokenbooth/tokenbooth.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			lis, err := listen(s)
			if err != nil {
				return err
			}
			b, err := openBooth(cmd.Context(), s)
			if err != nil {
				return errors.Join(err, lis.close())
			}
			return b.serve(cmd.Context(), lis, func() (*settings, error) { return loadSettings(s.file, overrides(cmd)) })
		},
	}
	cmd.Flags().String("listen", "", "`ADDRESS` of the public listener (default from the settings)")
	cmd.Flags().String("operators", "", "`ADDRESS` of the operators' listener (default from the settings)")
	cmd.Flags().String("data", "", "`FOLDER` of the database, journal and key-encryption key (default from the settings)")
	return cmd
}

// booth is everything that runs.
type booth struct {
	settings *settings
	log      *slog.Logger
	desk     *desk
	refusals *audit.Log
	journal  *audit.Journal
	issuer   *issuer.Issuer
	metrics  *server.Metrics
	handler  *server.Handler
	gates    gates
	certs    *server.Certificates
	stale    atomic.Uint64 // calls let through on what was known before, while the store could not be asked
	work     sync.WaitGroup
}

// openBooth builds store, registry, issuer, gateways and server, once, in that order.
func openBooth(ctx context.Context, s *settings) (b *booth, err error) {
	b = &booth{settings: s, metrics: server.NewMetrics()}
	if b.log, err = newLog(os.Stderr, s.Log); err != nil {
		return nil, s.fault("log", err.Error())
	}
	if s.TLS != nil {
		if b.certs, err = server.OpenCertificates(s.path(s.TLS.Certificate), s.path(s.TLS.Key)); err != nil {
			return nil, s.fault("tls", err.Error())
		}
	}
	if b.desk, err = openDesk(ctx, s); err != nil {
		return nil, err
	}
	if b.journal, err = audit.OpenJournal(s.journal(), b.desk.now, b.log); err != nil {
		return nil, errors.Join(err, b.desk.close())
	}
	b.refusals = audit.NewLog(b.desk.store, b.log)
	b.issuer = issuer.New(issuer.Options{Store: b.desk.store, Registry: b.desk.registry, Keys: b.desk.keys, Sealer: b.desk.sealer,
		Hashing: limit.NewLane(s.lane()), Refusals: b.refusals, Journal: b.journal, Now: b.desk.now, ReplayWindow: s.replayWindow()})
	b.handler = server.New(server.Options{Issuer: b.issuer, Keys: b.desk.keys.JWKS, Next: &b.gates, TrustedProxies: s.TrustedProxies,
		NewID: func() string { return secret.NewID(b.desk.now()) }, Metrics: b.metrics, Log: b.log})
	b.count()
	surface, err := b.compile(s)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.show(surface)
	return b, nil
}

func (b *booth) count() {
	b.metrics.Count("tokenbooth_refusals_not_recorded_total", "Refusals that were not kept: too many at once, or the store was away.", b.refusals.Dropped)
	b.metrics.Count("tokenbooth_journal_lost_total", "Issuances that did not reach the journal.", b.journal.Lost)
	b.metrics.Count("tokenbooth_gateway_stale_total", "Calls let through on what was known before, while the store could not be asked.", b.stale.Load)
}

// show makes a surface the one that answers.
func (b *booth) show(s *surface) {
	b.gates.put(s.gateways)
	b.handler.SetTenants(s.tenants)
}

// listeners are the open sockets.
type listeners struct{ public, operators, sandbox net.Listener }

// listen opens the sockets before anything else, so that a taken port is said at once.
func listen(s *settings) (l *listeners, err error) {
	l = &listeners{}
	open := func(field, addr string, at *net.Listener) {
		if err != nil || addr == "" {
			return
		}
		if *at, err = net.Listen("tcp", addr); err != nil {
			err = s.fault(field, fmt.Sprintf("cannot listen: %v", err))
		}
	}
	open("listen", s.Listen, &l.public)
	open("operators", s.Operators, &l.operators)
	open("sandbox", s.Sandbox, &l.sandbox)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *listeners) close() error {
	var errs []error
	for _, s := range []net.Listener{l.public, l.operators, l.sandbox} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// serve answers until ctx is done, then finishes what it has begun. again loads the settings anew.
func (b *booth) serve(ctx context.Context, l *listeners, again func() (*settings, error)) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	b.work.Go(func() { b.desk.registry.Follow(inner, b.heard) })
	b.work.Go(func() { b.desk.registry.WriteUses(inner) })
	b.work.Go(func() { b.sweep(inner) })
	b.work.Go(func() { b.watch(inner, again) })

	var stopping atomic.Bool
	failed := make(chan error, 3)
	public := server.Listener(b.handler, b.certs, b.log)
	operators := server.Listener(b.metrics.Operators(func(r *http.Request) error {
		if stopping.Load() {
			return errors.New("stopping")
		}
		return b.ready(r.Context())
	}), nil, b.log)
	servers := []*http.Server{public, operators}
	b.answer(public, l.public, failed)
	b.answer(operators, l.operators, failed)
	if l.sandbox != nil {
		toy := server.Listener(sandbox.New(sandbox.Options{Now: b.desk.now, NewID: secret.UUID}), nil, b.log)
		servers = append(servers, toy)
		b.answer(toy, l.sandbox, failed)
	}
	b.log.Info("serving", "version", version(), "listen", l.public.Addr().String(), "operators", l.operators.Addr().String(), "tenants", len(b.settings.Tenants))

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		stopping.Store(true)
		b.handler.Leave()
		b.log.Info("stopping; requests under way are finished")
		time.Sleep(leaveTime)
	}
	end, done := context.WithTimeout(context.Background(), stopWithin)
	defer done()
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(end))
	}
	cancel()
	b.work.Wait()
	return errors.Join(err, b.close())
}

// answer runs one server on its socket.
func (b *booth) answer(s *http.Server, l net.Listener, failed chan<- error) {
	go func() {
		var err error
		if s.TLSConfig != nil {
			err = s.ServeTLS(l, "", "")
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
}

// close ends what openBooth began, the store last.
func (b *booth) close() error {
	b.refusals.Close()
	return errors.Join(b.journal.Close(), b.desk.close())
}

// heard reacts to a change that another process has made.
func (b *booth) heard(kind store.Kind, tenant, _ string) {
	if kind != store.Key {
		return
	}
	if err := b.desk.keys.Reload(context.Background(), tenant); err != nil {
		b.log.Error("keys changed but could not be read", "tenant", tenant, "error", err)
	}
}

// ready reports whether the store answers, and whether a failed write or damage has ended writing until a restart. A full disk has not:
// JWTs go on, and writing does by itself when there is room.
func (b *booth) ready(ctx context.Context) error {
	if err := b.desk.broken(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := b.desk.store.List(ctx, store.Query{Kind: store.Change, Limit: 1})
	return err
}

// sweep removes expired rows in small steps, without ever holding up a writer for long.
func (b *booth) sweep(ctx context.Context) {
	for tick := time.NewTicker(sweepEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		for {
			n, err := b.desk.store.Sweep(ctx, b.desk.now(), sweepStep)
			if err != nil && ctx.Err() == nil {
				b.log.Error("expired rows could not be removed", "error", err)
			}
			if n < sweepStep || err != nil {
				break
			}
		}
	}
}
