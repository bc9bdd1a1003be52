package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/expiry"
	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const day = 24 * time.Hour

// How far ahead a calendar looks, and how many entries it has at most: the soonest ones.
const (
	calendarFor  = 400 * day
	calendarMost = 1000
)

// calendar answers with what expires at the tenants of an operator. Calendar programs cannot sign in: the key in the path is the proof.
func (b *booth) calendar(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "A calendar can only be read.", http.StatusMethodNotAllowed)
		return
	}
	who, err := b.operators.ByCalendarKey(r.Context(), oauth.Secret(strings.TrimSuffix(r.PathValue("key"), ".ics")))
	if errors.Is(err, operator.ErrSignIn) || errors.Is(err, operator.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	var entries []expiry.Entry
	if err == nil {
		actor := operator.Actor{By: who.By(), Name: who.Name, Roles: who.Roles}
		for _, t := range b.office.Tenants(&actor) {
			found, failed := b.expiring(r.Context(), &actor, t.Name)
			err = cmp.Or(err, failed)
			entries = append(entries, found...)
		}
	}
	if err != nil {
		b.log.Error("a calendar could not be made", "error", err)
		http.Error(w, "The calendar is not there now; ask again.", http.StatusServiceUnavailable)
		return
	}
	slices.SortFunc(entries, func(a, b expiry.Entry) int { return a.At.Compare(b.At) })
	entries = entries[:min(len(entries), calendarMost)]
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("X-Content-Type-Options", "nosniff")
	if err := expiry.Calendar(w, "Credentials that expire", b.now(), entries); err != nil {
		b.log.Debug("a calendar was not taken", "error", err)
	}
}

// expiring lists what ends at a tenant of an operator.
func (b *booth) expiring(ctx context.Context, who *operator.Actor, tenant string) ([]expiry.Entry, error) {
	found, err := b.office.At(who, tenant).Expiring(ctx, calendarFor)
	entries := make([]expiry.Entry, 0, len(found))
	for _, f := range found {
		e := expiry.Of(tenant, f)
		e.URL = b.at + link.Path("t", tenant, "clients", f.ID)
		entries = append(entries, e)
	}
	return entries, err
}

// newNotifier makes who tells of what expires, as the settings say.
func (b *booth) newNotifier() (*expiry.Notifier, error) {
	if b.settings.ExpiryWarnings == nil {
		return nil, nil
	}
	hook, err := b.settings.webhook()
	if err != nil {
		return nil, err
	}
	return &expiry.Notifier{Store: b.desk.store, Webhook: hook, Tenants: b.tenantNames, Expiring: b.desk.directory.Expiring, Now: b.now, Log: b.log}, nil
}

// warn sends warnings of what expires, where the settings name somebody to be told.
func (b *booth) warn(ctx context.Context) {
	if b.notifier != nil {
		b.notifier.Run(ctx)
	}
}

// ends publishes how many credentials end when.
func (b *booth) ends() {
	g := expiry.Gauges{Tenants: b.tenantNames, Ends: b.desk.directory.Ends}
	for _, f := range g.All() {
		b.metrics.Gauge(f.Name, f.Help, f.Read)
	}
}

// tenantNames are those of the tenants in force.
func (b *booth) tenantNames() (names []string) {
	for _, t := range b.desk.registry.Tenants() {
		names = append(names, t.Name)
	}
	return names
}
