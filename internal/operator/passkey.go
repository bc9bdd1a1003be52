package operator

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// ceremonyLife is how long somebody may take with an authenticator.
const ceremonyLife = 5 * time.Minute

// stateLabel is what a ceremony's state is sealed for.
const stateLabel = "operator passkey"

// What a ceremony is for.
const (
	toSignIn = "sign in"
	toAdd    = "add"
)

// ceremony is what must be known again when an authenticator has answered. Anybody may begin one, so that costs the store nothing: its
// browser keeps it, as this JSON, sealed. Where the answer is right a record, written with what it lets happen and kept until the
// ceremony is over in any case, makes it good once.
type ceremony struct {
	ID       string               `json:"id"`
	Act      string               `json:"act"`
	Operator string               `json:"operator,omitempty"` // whose passkey it must be; "": anybody's
	Session  string               `json:"session,omitempty"`  // where one is added
	Until    time.Time            `json:"until"`
	Asked    webauthn.SessionData `json:"asked"`
}

// relyingParty says to whom passkeys of this desk are bound.
func relyingParty(u *url.URL) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{
		RPID:                  u.Hostname(),
		RPDisplayName:         "Tokenbooth",
		RPOrigins:             []string{origin(u)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired, // or it would be one factor
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: ceremonyLife},
			Registration: webauthn.TimeoutConfig{Timeout: ceremonyLife},
		},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore, // some authenticators answer what nobody asked
	})
}

// origin spells a URL's origin as browsers do: without the port that goes without saying (RFC 6454, section 6.2).
func origin(u *url.URL) string {
	if p := u.Port(); u.Scheme == "https" && p == "443" || u.Scheme == "http" && p == "80" {
		return u.Scheme + "://" + u.Hostname()
	}
	return u.Scheme + "://" + u.Host
}

// Passkeys reports whether this desk can have passkeys. It cannot where its console is reached by an address instead of a name.
func (o *Operators) Passkeys() bool { return o.web != nil }

func (o *Operators) noPasskeys() error {
	return problem("passkey", "passkeys need a console that is reached by a name; %s is an address", o.host)
}

// account shows an operator to the library as it wants to see it. The user handle is the operator's id: random enough, no personal
// text, and never given to somebody else.
type account struct{ *Operator }

// WebAuthnID returns the user handle.
func (a account) WebAuthnID() []byte { return []byte(a.ID) }

// WebAuthnName returns the name that an authenticator shows.
func (a account) WebAuthnName() string { return a.Username }

// WebAuthnDisplayName returns the friendlier name that an authenticator shows.
func (a account) WebAuthnDisplayName() string {
	if a.Name != "" {
		return a.Name
	}
	return a.Username
}

// WebAuthnCredentials returns the passkeys.
func (a account) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, 0, len(a.Passkeys))
	for _, p := range a.Passkeys {
		c := webauthn.Credential{ID: p.ID, PublicKey: p.PublicKey, AttestationType: "none", AttestationFormat: "none",
			Flags:         webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(p.Flags)),
			Authenticator: webauthn.Authenticator{AAGUID: p.AAGUID, SignCount: p.SignCount}}
		for _, t := range p.Transport {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		all = append(all, c)
	}
	return all
}

// BeginPasskey begins a sign-in by passkey: options is the JSON for navigator.credentials.get, with one member publicKey; state comes
// back with the answer within five minutes. who may be nil: then the authenticator offers what it has. *registry.Problem: this desk,
// or this operator, has no passkeys.
func (o *Operators) BeginPasskey(ctx context.Context, who *Operator) (options []byte, state string, err error) {
	if o.web == nil {
		return nil, "", o.noPasskeys()
	}
	c := ceremony{Act: toSignIn}
	var asked *protocol.CredentialAssertion
	var session *webauthn.SessionData
	switch {
	case who == nil:
		asked, session, err = o.web.BeginDiscoverableLogin()
	case len(who.Passkeys) == 0:
		return nil, "", problem("passkey", "there is no passkey to sign in with")
	default:
		c.Operator = who.ID
		asked, session, err = o.web.BeginLogin(account{who})
	}
	if err != nil {
		return nil, "", fmt.Errorf("begin a sign-in by passkey: %w", err)
	}
	return o.begin(c, asked, session)
}

// begin spells what the browser gets.
func (o *Operators) begin(c ceremony, options any, asked *webauthn.SessionData) ([]byte, string, error) {
	now := o.now()
	c.ID, c.Until, c.Asked = secret.NewID(now), now.Add(ceremonyLife), *asked
	return encode(options), base64.RawURLEncoding.EncodeToString(o.sealer.Seal(stateLabel, encode(c))), nil
}

// ceremony reads a state of begin. The record it returns must be written with whatever the answer lets happen.
func (o *Operators) ceremony(ctx context.Context, state, act string) (*ceremony, store.Record, error) {
	var used store.Record
	if len(state) > maxState {
		return nil, used, refuse(oauth.PasskeyCeremony, "", "the passkey's ceremony is of nobody's making")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return nil, used, refuse(oauth.PasskeyCeremony, "", "the passkey's ceremony is damaged")
	}
	text, err := o.sealer.Open(stateLabel, sealed)
	if err != nil {
		return nil, used, refuse(oauth.PasskeyCeremony, "", "the passkey's ceremony was not begun here: %v", err)
	}
	var c ceremony
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, used, fmt.Errorf("read a passkey's ceremony: %w", err)
	}
	if c.Act != act || !o.now().Before(c.Until) {
		return nil, used, refuse(oauth.PasskeyCeremony, c.Operator, "the passkey's ceremony is too old, or was begun for something else")
	}
	used = store.Record{Kind: store.Session, ID: "used:" + c.ID, Expires: c.Until.Add(ceremonyLife)} // the engine's clock may be ahead of ours
	switch _, err := o.store.Get(ctx, "", store.Session, used.ID); {
	case err == nil:
		return nil, used, refuse(oauth.PasskeyCeremony, c.Operator, "the passkey's answer was used already")
	case !errors.Is(err, store.ErrNotFound):
		return nil, used, fmt.Errorf("read a passkey's ceremony: %w", err)
	}
	return &c, used, nil
}

// FinishPasskey opens a session for an authenticator's answer, the JSON of PublicKeyCredential. ErrSignIn: it is wrong, late, or was
// used before.
func (o *Operators) FinishPasskey(ctx context.Context, state string, answer []byte, from From) (*Session, oauth.Secret, error) {
	return o.byPasskey(ctx, state, answer, nil, from)
}

// AgainPasskey lets the operator of a session show a passkey once more: a fresh session under a new id takes the place of the old
// one. Errors as in FinishPasskey.
func (o *Operators) AgainPasskey(ctx context.Context, s *Session, state string, answer []byte, from From) (*Session, oauth.Secret, error) {
	return o.byPasskey(ctx, state, answer, s, from)
}

func (o *Operators) byPasskey(ctx context.Context, state string, answer []byte, old *Session, from From) (*Session, oauth.Secret, error) {
	if o.web == nil {
		return nil, "", o.noPasskeys()
	}
	return o.enter(ctx, ByPasskey, old, from, func() (*entry, error) {
		c, used, err := o.ceremony(ctx, state, toSignIn)
		if err != nil {
			return nil, err
		}
		op, err := o.verify(ctx, c, answer)
		if err != nil {
			return nil, err
		}
		return &entry{operator: op, used: []store.Record{used}}, nil
	})
}

// verify returns the operator whose passkey gave the answer, with the passkey's counter moved on (Web Authentication, section 7.2).
func (o *Operators) verify(ctx context.Context, c *ceremony, answer []byte) (*Operator, error) {
	if len(answer) > maxAnswer {
		return nil, refuse(oauth.PasskeyAnswer, c.Operator, "the passkey's answer is too long")
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, refuse(oauth.PasskeyAnswer, c.Operator, "the passkey's answer cannot be read: %s", why(err))
	}
	id := c.Operator
	if id == "" {
		id = string(parsed.Response.UserHandle)
	}
	if !plain(id) {
		return nil, refuse(oauth.PasskeyUnknown, "", "the passkey's user handle is none of ours")
	}
	op, err := o.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(oauth.PasskeyUnknown, "", "the passkey is of nobody")
	}
	if err != nil {
		return nil, err
	}
	var cred *webauthn.Credential
	if c.Operator != "" {
		cred, err = o.web.ValidateLogin(account{op}, c.Asked, parsed)
	} else {
		_, cred, err = o.web.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return account{op}, nil }, c.Asked, parsed)
	}
	if err != nil {
		return nil, refuse(oauth.PasskeyAnswer, op.ID, "the passkey's answer is wrong: %s", why(err))
	}
	if cred.Authenticator.CloneWarning {
		return nil, refuse(oauth.PasskeyCounter, op.ID, "the passkey's counter went back: it may have been copied")
	}
	i := slices.IndexFunc(op.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, cred.ID) })
	if i < 0 { // it has just been found there
		return nil, fmt.Errorf("operator %s has no passkey that was verified", op.ID)
	}
	p := &op.Passkeys[i]
	p.LastUsed, p.SignCount, p.Flags = o.now(), cred.Authenticator.SignCount, byte(cred.Flags.ProtocolValue())
	return op, nil
}

// why spells what the library found wrong with an answer, in the library's own words. For developers it adds what was expected and what was
// sent; only the words before that are taken.
func why(err error) string {
	e, ok := errors.AsType[*protocol.Error](err)
	if !ok || e.Details == "" {
		return "it is not of the form of Web Authentication"
	}
	added := e.DevInfo
	if end := strings.IndexAny(added, ".:;=([\"'`"); end >= 0 {
		added = added[:end]
	}
	if added == "" {
		return e.Details
	}
	return e.Details + ": " + added
}
