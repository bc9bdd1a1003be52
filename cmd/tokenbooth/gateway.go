package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/server"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func gatewayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Guard APIs beside them, apart from the token desk",
		Long: `Gateway stands in front of the APIs of its tenants, as serve does, in a process of its own: it follows what the issuer
publishes (keys, and what has been taken back) and checks tokens by itself. While the issuer is away it goes on with
what it knows. The settings have the same form; each tenant says with follow whose tokens count:

  tenants:
    - name: acme
      hosts: [api.acme.example]
      issuer: https://login.acme.example
      follow: {client_id: …, client_secret_file: acme.secret}
      apis: …

The client is one that stands for these APIs: tokenbooth client create --resource-server API.`,
		Example: "  tokenbooth gateway -c /etc/tokenbooth/gateway.yaml",
		Args:    cobra.NoArgs,
		RunE:    serving(openGuard, checkGuard),
	}
	return addServing(cmd)
}

// guard is everything that runs in a gateway.
type guard struct {
	*front
	mu       sync.Mutex // guards what follows, which changes when settings do
	followed followers  // of the settings in force
	next     followers  // of settings that are about to be
	wanted   *settings  // whose next is
}

// followers are the issuers that are followed, by tenant.
type followers map[string]follower

type follower struct {
	following
	issuer *bearer.Issuer
}

// following is whom a tenant follows, and how.
type following struct {
	issuer string
	registry.Follow
	secret oauth.Secret
	plain  bool // in clear, if need be
}

// openGuard builds store, followers, gateways and server, once, in that order. The store has what was refused, and nothing else.
func openGuard(ctx context.Context, s *settings) (g *guard, err error) {
	g = &guard{}
	if g.front, err = newFront(s); err != nil {
		return nil, err
	}
	if g.kept, err = openStore(s, g.now, g.clocks, opening{create: true}); err != nil {
		return nil, err
	}
	g.refusals = audit.NewLog(g.kept.store, g.log)
	g.handler = server.New(server.Options{Next: &g.gates, Door: g.door, Misdirected: g.misdirected, Metrics: g.metrics, Log: g.log})
	g.guards, g.prepare, g.settle, g.health = g.followedTokens, g.follow, g.leave, g.feeds
	g.apply = func(context.Context, *settings) error { return nil } // the surface is all there is
	g.count()
	g.gauge("tokenbooth_feed_staleness_seconds", "Since the issuer was last heard to have taken back nothing else.",
		func(s bearer.State) float64 { return s.Staleness.Seconds() })
	g.gauge("tokenbooth_feed_denied", "1: the issuer does not accept the client of follow, so what it revokes is not told here.",
		func(s bearer.State) float64 { return oneIf(s.Denied) })
	g.gauge("tokenbooth_feed_ready", "1: the tenant's JWTs are decided about; 0: they are answered with 503.",
		func(s bearer.State) float64 { return oneIf(s.Ready) })
	g.gauge("tokenbooth_keys_age_seconds", "Since the issuer's key set was read.", func(s bearer.State) float64 { return s.KeysAge.Seconds() })
	g.gauge("tokenbooth_revocations", "What was taken back and would otherwise still be good.", func(s bearer.State) float64 { return float64(s.Revocations) })
	err = g.follow(ctx, s)
	if err == nil {
		var surface *surface
		if surface, err = g.compile(s); err == nil {
			g.show(surface)
		}
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	g.leave(ctx, s)
	return g, nil
}

// serve answers until ctx is done. again loads the settings anew.
func (g *guard) serve(ctx context.Context, l *listeners, again func() (*settings, error)) error {
	more, err := g.checking(l)
	if err == nil {
		err = g.run(ctx, l, again, more)
	}
	return errors.Join(err, g.close())
}

// close ends what openGuard began.
func (g *guard) close() error {
	g.followed.closeBut(nil)
	g.next.closeBut(g.followed)
	g.refusals.Close()
	return g.kept.close()
}

// follow begins to follow the issuers that settings name. Who is followed already, and how, stays; in another way, a successor goes on from
// what is known. An issuer that is away now is no fault of the settings: it is asked until it is back.
func (g *guard) follow(ctx context.Context, s *settings) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next, g.wanted = followers{}, s
	for i := range s.Tenants {
		t := &s.Tenants[i]
		who, err := whom(s, i)
		if err != nil {
			return err
		}
		before, known := g.followed[t.Name]
		if known && before.following == who {
			g.next[t.Name] = before
			continue
		}
		begin := bearer.Follow
		if known && before.following.issuer == who.issuer {
			begin = before.issuer.Succeed
		}
		remote, err := who.remote(g.front, t.Name)
		if err != nil {
			return err
		}
		issuer, err := begin(context.WithoutCancel(ctx), remote)
		if err != nil {
			return s.fault(fmt.Sprintf("tenants[%d].issuer", i), err.Error())
		}
		g.next[t.Name] = follower{who, issuer}
	}
	return nil
}

// leave ends following whom the settings in force do not name: those that were wanted, or, after a fault in these, those of before.
func (g *guard) leave(_ context.Context, inForce *settings) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wanted == inForce {
		g.followed, g.next = g.next, g.followed
	}
	gone, stay := g.next, g.followed
	time.AfterFunc(handOver, func() { gone.closeBut(stay) })
	g.next, g.wanted = nil, nil
}

// handOver is how long a follower stays after its successor has taken over: calls that were let in before still ask it.
const handOver = 15 * time.Second

// closeBut ends the followers that others do not have.
func (f followers) closeBut(others followers) {
	for tenant, one := range f {
		if others[tenant].issuer != one.issuer {
			one.issuer.Close()
		}
	}
}

// whom reads whom a tenant follows.
func whom(s *settings, i int) (who following, err error) {
	t, field := &s.Tenants[i], fmt.Sprintf("tenants[%d].follow", i)
	if t.Follow == nil {
		return who, s.fault(fmt.Sprintf("tenants[%d]", i), "a gateway follows an issuer elsewhere: say which client asks with follow; to issue tokens run tokenbooth serve")
	}
	text, err := readSecret(s.path(t.Follow.ClientSecretFile))
	if err != nil {
		return who, s.fault(field+".client_secret_file", err.Error())
	}
	who = following{t.Issuer, *t.Follow, text, s.InsecurePlainHTTP}
	if who.secret == "" {
		return who, s.fault(field+".client_secret_file", "the file is empty")
	}
	return who, nil
}

// remote says how a tenant's issuer is followed. A process that keeps nothing on the disk keeps no snapshot either.
func (w following) remote(f *front, tenant string) (bearer.Remote, error) {
	r := bearer.Remote{Issuer: w.issuer, ClientID: w.ClientID, ClientSecret: w.secret, MaxStaleness: w.StaleAfter, InsecurePlainHTTP: w.plain,
		Now: f.now, Elapsed: elapsed(), Log: f.log.With("tenant", tenant), Stale: func(time.Duration) { f.stale.Add(1) }}
	if w.WhenStale == "refuse" {
		r.WhenStale = bearer.RefuseStale
	}
	if w.NoSnapshot || f.settings.Store == "memory" {
		return r, nil
	}
	folder := filepath.Join(f.settings.Data, "snapshots")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return r, fmt.Errorf("make the folder of snapshots: %w", err)
	}
	r.Snapshot, r.SnapshotAge = filepath.Join(folder, tenant), w.SnapshotFor
	return r, nil
}

// followedTokens says how a tenant's access tokens are checked where they are not issued: by what its issuer publishes and answers.
func (g *guard) followedTokens(t *registry.Tenant) (bearer.Options, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one, known := g.next[t.Name]
	if !known {
		return bearer.Options{}, errors.New("nobody follows its issuer")
	}
	return one.issuer.Options(), nil
}

// feeds says how well the issuers are followed.
func (g *guard) feeds(ctx context.Context) server.Health {
	h := server.Health{Issuers: map[string]server.Followed{}}
	if err := g.storeReady(ctx); err != nil {
		h.Reason = err.Error()
	}
	for tenant, s := range g.states() {
		h.Issuers[tenant] = server.Followed{Ready: s.Ready, Staleness: s.Staleness.Seconds(), Revocations: s.Revocations,
			Denied: s.Denied, Problem: s.LastError}
		if !s.Ready && h.Reason == "" {
			h.Reason = "tenant " + tenant + ": " + unready(s)
		}
	}
	return h
}

// unready says why a tenant's JWTs are answered with 503, and what to do.
func unready(s bearer.State) string {
	why := orElse(s.LastError, "the issuer has not answered yet")
	if s.Denied {
		why += "; check follow.client_id and follow.client_secret_file, and that the client stands for these APIs at the issuer: " +
			"tokenbooth client create --resource-server API"
	}
	return why
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// states returns how well each tenant's issuer is followed.
func (g *guard) states() map[string]bearer.State {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]bearer.State{}
	for tenant, one := range g.followed {
		all[tenant] = one.issuer.State()
	}
	return all
}

// gauge publishes a figure of each followed issuer.
func (g *guard) gauge(name, help string, figure func(bearer.State) float64) {
	g.metrics.Gauge(name, help, func() map[string]float64 {
		all := map[string]float64{}
		for tenant, s := range g.states() {
			all[tenant] = figure(s)
		}
		return all
	})
}
