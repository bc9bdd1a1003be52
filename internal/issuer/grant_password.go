package issuer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// grantPassword gives a person what their registration holds, for their password (RFC 6749, section 4.3). It exists for legacy callers,
// against the advice of RFC 9700, section 2.4, and is fenced: off by default, guesses counted before they are checked, hashing bounded.
func (i *Issuer) grantPassword(ctx context.Context, who *caller, req *oauth.TokenRequest) (*award, error) {
	u, err := i.person(ctx, who.tenant, req)
	if err != nil {
		return nil, err
	}
	a := &award{subject: u.ID, username: u.Username, name: u.Name}
	i.terms(a, who, req.Terms)
	a.heldSince(u.NotBefore)
	if err := a.narrow(who.tenant, req.Terms, req.Scope, heldBy(u, who.client)); err != nil {
		return nil, err
	}
	if req.Terms.RefreshIdle > 0 && (who.client == nil || who.client.MayUse(oauth.RefreshToken)) {
		a.family, err = i.startFamily(ctx, who, a, req)
	}
	return a, err
}

// heldBy returns the permissions of a person, no more than those of the client they use.
func heldBy(u *registry.User, c *registry.Client) string {
	if c == nil {
		return strings.Join(u.Permissions, " ")
	}
	return strings.Join(intersect(u.Permissions, c.Permissions), " ")
}

// person returns the user whose password was presented. Unknown, wrong and disabled get one answer, in one time.
func (i *Issuer) person(ctx context.Context, t *registry.Tenant, req *oauth.TokenRequest) (*registry.User, error) {
	canonical, _ := registry.CanonicalName(req.Username.Reveal())
	exists, err := i.Registry.HasUser(ctx, t.Name, req.Username.Reveal())
	if err != nil {
		return nil, unavailable("look for the user", err)
	}
	account := limit.Key{Tenant: t.Name, Kind: "user", Name: canonical, Apart: !exists}
	attempt, err := i.logins.Begin(ctx, account, req.Place())
	if err != nil {
		return nil, refuseGuess(err, oauth.PasswordGuesses)
	}
	defer attempt.End(false)

	u, err := i.Registry.UserByName(ctx, t.Name, req.Username.Reveal())
	kept := secret.DecoyPassword
	switch {
	case err == nil:
		kept, req.KnownUser = u.Hash, u.Username
	case !errors.Is(err, registry.ErrNotFound):
		attempt.Void()
		return nil, unavailable("look for the user", err)
	}
	turn, right, renewed, err := i.checkPassword(ctx, attempt, kept, req.Password)
	if err != nil {
		attempt.Void()
		return nil, err
	}
	if (u == nil || !right || u.Barred() != "") && i.Registry.HasForeignPasswords(t.Name) {
		attempt.End(false) // before the wait: it holds up other guesses no longer
		i.foreignPasswords.holdBack(ctx, turn)
	}
	switch {
	case u == nil:
		return nil, wrongPassword(oauth.UnknownUser, "no user has this name")
	case !right:
		return nil, wrongPassword(oauth.WrongPassword, "the password of user %s is wrong", u.ID)
	case u.Barred() != "":
		return nil, wrongPassword(oauth.BarredUser, "user %s: %s", u.ID, u.Barred())
	}
	if err := i.secondFactor(ctx, u, attempt, req); err != nil {
		return u, err
	}
	if renewed != "" {
		// When the store is away the old hash stays for now; the user has proved themselves all the same.
		_ = i.Registry.UpgradePassword(ctx, u, renewed)
	}
	return u, nil
}

// checkPassword says whether a password is what was hashed, in the lane of users, and when that had its turn; and renewed is a better hash
// of it, where there is one: it is made while the turn lasts, for a password that was right. How long foreign hashes take is remembered.
func (i *Issuer) checkPassword(ctx context.Context, guess *limit.Attempt, kept secret.Hash, password oauth.Secret,
) (turn time.Time, right bool, renewed secret.Hash, err error) {
	err = hash(ctx, i.Hashing.Users, guess, func() {
		renew := false
		turn = time.Now()
		if right, renew = kept.MatchesPassword(password.Reveal()); renew {
			renewed = secret.HashPassword(password.Reveal())
		}
		if !kept.Ours() {
			i.foreignPasswords.saw(kept.Cost(), turn, time.Now())
		}
	})
	return turn, right, renewed, err
}

// secondFactor asks for a one-time code from those who have one. It ends the attempt.
func (i *Issuer) secondFactor(ctx context.Context, u *registry.User, attempt *limit.Attempt, req *oauth.TokenRequest) error {
	switch {
	case len(u.TOTP) == 0:
	case req.TOTP == "":
		attempt.Void() // neither a wrong guess nor a success that would wipe out wrong codes before it
		return oauth.Refuse(oauth.MissingTOTP, "A one-time code is needed.", "user %s has one-time codes, none was sent", u.ID)
	default:
		right, err := i.Registry.UseTOTP(ctx, u, req.TOTP)
		if err != nil {
			attempt.Void()
			return unavailable("check a one-time code", err)
		}
		if !right {
			return wrongPassword(oauth.WrongTOTP, "the one-time code of user %s is wrong or used", u.ID)
		}
	}
	attempt.End(true)
	if u.MustReset {
		return oauth.Refuse(oauth.PasswordReset, "The password must be changed first.", "user %s must change the password", u.ID)
	}
	return nil
}

func wrongPassword(kind oauth.Case, reason string, args ...any) error {
	return oauth.Refuse(kind, "The user name or password is incorrect.", reason, args...)
}
