package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/expiry"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sandbox"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/server"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the token desk and the gateway",
		Long: `Serve answers on the public listener with the token endpoints and the protected APIs of all tenants, and on the
operators' listener with the console, their API, health and metrics. SIGHUP, or a change of the settings file or of a tenant's file, reads tenants, dialects and
certificates anew without dropping a request; settings with a fault are never applied.

The database must be there: tokenbooth init makes it, or --first-start does. A server that made one whenever there is none would go on without
every revocation when it is lost.`,
		Example: "  tokenbooth serve -c /etc/tokenbooth/tokenbooth.yaml",
		Args:    cobra.NoArgs,
		RunE:    serving(openBooth, checkBooth),
	}
	cmd.Flags().Bool("first-start", false, "make the database if there is none and never was one in the data folder")
	return addServing(cmd)
}

// serving makes the RunE of a command that serves: it takes the sockets, opens what answers on them, and lets it.
func serving[T interface {
	serve(context.Context, *listeners, func() (*settings, error)) error
}](open func(context.Context, *settings) (T, error), check func(*settings) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		s, err := settingsOf(cmd)
		if err != nil {
			return err
		}
		if f := cmd.Flags().Lookup("first-start"); f != nil {
			s.firstStart = f.Value.String() == "true"
		}
		if only, _ := cmd.Flags().GetBool("check"); only { // it has one
			return checkOnly(cmd, s, check)
		}
		lis, err := listen(s)
		if err != nil {
			return err
		}
		who, err := open(cmd.Context(), s)
		if err != nil {
			return errors.Join(err, lis.close())
		}
		defer endWithin(cmd.Context(), stopWithin)()
		return who.serve(cmd.Context(), lis, func() (*settings, error) { return loadSettings(s.file, overrides(cmd)) })
	}
}

// endWithin ends the process so long after ctx, when nobody has done so by then: a disk that does not answer keeps nobody. What was
// acknowledged is on it.
func endWithin(ctx context.Context, limit time.Duration) (ended func()) {
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-over:
		case <-time.After(limit):
			fmt.Fprintf(os.Stderr, "tokenbooth: the stop did not end within %s: something does not answer, the disk perhaps; what was acknowledged is kept\n", limit)
			os.Exit(1)
		}
	})
	return func() { stop(); close(over) }
}

// addServing gives a command that serves the flags that go before its settings.
func addServing(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("listen", "", "`ADDRESS` of the public listener (default from the settings)")
	cmd.Flags().String("operators", "", "`ADDRESS` of the operators' listener (default from the settings)")
	cmd.Flags().String("data", "", "`FOLDER` of the database and what is kept beside it (default from the settings)")
	cmd.Flags().Bool("check", false, "read all that a start reads, say what is wrong, and start nothing")
	return cmd
}

// booth is everything that runs in a token desk.
type booth struct {
	*front
	backOffice
	desk     *desk
	presence *presence // for commands on the same folder; nil: there can be none
	journal  *audit.Journal
	issuer   *issuer.Issuer
	notifier *expiry.Notifier // nil: nobody is to be told of what expires
	backups  *schedule        // nil: none are made
}

// openBooth builds store, registry, issuer, gateways and server, once, in that order.
func openBooth(ctx context.Context, s *settings) (b *booth, err error) {
	if err := issuedHere(s); err != nil {
		return nil, err
	}
	tune()
	b = &booth{}
	if b.front, err = newFront(s); err != nil {
		return nil, err
	}
	if b.presence, err = appear(s); err != nil {
		return nil, err
	}
	if b.desk, err = openDesk(ctx, s, opening{create: s.firstStart || s.Store == "memory", serve: true}); err != nil {
		return nil, errors.Join(err, b.presence.leave())
	}
	b.kept, b.clocks, b.veil = b.desk.kept, b.desk.clocks, audit.NewVeil(b.desk.sealer)
	if b.journal, err = audit.OpenJournal(s.journal(), b.now, b.log); err != nil {
		return nil, errors.Join(err, b.desk.close(), b.presence.leave())
	}
	b.journal.HoldWhile(b.kept.tight)
	b.reopen = b.journal.Reopen
	b.refusals = audit.NewLog(b.desk.store, b.log)
	b.issuer = issuer.New(issuer.Options{Store: b.desk.store, Registry: b.desk.registry, Keys: b.desk.keys, Sealer: b.desk.sealer, Feed: b.desk.feed,
		Hashing: b.desk.hashing, Refusals: b.refusals, Journal: b.journal, Now: b.now, ReplayWindow: s.replayWindow()})
	b.handler = server.New(server.Options{Issuer: b.issuer, Keys: b.desk.keys.JWKS, Feed: b.desk.feed, Sign: b.desk.keys.SignAs, Next: &b.gates,
		Door: b.door, Misdirected: b.misdirected, Metrics: b.metrics, Log: b.log})
	if b.backOffice, err = openOffice(b.desk, b.issuer, b.refusals); err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.office.Settings = func() []office.Setting { return b.current.Load().inForce() } // new settings are in force without a new start
	if b.notifier, err = b.newNotifier(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.backups = b.newSchedule(s)
	b.beside = lazily(b.forOperators)
	b.opened = b.desk.registry.UsedPermission
	b.guards, b.prepare, b.apply, b.settle, b.health = b.ownTokens, b.widen, b.reconfigure, b.narrow, b.storeHealth
	b.count()
	b.countStore()
	b.metrics.Gauge("tokenbooth_revocations", "What was taken back and would otherwise still be good.", func() map[string]float64 {
		live := map[string]float64{}
		for _, t := range b.desk.registry.Tenants() {
			live[t.Name] = float64(b.desk.feed.Set(t.Name).Len())
		}
		return live
	})
	b.ends()
	b.metrics.Count("tokenbooth_journal_lost_total", "Issuances that did not reach the journal.", b.journal.Lost)
	surface, err := b.compile(s)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	if err := b.takeBackDisabled(ctx, s, nil); err != nil { // what needs no write goes on all the same
		b.log.Error("guards elsewhere could not be told of disabled tenants", "error", err)
	}
	b.show(surface)
	return b, nil
}

// issuedHere refuses settings with a tenant whose tokens are issued elsewhere.
func issuedHere(s *settings) error {
	for i := range s.Tenants {
		if s.Tenants[i].Follow != nil {
			return s.fault(fmt.Sprintf("tenants[%d].follow", i), "the tokens of this tenant are issued elsewhere; to guard its APIs here run tokenbooth gateway")
		}
	}
	return nil
}

// serve answers until ctx is done. again loads the settings anew.
func (b *booth) serve(ctx context.Context, l *listeners, again func() (*settings, error)) error {
	more, err := b.checking(l)
	if l.sandbox != nil {
		more = append(more, answering{server.Listener(sandbox.New(sandbox.Options{Now: b.now, NewID: secret.UUID}), nil, b.log), l.sandbox})
	}
	if err == nil {
		err = b.run(ctx, l, again, more, b.follow, b.desk.directory.Survey, b.surveyUsers,
			b.desk.registry.WriteUses, b.watchStore, b.rotate, b.tally, b.warn, b.prune, b.backups.run)
	}
	return errors.Join(err, b.close())
}

// close ends what openBooth began, the store last.
func (b *booth) close() error {
	b.refusals.Close()
	return errors.Join(b.journal.Close(), b.desk.close(), b.presence.leave())
}

// storeHealth says whether the store lets the desk do its work.
func (b *booth) storeHealth(ctx context.Context) server.Health {
	if err := b.storeReady(ctx); err != nil {
		return server.Health{Reason: err.Error()}
	}
	return server.Health{}
}

// widen reads what new tenants have taken back, before anything can ask for it.
func (b *booth) widen(ctx context.Context, s *settings) error {
	if err := issuedHere(s); err != nil {
		return err
	}
	return b.desk.feed.SetTenants(ctx, append(b.settings.tenantNames(), s.tenantNames()...))
}

// reconfigure applies new settings to those who decide.
func (b *booth) reconfigure(ctx context.Context, s *settings) error {
	if err := b.desk.keys.Configure(ctx, keyTenants(s)); err != nil {
		return err
	}
	if err := b.desk.registry.SetTenants(s.Tenants); err != nil {
		return err
	}
	return b.takeBackDisabled(ctx, s, b.settings) // last: from here on no more tokens are issued
}

// takeBackDisabled tells guards elsewhere that a tenant's tokens are worth nothing: they know nothing of our settings.
func (b *booth) takeBackDisabled(ctx context.Context, s, before *settings) error {
	for _, t := range s.Tenants {
		was := before != nil && slices.ContainsFunc(before.Tenants, func(o registry.Tenant) bool { return o.Name == t.Name && o.Disabled })
		if !t.Disabled || was {
			continue
		}
		if err := b.issuer.RevokeTenant(ctx, "settings", t.Name); err != nil {
			return err
		}
	}
	return nil
}

// narrow forgets what tenants that are gone have taken back.
func (b *booth) narrow(ctx context.Context, s *settings) {
	if err := b.desk.feed.SetTenants(ctx, s.tenantNames()); err != nil {
		b.log.Error("what tenants have taken back could not be read", "error", err)
	}
}

// surveyUsers learns in which tenants there are imported passwords. Where it cannot, those who sign in show it.
func (b *booth) surveyUsers(ctx context.Context) {
	if err := b.desk.registry.SurveyUsers(ctx); err != nil && ctx.Err() == nil {
		b.log.Warn("the users could not be looked through for imported passwords", "error", err)
	}
}

// follow hears of what other processes change on the same store.
func (b *booth) follow(ctx context.Context) {
	change.Follow(ctx, b.desk.store, b.now, change.Ear{Heard: b.heard, Missed: b.missed, Since: b.desk.opened, Asked: b.presence.asked})
}

func (b *booth) heard(ctx context.Context, kind store.Kind, tenant, id string) error {
	b.desk.registry.Heard(kind, tenant, id)
	if kind == store.Key {
		return b.reloadKeys(ctx, tenant)
	}
	return b.desk.feed.Heard(ctx, kind, tenant, id)
}

func (b *booth) missed(ctx context.Context) error {
	b.desk.registry.Missed()
	for _, t := range b.desk.keys.Tenants() {
		if err := b.reloadKeys(ctx, t); err != nil {
			return err
		}
	}
	return b.desk.feed.Missed(ctx)
}

func (b *booth) reloadKeys(ctx context.Context, tenant string) error {
	err := b.desk.keys.Reload(ctx, tenant)
	if errors.Is(err, keyring.ErrTenant) {
		return nil // of a tenant that these settings do not have
	}
	if err != nil {
		b.log.Error("keys changed but could not be read", "tenant", tenant, "error", err)
	}
	return err
}

// rotateEvery is how often it is asked whether a key has signed for long enough, and what is over dropped from the feed.
const rotateEvery = time.Minute

// rotate turns the keys of tenants whose settings say how often.
func (b *booth) rotate(ctx context.Context) {
	for tick := time.NewTicker(rotateEvery); ; {
		for _, t := range b.desk.registry.Tenants() {
			if t.RotateKeysEvery == 0 {
				continue
			}
			rotated, err := b.desk.keys.RotateIfDue(ctx, t.Name, t.RotateKeysEvery)
			switch {
			case err != nil && ctx.Err() == nil:
				b.log.Error("the signing key could not be rotated", "tenant", t.Name, "error", err)
			case rotated:
				b.log.Info("the signing key was rotated", "tenant", t.Name)
			}
		}
		b.desk.feed.Sweep()
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
