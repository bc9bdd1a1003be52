package issuer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// accessPrefix starts every opaque access token, so that scanners know one when they see it.
const accessPrefix = "tba"

// secretSoon is how long before its end a client is told that its secret ends.
const secretSoon = 30 * 24 * time.Hour

// mint makes the token that was decided on and keeps what must be kept: nothing for a JWT, a row for an opaque token, the next
// generation of a chain of refresh tokens. store.ErrConflict: another request has spent the same refresh token first.
func (i *Issuer) mint(ctx context.Context, who *caller, a *award, req *oauth.TokenRequest) (oauth.Token, error) {
	now, soon := i.Now(), who.secretEnds
	if soon.Sub(now) >= secretSoon {
		soon = time.Time{}
	}
	if a.replay != nil {
		t := *a.replay
		t.SecretExpires = soon
		return t, nil
	}
	t := oauth.Token{Scope: a.scope, ClientID: who.id, Username: a.username, IssuedAt: now, ExpiresIn: a.lifetime, SecretExpires: soon}
	var keep []store.Record
	var id string
	var err error
	if a.form == oauth.JWT {
		id = secret.NewID(now)
		t.AccessToken, err = i.signed(who, a, id, now)
	} else {
		var row store.Record
		t.AccessToken, row = i.opaque(who, a, now)
		id, keep = row.ID, append(keep, row)
	}
	if err != nil {
		return oauth.Token{}, err
	}
	if f := a.family; f != nil {
		if last := now.Add(a.lifetime); last.After(f.Access) {
			f.Access = last
		}
		if req.Grant == oauth.RefreshToken && i.ReplayWindow > 0 {
			if err := f.seal(req.RefreshToken, &t); err != nil {
				return oauth.Token{}, err
			}
		}
		keep, t.RefreshToken = append(keep, f.record()), i.familyToken(f)
	}
	if len(keep) > 0 {
		if err := i.Store.Put(ctx, keep...); errors.Is(err, store.ErrConflict) {
			return oauth.Token{}, err
		} else if err != nil {
			return oauth.Token{}, unavailable("keep the token", err)
		}
	}
	i.Journal.Write(&audit.Issuance{Time: now, Tenant: who.tenant.Name, RequestID: req.RequestID, Dialect: req.Dialect, Grant: string(req.Grant),
		ClientID: who.id, Subject: a.subject, Scope: a.scope, TokenID: id, Expires: now.Add(a.lifetime), Source: req.Source})
	return t, nil
}

// signed makes a JWT access token (RFC 9068, section 2).
func (i *Issuer) signed(who *caller, a *award, id string, now time.Time) (string, error) {
	var room [1024]byte
	c := append(room[:0], `{"iss":`...)
	c = oauth.AppendJSON(c, who.tenant.Issuer)
	c = appendMember(c, `,"sub":`, a.subject)
	c = appendMember(c, `,"client_id":`, who.id)
	c = appendMember(c, `,"jti":`, id)
	issued := a.issued(now)
	c = strconv.AppendInt(append(c, `,"iat":`...), issued.Unix(), 10)
	if !issued.Truncate(time.Second).After(a.after) { // a second is too coarse to tell it from what was taken back in the same one
		c = strconv.AppendInt(append(c, `,"iat_us":`...), issued.UnixMicro(), 10)
	}
	c = append(c, `,"exp":`...)
	c = strconv.AppendInt(c, now.Add(a.lifetime).Unix(), 10)
	c = append(c, `,"aud":`...)
	if len(a.audiences) == 1 { // RFC 7519, section 4.1.3
		c = oauth.AppendJSON(c, a.audiences[0])
	} else {
		c = appendList(c, a.audiences)
	}
	c = appendMember(c, `,"scope":`, a.scope)
	if !a.inScope {
		c = appendList(append(c, `,"permissions":`...), a.permissions)
	}
	c = appendMember(c, `,"username":`, a.username)
	c = appendMember(c, `,"name":`, a.name)
	if a.family != nil {
		c = appendMember(c, `,"sid":`, a.family.id)
	}
	c = append(c, '}')
	var text [2048]byte
	signed, err := i.Keys.Sign(who.tenant.Name, text[:0], c)
	return string(signed), err
}

// appendMember appends a member of a JSON object, unless it would be empty.
func appendMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return oauth.AppendJSON(append(dst, name...), value)
}

func appendList(dst []byte, values []string) []byte {
	dst = append(dst, '[')
	for k, v := range values {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = oauth.AppendJSON(dst, v)
	}
	return append(dst, ']')
}

// opaque makes a token that says nothing by itself, and the row it is found by.
func (i *Issuer) opaque(who *caller, a *award, now time.Time) (string, store.Record) {
	text, id := "", ""
	if a.form == oauth.UUID {
		text, id = i.uuids.New(now)
	} else {
		text, id = secret.NewToken(accessPrefix, now)
	}
	digest := secret.Digest(text)
	r := row{Digest: digest[:], Subject: a.subject, Client: who.id, Username: a.username, Name: a.name, Scope: a.scope,
		Audience: a.audiences, Issued: a.issued(now)}
	if !a.inScope {
		r.Permissions = append([]string{}, a.permissions...)
	}
	if a.family != nil {
		r.Family = a.family.id
	}
	return text, store.Record{Tenant: who.tenant.Name, Kind: store.Token, ID: id, Expires: now.Add(a.lifetime), Body: r.body()}
}
