package bearer

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// endpoints are where an issuer answers. What it does not have is nil.
type endpoints struct {
	keys, introspection, revocations *url.URL
	read                             time.Time
}

// metadataURL is where an issuer describes itself (RFC 8414, section 3.1).
func metadataURL(issuer *url.URL) *url.URL {
	u := *issuer
	u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(issuer.Path, "/")
	u.RawPath = ""
	if issuer.RawPath != "" {
		u.RawPath = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(issuer.RawPath, "/")
	}
	return &u
}

// discover reads the issuer's metadata, unless it did so lately. Where they cannot be read again, what they said before goes on
// counting.
func (i *Issuer) discover(now time.Time) error {
	old := i.where.Load()
	if old != nil {
		if age := now.Sub(old.read); age >= 0 && age < maxKeyAge {
			return nil
		}
	}
	text, _, err := i.get(metadataURL(i.base))
	if err == nil {
		var e *endpoints
		if e, err = i.readMetadata(text); err == nil {
			e.read = now
			i.where.Store(e)
			i.troubles.note(now, troubleMetadata, nil)
			return nil
		}
	}
	if old != nil {
		i.troubles.note(now, troubleMetadata, err)
		return nil
	}
	return fmt.Errorf("read the issuer's metadata: %w", err)
}

// readMetadata reads metadata strictly (RFC 8414, section 3.2). revocation_feed is a member of our own.
func (i *Issuer) readMetadata(text string) (*endpoints, error) {
	r := reader{text: text}
	said := map[string]string{}
	ok := r.members(func(name string) (ok bool) {
		switch name {
		case "issuer", "jwks_uri", "introspection_endpoint", "revocation_feed":
			said[name], ok = r.str()
			return ok
		}
		return r.skip(0)
	})
	if problem := r.outcome(ok, ""); problem != "" {
		return nil, errors.New(problem)
	}
	if said["issuer"] != i.r.Issuer { // RFC 8414, section 3.3
		return nil, fmt.Errorf("they are of the issuer %.200q", said["issuer"])
	}
	e := &endpoints{}
	for name, to := range map[string]**url.URL{"jwks_uri": &e.keys, "introspection_endpoint": &e.introspection, "revocation_feed": &e.revocations} {
		if said[name] == "" {
			continue
		}
		u, err := i.sibling(name, said[name])
		if err != nil {
			return nil, err
		}
		*to = u
	}
	if e.keys == nil {
		return nil, errors.New("they name no jwks_uri")
	}
	return e, nil
}
