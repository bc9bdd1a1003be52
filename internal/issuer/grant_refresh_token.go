package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// grantRefreshToken gives the same again for a refresh token, which is spent by it (RFC 6749, section 6; RFC 9700, section 4.14.2).
// Whoever lost the answer may ask again for a while and gets the same pair; whoever comes with an older token ends the chain.
func (i *Issuer) grantRefreshToken(ctx context.Context, who *caller, req *oauth.TokenRequest) (*award, error) {
	f, seq, err := i.presented(ctx, who, req)
	if err != nil {
		return nil, err
	}
	now := i.Now()
	retried := seq+1 == f.Seq && now.Sub(f.Rotated) <= i.ReplayWindow && len(f.Answer) > 0
	switch {
	case seq != f.Seq && !retried:
		return nil, i.reused(ctx, f, seq)
	case !now.Before(f.Expires):
		return nil, badRefresh(oauth.ExpiredRefresh, "family %s expired at %s", f.id, f.Expires.UTC().Format(time.RFC3339))
	}
	u, err := i.stillThere(ctx, who, f)
	if err != nil {
		return nil, err
	}
	if retried {
		return i.again(f, req)
	}
	a := &award{subject: f.User, username: f.Username, name: f.Name}
	i.terms(a, who, req.Terms)
	a.heldSince(u.NotBefore)
	a.heldSince(f.Ended)
	// What the family was granted at first, less what user and client have lost since: refreshing never widens.
	still := intersect(f.Permissions, strings.Fields(heldBy(u, who.client)))
	if err := a.narrow(who.tenant, req.Terms, req.Scope, strings.Join(still, " ")); err != nil {
		return nil, err
	}
	f.Seq++
	f.Answer = nil
	f.renew(now, req.Terms.RefreshIdle)
	a.family = f
	return a, nil
}

// presented finds the living family of a genuine refresh token that this caller may use.
func (i *Issuer) presented(ctx context.Context, who *caller, req *oauth.TokenRequest) (*family, uint32, error) {
	text := req.RefreshToken.Reveal()
	id, seq, ok := secret.ParseRefresh(text)
	if !ok {
		return nil, 0, badRefresh(oauth.ForeignRefresh, "not a refresh token of ours")
	}
	f, err := i.readFamily(ctx, who.tenant.Name, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, 0, badRefresh(oauth.UnknownRefresh, "family %s is expired or unknown", id)
	case err != nil:
		return nil, 0, unavailable("look for the refresh token", err)
	case !secret.CheckRefresh(i.refreshKey, f.Nonce, f.id, seq, text) || seq > f.Seq:
		return nil, 0, badRefresh(oauth.ForgedRefresh, "family %s: the token is forged, or of a sign-in before the last", id)
	case f.Client != ownLabel(who.id, f.Username):
		return nil, 0, badRefresh(oauth.RefreshOfOther, "family %s belongs to %s, not to %s", id, f.Client, i.callerShown(who))
	case !f.Live:
		return nil, 0, badRefresh(oauth.EndedRefresh, "family %s was ended at %s", id, f.Ended.UTC().Format(time.RFC3339))
	}
	return f, seq, nil
}

// ownLabel returns a caller's id; a label that is the user's name in some spelling, as the default label is, in the canonical one.
func ownLabel(id, username string) string {
	label, ok := strings.CutPrefix(id, oauth.LabelClientID(""))
	if canonical, isName := registry.CanonicalName(label); ok && isName && canonical == username {
		return oauth.LabelClientID(username)
	}
	return id
}

// again returns the pair that was given for the same token a moment ago. Nothing new is made.
func (i *Issuer) again(f *family, req *oauth.TokenRequest) (*award, error) {
	given, err := f.open(req.RefreshToken)
	if err != nil {
		return nil, fmt.Errorf("family %s: open the last answer: %w", f.id, err)
	}
	if req.Scope != "" && !oauth.ScopeWithin(given.Scope, req.Scope.Reveal()) { // not what was asked a moment ago, and never more than is asked
		return nil, oauth.Refuse(oauth.ScopeOfReplay, "The refresh token was used for another scope.", "a moment ago it gave %q", given.Scope)
	}
	left := given.IssuedAt.Add(time.Duration(given.ExpiresIn) * time.Second).Sub(i.Now()).Round(time.Second)
	left = max(0, left)
	return &award{replay: &oauth.Token{AccessToken: given.AccessToken, RefreshToken: i.familyToken(f), Scope: given.Scope,
		ClientID: f.Client, Username: f.Username, IssuedAt: given.IssuedAt, ExpiresIn: left}}, nil
}

// reused ends a chain because one of its spent tokens came back: somebody has a copy. Only when that is durable is it answered.
func (i *Issuer) reused(ctx context.Context, f *family, seq uint32) error {
	if err := i.takeBack(ctx, f.end(i.Now()), f.record()); err != nil {
		return err // a conflict: somebody else was at the chain, and Token looks again
	}
	return badRefresh(oauth.ReusedRefresh, "family %s: token %d was spent already, the chain is at %d; the chain is ended", f.id, seq, f.Seq)
}

// stillThere makes sure that the user may still act, and has the password that began the chain.
func (i *Issuer) stillThere(ctx context.Context, who *caller, f *family) (*registry.User, error) {
	u, err := i.Registry.User(ctx, who.tenant.Name, f.User)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return nil, badRefresh(oauth.RefreshUserBarred, "user %s is gone", f.User)
	case err != nil:
		return nil, unavailable("look for the user", err)
	case u.Barred() != "":
		return nil, badRefresh(oauth.RefreshUserBarred, "user %s: %s", f.User, u.Barred())
	case !f.Started.After(i.Feed.NotBefore(who.tenant.Name)):
		return nil, badRefresh(oauth.RefreshBeforeTenant, "all tokens of tenant %s were taken back after the chain began", who.tenant.Name)
	case !f.Started.After(u.NotBefore):
		return nil, badRefresh(oauth.RefreshBeforeUser, "user %s changed the password or was disabled after the chain began", f.User)
	}
	if c := who.client; c != nil && !f.Started.After(c.NotBefore) {
		return nil, badRefresh(oauth.RefreshBeforeClient, "client %s was disabled, or its tokens were taken back, after the chain began", c.ID)
	}
	return u, nil
}

// callerShown names who asks, in a reason: a label only as far as one that nobody has checked may be shown.
func (i *Issuer) callerShown(who *caller) string {
	if label, ok := strings.CutPrefix(who.id, oauth.LabelClientID("")); ok {
		return oauth.LabelClientID(i.veil.Of(oauth.Unproven(label)))
	}
	return who.id
}

func badRefresh(kind oauth.Case, reason string, args ...any) error {
	return oauth.Refuse(kind, "The refresh token is invalid or expired.", reason, args...)
}
