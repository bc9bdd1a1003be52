package office

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/local"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// What an overview looks at.
const (
	day         = 24 * time.Hour
	overviewFor = 7 * day  // of hours
	warnBefore  = 30 * day // what expires
	busiest     = 10       // clients
	keyOld      = 365 * day
	keyOldAlone = 90 * day // of a key that nobody rotates but by hand
)

// Overview is a tenant at a glance.
type Overview struct {
	Hours    []audit.Hour       // of the last 7 days, the earliest first
	Busiest  []registry.Busy    // clients with most tokens today
	Expiring []directory.Expiry // within 30 days, soonest first
	Warnings []Warning

	// Reading is set while the clients are being read and the caller does not wait for it (directory.WithPatience): what is said of them,
	// Expiring and the warning of imported secrets, is missing then.
	Reading *directory.Reading
}

// Kinds of a Warning.
const (
	OldKey          = "old-key"
	PasswordGrant   = "password-grant"
	PlainHTTP       = "plain-http"
	ImportedSecrets = "imported-secrets"
	BodylessToken   = "bodyless-token"
)

// Warning is something that an operator should know about and may want to change.
type Warning struct {
	Kind string // one of those above
	Text string // for people: what is so, and why it matters
	Link string // the page of the tenant where it is dealt with: keys, settings, clients
}

// Overview returns the tenant at a glance.
func (d *Desk) Overview(ctx context.Context) (Overview, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return Overview{}, err
	}
	t, err := d.found()
	if err != nil {
		return Overview{}, err
	}
	o, now := d.office, d.office.Now()
	seen := Overview{Busiest: o.Registry.Busiest(ctx, d.tenant, busiest)}
	if seen.Hours, err = audit.Tallies(ctx, o.Store, d.tenant, now.Add(-overviewFor), now); err != nil {
		return Overview{}, err
	}
	slow := false
	if seen.Expiring, err = o.Directory.Expiring(ctx, d.tenant, warnBefore); err == nil {
		slow, err = o.Directory.SlowSecrets(ctx, d.tenant)
	}
	if reading, ok := errors.AsType[*directory.Reading](err); ok {
		seen.Reading, err = reading, nil
	}
	if err != nil {
		return Overview{}, err
	}
	keys, err := o.Keys.List(d.tenant)
	if err != nil && !errors.Is(err, keyring.ErrTenant) { // a tenant that is issued elsewhere has none here
		return Overview{}, err
	}
	seen.Warnings = warnings(t, keys, slow, now)
	return seen, nil
}

// warnings returns what is doubtful about a tenant, the gravest first.
func warnings(t *registry.Tenant, keys []keyring.Public, slow bool, now time.Time) []Warning {
	var all []Warning
	warn := func(holds bool, kind, link, text string) {
		if holds {
			all = append(all, Warning{kind, text, link})
		}
	}
	warn(plainHTTP(t.Issuer), PlainHTTP, "settings", "The issuer is an http:// address: secrets and tokens can be read on their way. Serve it by https://.")
	warn(t.AllowBodylessToken, BodylessToken, "settings",
		"A credential alone, without a grant type, buys a token where a dialect allows that (allow_bodyless_token).")
	warn(t.AllowPasswordGrant, PasswordGrant, "settings",
		"The password grant is on: programs see people's passwords (RFC 9700, section 2.4). Turn it off when the last caller has moved on.")
	warn(oldKey(t, keys, now), OldKey, "keys", "The signing key is old. Rotate it; rotate_keys_every does so by itself.")
	warn(slow, ImportedSecrets, "clients",
		"Imported secrets are still kept under a slow hash, because they have not been used since. Rotate them, or delete their clients.")
	return all
}

// oldKey reports whether the active key has signed for too long, which is sooner where nothing rotates it by itself.
func oldKey(t *registry.Tenant, keys []keyring.Public, now time.Time) bool {
	for _, k := range keys {
		if k.State == keyring.Active {
			age := now.Sub(k.Activated)
			return age > keyOld || t.RotateKeysEvery == 0 && age > keyOldAlone
		}
	}
	return false
}

// plainHTTP reports whether an issuer is reached without TLS from beyond this machine.
func plainHTTP(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" {
		return false
	}
	return !local.Host(u.Hostname())
}
