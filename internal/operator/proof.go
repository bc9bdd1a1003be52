package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// recoveryCodes is how many an operator gets at a time.
const recoveryCodes = 10

// calendarPrefix starts the texts of calendar keys.
const calendarPrefix = "tbc"

// deed is what somebody does about the own proofs.
type deed struct {
	act   string               // of the event
	proof string               // ByPassword or ByPasskey where it sets up a proof of that kind, which is all that an enrolling session may; else ""
	ends  func(*Operator) bool // whether the other sessions end, by what was before: where a stolen proof may be what is changed. nil: they do not
}

func always(*Operator) bool { return true }

// own changes the operator of a session by the operator's own hand. The session must still last and be one in which that may be done,
// by what the store has now: else ErrSignIn or ErrStale. An enrolling session becomes a full one, and the others end: its operator has
// just shown the proof, and may have lost what the others were opened with.
func (o *Operators) own(ctx context.Context, s *Session, d deed, edit func(*Operator) ([]store.Record, error)) error {
	for try := 1; ; try++ {
		now, err := o.live(ctx, s.ID)
		if err != nil {
			return err
		}
		if !now.MayChangeProofs(o.now()) || now.Enrolling && d.proof == "" {
			return fmt.Errorf("%w: to change what you sign in with", ErrStale)
		}
		op, event := now.Operator, audit.Event{Act: d.act, Actor: now.Operator.By()}
		endOthers := now.Enrolling || d.ends != nil && d.ends(op)
		more, err := edit(op)
		if err != nil {
			return err
		}
		op.Edition, op.Updated, op.UpdatedBy = op.Edition+1, o.now(), op.By()
		if now.Enrolling {
			now.row.Enrol, now.row.Method, now.row.Proven = false, d.proof, o.now()
			event.Detail = map[string]string{"session": now.ID, "note": "set up by another operator's link: the session may do what its operator may from here on"}
		}
		if endOthers {
			op.Epoch++
			now.row.Epoch = op.Epoch
			more = append(more, now.record())
		}
		err = o.put(ctx, op, event, more...)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err == nil && endOthers {
			o.tidy(ctx, op, "")
		}
		return err
	}
}

// NewTOTP makes the secret of one-time codes for an operator, and the otpauth URL that an authenticator app reads. Nothing is kept
// before SetPassword.
func (o *Operators) NewTOTP(op *Operator) (text oauth.Secret, url string, err error) {
	plain, url, err := secret.NewTOTP("Tokenbooth "+o.host, op.Username)
	return oauth.Secret(plain), url, err
}

// SetPassword gives the operator of a session a password and one-time codes; code proves that the app shows the right ones. An empty
// totpSecret keeps the present codes, and then no code is asked for; an empty password keeps the present password. The other sessions
// end. An enrolling session sets both, and is read anew to be the full one it has become. The recovery codes it returns are new, to be
// shown once: there are some when there were none. ErrStale: see MayChangeProofs;
// *registry.Problem: the password will not do, or the code is wrong.
func (o *Operators) SetPassword(ctx context.Context, s *Session, password, totpSecret, code oauth.Secret) (recovery []oauth.Secret, err error) {
	if !s.MayChangeProofs(o.now()) {
		return nil, fmt.Errorf("%w: to change what you sign in with", ErrStale)
	}
	if password == "" && totpSecret == "" {
		return nil, problem("password", "there is nothing to set")
	}
	if s.Enrolling && (password == "" || totpSecret == "") {
		return nil, problem("code", "a new password and a new app are set up together here")
	}
	var hash secret.Hash
	if password != "" {
		if err := secret.CheckPassword(password.Reveal(), true, s.Operator.Username, s.Operator.Name); err != nil {
			return nil, problem("password", "%v", err)
		}
		if err := o.hash(ctx, limit.Turn{Known: true}, func() { hash = secret.HashPassword(password.Reveal()) }); err != nil {
			return nil, err
		}
	}
	err = o.own(ctx, s, deed{act: "operator.password", proof: ByPassword, ends: always}, func(op *Operator) ([]store.Record, error) {
		if hash != "" {
			op.Hash = hash
		}
		if err := o.setTOTP(op, totpSecret, code); err != nil {
			return nil, err
		}
		if op.Hash == "" {
			return nil, problem("password", "one-time codes go with a password, and there is none yet")
		}
		recovery = nil
		if len(op.Recovery) == 0 {
			recovery = op.newRecoveryCodes()
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// setTOTP gives an operator another secret of one-time codes, or leaves the one there is. The code that proves it is used up.
func (o *Operators) setTOTP(op *Operator, text, code oauth.Secret) error {
	const shortest = 26 // characters of base32: 128 bits (RFC 4226, section 4, R6)
	if text == "" {
		if len(op.TOTP) == 0 {
			return problem("code", "a password needs one-time codes beside it")
		}
		return nil
	}
	if len(text.Reveal()) < shortest {
		return problem("code", "this is no secret of one-time codes")
	}
	step, ok := secret.CheckTOTP(text.Reveal(), code.Reveal(), o.now(), 0)
	if !ok {
		return problem("code", "this is not the code of this moment; check the clock of the device")
	}
	op.TOTP, op.TOTPStep = o.sealer.Seal(totpLabel, []byte(text.Reveal())), step
	return nil
}

// newRecoveryCodes makes codes in the place of those there are.
func (op *Operator) newRecoveryCodes() []oauth.Secret {
	op.Recovery = nil
	codes := make([]oauth.Secret, 0, recoveryCodes)
	for range recoveryCodes {
		text := secret.NewRecoveryCode()
		canonical, _ := secret.RecoveryCode(text)
		digest := secret.Digest(canonical)
		codes, op.Recovery = append(codes, oauth.Secret(text)), append(op.Recovery, digest[:])
	}
	return codes
}

// NewRecoveryCodes makes recovery codes, to be shown once; earlier ones are good no more. ErrStale: see MayChangeProofs.
// *registry.Problem: they stand in for one-time codes, and the operator has none.
func (o *Operators) NewRecoveryCodes(ctx context.Context, s *Session) ([]oauth.Secret, error) {
	var codes []oauth.Secret
	err := o.own(ctx, s, deed{act: "operator.recovery-codes"}, func(op *Operator) ([]store.Record, error) {
		if !op.HasPassword() {
			return nil, problem("recovery", "recovery codes stand in for one-time codes; set a password and one-time codes first")
		}
		codes = op.newRecoveryCodes()
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// BeginAddPasskey begins to add a passkey: options is the JSON for navigator.credentials.create, with one member publicKey; state
// comes back with the answer within five minutes. ErrStale: see MayChangeProofs.
func (o *Operators) BeginAddPasskey(ctx context.Context, s *Session) (options []byte, state string, err error) {
	switch {
	case o.web == nil:
		return nil, "", o.noPasskeys()
	case !s.MayChangeProofs(o.now()):
		return nil, "", fmt.Errorf("%w: to change what you sign in with", ErrStale)
	}
	who := account{s.Operator}
	asked, session, err := o.web.BeginRegistration(who,
		webauthn.WithExclusions(webauthn.Credentials(who.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return nil, "", fmt.Errorf("begin to add a passkey: %w", err)
	}
	return o.begin(ceremony{Act: toAdd, Operator: s.Operator.ID, Session: s.ID}, asked, session)
}

// AddPasskey keeps the passkey of an authenticator's answer, the JSON of PublicKeyCredential, under a name. Recovery codes come with it
// where the operator has one-time codes for them to stand in for and none are left. With the first proof the other sessions end; an
// enrolling session is read anew to be the full one it has become. ErrSignIn: the answer is wrong, late, or was used
// before; ErrStale: see MayChangeProofs.
func (o *Operators) AddPasskey(ctx context.Context, s *Session, state string, answer []byte, name string) (recovery []oauth.Secret, err error) {
	const longest = 64
	if o.web == nil {
		return nil, o.noPasskeys()
	}
	if name = strings.TrimSpace(name); name == "" {
		name = "Passkey"
	}
	if len(name) > longest || !plain(name) {
		return nil, problem("name", "a passkey's name has at most %d bytes and no control characters", longest)
	}
	first := func(op *Operator) bool { return !op.HasProof() }
	err = o.own(ctx, s, deed{act: "operator.passkey.add", proof: ByPasskey, ends: first}, func(op *Operator) ([]store.Record, error) {
		used, err := o.addPasskey(ctx, s, op, state, answer, name)
		recovery = nil
		if err == nil && op.HasPassword() && len(op.Recovery) == 0 {
			recovery = op.newRecoveryCodes()
		}
		return []store.Record{used}, err
	})
	if _, refused := errors.AsType[*refusal](err); refused {
		err = fmt.Errorf("add a passkey: %w", ErrSignIn)
	}
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// addPasskey checks an answer (Web Authentication, section 7.1) and adds what it brings.
func (o *Operators) addPasskey(ctx context.Context, s *Session, op *Operator, state string, answer []byte, name string,
) (used store.Record, err error) {
	c, used, err := o.ceremony(ctx, state, toAdd)
	if err != nil {
		return used, err
	}
	if c.Operator != op.ID || c.Session != s.ID || len(answer) > maxAnswer {
		return used, refuse(oauth.PasskeyCeremony, op.ID, "the passkey's ceremony was begun elsewhere")
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return used, refuse(oauth.PasskeyAnswer, op.ID, "the passkey's answer cannot be read: %s", why(err))
	}
	cred, err := o.web.CreateCredential(account{op}, c.Asked, parsed)
	if err != nil {
		return used, refuse(oauth.PasskeyAnswer, op.ID, "the passkey's answer is wrong: %s", why(err))
	}
	if len(op.Passkeys) >= maxPasskeys {
		return used, problem("passkey", "there are %d passkeys already; remove one first", maxPasskeys)
	}
	all, err := o.List(ctx)
	if err != nil {
		return used, err
	}
	for _, other := range all { // section 7.1, step 26
		if slices.ContainsFunc(other.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, cred.ID) }) {
			return used, problem("passkey", "this passkey is there already")
		}
	}
	p := Passkey{ID: cred.ID, Name: name, Created: o.now(), PublicKey: cred.PublicKey, SignCount: cred.Authenticator.SignCount,
		Flags: byte(cred.Flags.ProtocolValue()), AAGUID: cred.Authenticator.AAGUID}
	for _, t := range cred.Transport {
		p.Transport = append(p.Transport, string(t))
	}
	op.Passkeys = append(op.Passkeys, p)
	return used, nil
}

// RemovePasskey ends a passkey, and the other sessions. ErrNotFound: there is no such passkey; *registry.Problem: nothing else is left
// to sign in with; ErrStale: see MayChangeProofs.
func (o *Operators) RemovePasskey(ctx context.Context, s *Session, id []byte) error {
	return o.own(ctx, s, deed{act: "operator.passkey.remove", ends: always}, func(op *Operator) ([]store.Record, error) {
		i := slices.IndexFunc(op.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, id) })
		if i < 0 {
			return nil, fmt.Errorf("passkey: %w", ErrNotFound)
		}
		op.Passkeys = slices.Delete(op.Passkeys, i, i+1)
		if !op.HasProof() {
			return nil, problem("passkey", "this is all you can sign in with; add something else first")
		}
		return nil, nil
	})
}

// NewCalendarKey makes the text by which a calendar program, which has no session, reads the operator's calendar; the earlier one is
// good no more. ErrStale: see MayChangeProofs.
func (o *Operators) NewCalendarKey(ctx context.Context, s *Session) (oauth.Secret, error) {
	text := secret.NewTokenFor(calendarPrefix, s.Operator.ID)
	digest := secret.Digest(text)
	err := o.own(ctx, s, deed{act: "operator.calendar-key"}, func(op *Operator) ([]store.Record, error) {
		op.CalendarKey = digest[:]
		return nil, nil
	})
	if err != nil {
		return "", err
	}
	return oauth.Secret(text), nil
}

// ByCalendarKey returns the operator of a calendar key; ErrSignIn when it is nobody's, or the operator may not.
func (o *Operators) ByCalendarKey(ctx context.Context, key oauth.Secret) (*Operator, error) {
	id, ok := secret.ParseToken(key.Reveal(), calendarPrefix)
	if !ok {
		return nil, ErrSignIn
	}
	op, err := o.Get(ctx, strings.Clone(id))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, ErrSignIn
	case err != nil:
		return nil, err
	case op.Barred() != "" || !secret.Matches(op.CalendarKey, key.Reveal()):
		return nil, ErrSignIn
	}
	return op, nil
}
