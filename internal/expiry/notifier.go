package expiry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// maxKnown is how many notices are remembered as being on file already.
const maxKnown = 200_000

// maxFailures in a row end a look: a receiver that is away is not asked once for each of ten thousand secrets.
const maxFailures = 3

// GaveUp is the act of the event that says that a warning could not be delivered for a day.
const GaveUp = "expiry.give-up"

// Notifier sends a warning for each credential 30, 7 and 1 days before it ends, each once for all processes on the store: whoever has
// claimed a notice in the store sends it. Should that process die between sending and saying so, another sends it again, with the
// same id. What cannot be delivered is tried for a day, ever more seldom; then the log and an audit event say so.
//
// All fields are needed. Run may be called once.
type Notifier struct {
	Store    store.Store
	Webhook  Webhook
	Tenants  func() []string
	Expiring func(ctx context.Context, tenant string, within time.Duration) ([]directory.Expiry, error) // Directory.Expiring
	Now      func() time.Time
	Log      *slog.Logger

	way   reach
	send  *sender
	known map[string]struct{} // ids of notices that are on file
}

// Run sends warnings until ctx is done.
func (n *Notifier) Run(ctx context.Context) {
	if err := n.Webhook.Check(); err != nil {
		n.Log.Error("no warnings of expiry are sent", "error", err)
		return
	}
	for looked := (time.Time{}); ; {
		now := n.Now()
		if now.Sub(looked) >= round || now.Before(looked) { // a clock that went back must not keep us waiting
			n.look(ctx)
			looked = now
		}
		next := n.deliver(ctx)
		if again := looked.Add(round); next.IsZero() || again.Before(next) {
			next = again
		}
		timer := time.NewTimer(max(next.Sub(n.Now()), soonest))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// look puts a notice on file for all that is due.
func (n *Notifier) look(ctx context.Context) {
	for _, tenant := range n.Tenants() {
		entries, err := n.Expiring(ctx, tenant, farthest)
		if err != nil {
			n.failed(ctx, "what expires could not be read", tenant, err)
			continue
		}
		for _, e := range entries {
			if err := n.file(ctx, Of(tenant, e)); err != nil {
				n.failed(ctx, "a warning of expiry could not be kept", tenant, err)
				break // the store is away: an hour later there is another look
			}
		}
	}
}

// failed says that the store did not do its part, unless it is only we who stop.
func (n *Notifier) failed(ctx context.Context, what, tenant string, err error) {
	if ctx.Err() == nil {
		n.Log.Error(what, "tenant", tenant, "error", err)
	}
}

// file keeps the notice that an entry is due for, unless it was kept before.
func (n *Notifier) file(ctx context.Context, e Entry) error {
	notice, ok := due(e, n.Now())
	if !ok {
		return nil
	}
	if _, known := n.known[notice.id]; known {
		return nil
	}
	_, err := n.Store.Get(ctx, notice.tenant, store.Notice, notice.id)
	if errors.Is(err, store.ErrNotFound) {
		err = n.Store.Put(ctx, notice.record())
	}
	if err != nil && !errors.Is(err, store.ErrConflict) { // another process was there first
		return fmt.Errorf("keep notice %s: %w", notice.id, err)
	}
	if len(n.known) >= maxKnown {
		n.known = nil
	}
	if n.known == nil {
		n.known = map[string]struct{}{}
	}
	n.known[notice.id] = struct{}{}
	return nil
}

// deliver tries what is waiting, and returns when to try again; zero: nothing is waiting.
func (n *Notifier) deliver(ctx context.Context) (next time.Time) {
	if n.send == nil {
		n.send = newSender(n.Webhook, n.way)
	}
	failures := 0
	for _, tenant := range n.Tenants() {
		q := store.Query{Tenant: tenant, Kind: store.Notice, Parent: waiting, Limit: store.MaxLimit}
		for more := true; more && ctx.Err() == nil; {
			records, err := n.Store.List(ctx, q)
			if err != nil {
				n.failed(ctx, "warnings of expiry could not be read", tenant, err)
				return n.Now().Add(firstTry)
			}
			for _, r := range records {
				at := n.one(ctx, r, &failures)
				if !at.IsZero() && (next.IsZero() || at.Before(next)) {
					next = at
				}
				q.After = r.ID
			}
			more = len(records) == q.Page()
		}
	}
	return next
}

// one tries a notice if its time has come, and returns when to look at it again; zero: never.
func (n *Notifier) one(ctx context.Context, r store.Record, failures *int) time.Time {
	notice, err := readNotice(r)
	if err != nil {
		n.failed(ctx, "a warning of expiry could not be read", r.Tenant, err)
		return time.Time{}
	}
	now := n.Now()
	switch {
	case now.Before(notice.Next):
		return notice.Next
	case *failures >= maxFailures || ctx.Err() != nil:
		return now.Add(firstTry)
	}
	// Claim it. Of several processes that read the same revision, one can write the next.
	notice.Next, notice.Attempts = now.Add(lease), notice.Attempts+1
	if err := n.Store.Put(ctx, notice.record()); err != nil {
		if !errors.Is(err, store.ErrConflict) {
			n.failed(ctx, "a warning of expiry could not be claimed", notice.tenant, err)
		}
		return now.Add(lease)
	}
	notice.rev++
	failure := n.send.post(ctx, now, notice.body(now))
	if failure != nil && ctx.Err() != nil {
		return time.Time{} // we stop; whoever comes next finds it when the claim has run out
	}
	if failure != nil {
		*failures++
	} else {
		*failures = 0
	}
	return n.settle(ctx, notice, failure)
}

// settle keeps how an attempt went, even while we are told to stop: what was sent must not be sent again.
func (n *Notifier) settle(ctx context.Context, notice *notice, failure error) time.Time {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	now := n.Now()
	next := time.Time{}
	var event []store.Record
	switch {
	case failure == nil:
		notice.State = sent
	case now.Sub(notice.Since) >= giveUp:
		notice.State = gaveUp
		event = append(event, n.gaveUp(notice, now, failure))
	default:
		next = now.Add(pause(notice.Attempts))
		notice.Next = next
		n.Log.Warn("a warning of expiry was not delivered", "tenant", notice.tenant, "client", notice.Client, "attempt", notice.Attempts,
			"again", next.Sub(now).String(), "error", failure)
	}
	if err := n.Store.Put(ctx, append(event, notice.record())...); err != nil {
		n.Log.Error("what became of a warning of expiry could not be kept", "tenant", notice.tenant, "client", notice.Client, "error", err)
		return now.Add(lease)
	}
	return next
}

// gaveUp says to the log and to the record of events that a warning reached nobody.
func (n *Notifier) gaveUp(notice *notice, now time.Time, failure error) store.Record {
	n.Log.Error("a warning of expiry could not be delivered for a day", "tenant", notice.tenant, "client", notice.Client, "expires", notice.At,
		"attempts", notice.Attempts, "error", failure)
	return audit.Record(audit.Event{ID: secret.NewID(now), Tenant: notice.tenant, Time: now, Act: GaveUp, Actor: "tokenbooth",
		Subject: "client:" + notice.Client, Outcome: audit.Refused, Reason: "the webhook could not be told: " + failure.Error(),
		Detail: map[string]string{"credential": notice.Credential, "expires": notice.At.Format(time.RFC3339), "notice": notice.id}})
}
