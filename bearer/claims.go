package bearer

import (
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	maxMembers = 64           // of a header or of claims: each name is compared with those before it
	lastSecond = 253402300799 // the end of the year 9999: beyond it, a date is an attack
)

// bound is why a token with a cnf is refused (RFC 8705, section 3; RFC 9449, section 7.2).
const bound = "the token is bound to a key (cnf), and no proof of that key can be checked here"

// header is what the JOSE header says, as far as we ask.
type header struct {
	alg, typ, kid string
	critical      bool
}

// readHeader reads a JOSE header strictly; problem is empty when it could.
func readHeader(text string) (h header, problem string) {
	r := reader{text: text}
	ok := r.members(func(name string) bool {
		var ok bool
		switch name {
		case "alg":
			h.alg, ok = r.str()
		case "typ":
			h.typ, ok = r.str()
		case "kid":
			h.kid, ok = r.str()
		case "crit":
			h.critical, ok = true, r.skip(0)
		default:
			ok = r.skip(0)
		}
		if !ok {
			problem = quote(oauth.Unproven(name).AmongWords("alg", "typ", "kid", "crit")) + " is not of its type"
		}
		return ok
	})
	return h, r.outcome(ok, problem)
}

// readClaims reads the claims of an access token (RFC 9068, section 2.2). Claims it does not know may be anything.
func readClaims(text string) (*Token, error) {
	r := reader{text: text}
	t, problem := &Token{}, ""
	ok := r.members(func(name string) bool {
		ok := r.claim(t, name)
		if !ok {
			problem = "claim " + quote(name) + " is not of its type"
		}
		if name == "cnf" {
			ok, problem = false, bound
		}
		return ok
	})
	if problem = r.outcome(ok, problem); problem != "" {
		return nil, refused(oauth.TokenClaims, "%s", problem)
	}
	return t, nil
}

func (r *reader) claim(t *Token, name string) (ok bool) {
	switch name {
	case "iss":
		t.Issuer, ok = r.str()
	case "sub":
		t.Subject, ok = r.str()
	case "client_id":
		t.ClientID, ok = r.str()
	case "jti":
		t.ID, ok = r.str()
	case "scope":
		t.Scope, ok = r.str()
	case "sid":
		t.Family, ok = r.str()
	case "username":
		t.Username, ok = r.str()
	case "name":
		t.Name, ok = r.str()
	case "permissions":
		t.Permissions, ok = r.list()
	case "aud":
		if r.peek() == '[' {
			t.Audience, ok = r.list()
			break
		}
		var one string
		if one, ok = r.str(); ok {
			t.Audience = []string{one}
		}
	case "exp":
		t.Expires, ok = r.date()
	case "iat":
		t.IssuedAt, ok = r.date()
		r.exactly(t)
	case "iat_us": // ours: iat in microseconds, where a second is too coarse to tell before from after
		r.issued, ok = r.number()
		r.exactly(t)
	case "nbf":
		t.NotBefore, ok = r.date()
	default:
		ok = r.skip(0)
	}
	return ok
}

// exactly makes iat as fine as iat_us, when both are there and agree.
func (r *reader) exactly(t *Token) {
	if at := time.UnixMicro(int64(max(0, min(r.issued, lastSecond*1e6)))); at.Unix() == t.IssuedAt.Unix() {
		t.IssuedAt = at
	}
}

// members walks an object, each of whose names stands once: of two claims of one name, two readers may see a different one.
func (r *reader) members(member func(name string) bool) bool {
	var room [16]string
	seen := room[:0]
	return r.object(func(name string) bool {
		if len(seen) == maxMembers || slices.Contains(seen, name) {
			return false
		}
		seen = append(seen, name)
		return member(name)
	})
}

// outcome says what is wrong with the text: what a member said, or that it is no object, or has something after it.
func (r *reader) outcome(ok bool, problem string) string {
	if problem == "" && (!ok || !r.end()) {
		problem = "not one JSON object of at most 64 members with different names"
	}
	return problem
}

// list reads an array of strings. An empty one is not nil: a token with no permissions is not one without the claim.
func (r *reader) list() ([]string, bool) {
	all := []string{}
	ok := r.array(func() bool {
		s, ok := r.str()
		all = append(all, s)
		return ok && len(all) <= oauth.MaxScopeWords
	})
	return all, ok
}

// date reads a NumericDate (RFC 7519, section 2); a fraction is cut off.
func (r *reader) date() (time.Time, bool) {
	n, ok := r.number()
	if !ok || n < 0 || n > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}
