package issuer

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// claims are what a JWT of ours says (Issuer.signed).
type claims struct {
	Issuer      string   `json:"iss"`
	Subject     string   `json:"sub"`
	ClientID    string   `json:"client_id"`
	ID          string   `json:"jti"`
	IssuedAt    int64    `json:"iat"`
	Exactly     int64    `json:"iat_us"` // the same in microseconds, where a second is too coarse; 0: it is not
	Expires     int64    `json:"exp"`
	Audience    audience `json:"aud"`
	Scope       string   `json:"scope"`
	Permissions []string `json:"permissions"`
	Username    string   `json:"username"`
	Name        string   `json:"name"`
	Family      string   `json:"sid"`
}

// audience is one text, or a list (RFC 7519, section 4.1.3).
type audience []string

// UnmarshalJSON reads either.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// readJWT reads an access token that one of the tenant's keys has signed, or nil: keyring tells it from all else that keys sign.
func (i *Issuer) readJWT(t *registry.Tenant, token string) (*access, error) {
	payload, key, err := i.Keys.Verify(t.Name, token)
	if err != nil {
		return nil, nil
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, fmt.Errorf("a token that key %s has signed cannot be read: %w", key.ID, err)
	}
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	if c.Exactly != 0 {
		issued = time.UnixMicro(c.Exactly)
	}
	if c.Issuer != t.Issuer || !i.Now().Before(expires) {
		return nil, nil
	}
	return &access{Introspection: oauth.Introspection{Form: oauth.JWT, ID: c.ID, Issuer: c.Issuer, Subject: c.Subject, ClientID: c.ClientID,
		Username: c.Username, Name: c.Name, Scope: c.Scope, Permissions: c.Permissions, Audience: c.Audience,
		IssuedAt: issued, Expires: expires, Family: c.Family, KeyID: key.ID}}, nil
}
