package operator

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Operator is a person who runs the desk. Its stored form is this JSON, keyed by ID in tenant "" under kind operator; a record of
// kind login leads from the canonical name to the ID.
//
//	{"username":"ada@example.com","roles":{"*":"owner"},"hash":"$argon2id$…","totp":"<sealed>","totp_step":58912345,
//	 "passkeys":[…],"recovery":["<SHA-256>",…],"calendar_key":"<SHA-256>","link":{…},"epoch":3,"created":"…","created_by":"cli:root",…}
type Operator struct {
	ID  string `json:"-"`
	Rev uint64 `json:"-"` // of the record: each sign-in raises it as well

	// Edition goes up by one where Updated moves on: with each change by somebody who means one, and not with a sign-in. What was written
	// before there were editions is the first.
	Edition uint64 `json:"edition,omitempty"`

	Username    string          `json:"username"` // canonical: the one spelling that sign-in, throttle and audit share
	Name        string          `json:"name,omitempty"`
	Roles       map[string]Role `json:"roles"` // by tenant, or All
	Hash        secret.Hash     `json:"hash,omitempty"`
	TOTP        []byte          `json:"totp,omitempty"` // sealed
	TOTPStep    int64           `json:"totp_step,omitempty"`
	Passkeys    []Passkey       `json:"passkeys,omitempty"`
	Recovery    [][]byte        `json:"recovery,omitempty"`     // SHA-256 of codes not used yet
	CalendarKey []byte          `json:"calendar_key,omitempty"` // SHA-256 of its text
	Link        *Link           `json:"link,omitempty"`         // the one-time link that is good now
	Links       uint64          `json:"links,omitempty"`        // so many links were made; sessions by an earlier one are over
	Epoch       uint64          `json:"epoch,omitempty"`        // sessions of an earlier one are over
	Disabled    bool            `json:"disabled,omitempty"`
	Deleted     bool            `json:"deleted,omitempty"`
	SignedIn    time.Time       `json:"signed_in,omitzero"`

	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Updated   time.Time `json:"updated"`
	UpdatedBy string    `json:"updated_by"`
}

// Passkey is a public key credential of an operator (W3C Web Authentication). Its stored form is this JSON, inside the operator's.
type Passkey struct {
	ID        []byte    `json:"id"`
	Name      string    `json:"name"`
	Created   time.Time `json:"created"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	PublicKey []byte    `json:"public_key"` // COSE
	SignCount uint32    `json:"sign_count,omitempty"`
	Flags     byte      `json:"flags"` // of the authenticator data; whether it is backed up may change, whether it can be may not
	Transport []string  `json:"transport,omitempty"`
	AAGUID    []byte    `json:"aaguid,omitempty"` // the make of the authenticator
}

// Link is what is kept of a one-time sign-in link. Its stored form is this JSON, inside the operator's: so there is one at most, and
// who uses it writes the operator.
type Link struct {
	Digest  []byte    `json:"digest"` // SHA-256 of its text
	Expires time.Time `json:"expires"`
	Here    bool      `json:"here,omitempty"` // it was made on this machine, so its session is a full one
}

// Barred says why the operator may not act, or nothing.
func (op *Operator) Barred() string {
	switch {
	case op.Deleted:
		return "the operator is deleted"
	case op.Disabled:
		return "the operator is disabled"
	}
	return ""
}

// HasPassword reports whether the operator can sign in with a password and a one-time code.
func (op *Operator) HasPassword() bool { return op.Hash != "" && len(op.TOTP) > 0 }

// HasProof reports whether the operator can sign in without a link.
func (op *Operator) HasProof() bool { return op.HasPassword() || len(op.Passkeys) > 0 }

// owns reports whether the operator can hand the desk on to others.
func (op *Operator) owns() bool { return op.Roles[All] == Owner && op.Barred() == "" }

// By returns the operator's name in the audit record.
func (op *Operator) By() string { return actor(op.ID) }

func actor(id string) string { return "operator:" + id }

// clone returns a copy that shares nothing that an edit could change in place.
func (op *Operator) clone() *Operator {
	c := *op
	c.Roles = maps.Clone(op.Roles)
	c.Passkeys, c.Recovery = slices.Clone(op.Passkeys), slices.Clone(op.Recovery)
	return &c
}

func (op *Operator) record() store.Record {
	return store.Record{Kind: store.Operator, ID: op.ID, Rev: op.Rev, Label: op.Username, Body: encode(op)}
}

// check refuses an operator that could not be kept. Whether there is such a tenant, callers know.
func (op *Operator) check() error {
	const longest = 200
	if len(op.Name) > longest || !plain(op.Name) {
		return problem("name", "a name has at most %d bytes and no control characters", longest)
	}
	for tenant, role := range op.Roles {
		if tenant == "" || !plain(tenant) || strings.Contains(tenant, All) && tenant != All {
			return problem("roles", "a role is given for a tenant or for %s, not for %.64q", All, tenant)
		}
		if !slices.Contains(Roles(), role) {
			return problem("roles", "the role in %.64s is one of %v, not %.64q", tenant, Roles(), role)
		}
	}
	return nil
}

// plain reports whether a text can be shown in one line.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

func problem(field, format string, args ...any) error {
	return &registry.Problem{Field: field, Text: fmt.Sprintf(format, args...)}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // our own types, all plain: cannot happen
		panic(fmt.Errorf("encode %T: %w", v, err))
	}
	return b
}
