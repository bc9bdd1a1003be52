package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// clientView is what may be seen of a client: everything but its secrets and their hashes. These names are a promise to programs.
type clientView struct {
	Tenant             string             `json:"tenant"`
	ID                 string             `json:"client_id"`
	Name               string             `json:"name"`
	Description        string             `json:"description"`
	State              string             `json:"state"` // active, disabled, expired or deleted
	Permissions        []string           `json:"permissions"`
	Grants             []oauth.GrantType  `json:"grants"`
	AuthMethods        []oauth.AuthMethod `json:"auth_methods"`     // empty: all
	Dialects           []string           `json:"dialects"`         // empty: all its tenant speaks
	TokenForm          oauth.TokenForm    `json:"token_form"`       // empty: the dialect's
	Lifetime           int64              `json:"lifetime_seconds"` // 0: the dialect's
	AllowFrom          []netip.Prefix     `json:"allow_from"`       // empty: from anywhere
	ResourceServers    []string           `json:"resource_servers"` // APIs it stands for
	AllowBodylessToken bool               `json:"allow_bodyless_token"`
	Expires            *time.Time         `json:"expires"`
	Secrets            []secretView       `json:"secrets"`
	Created            time.Time          `json:"created"`
	CreatedBy          string             `json:"created_by"`
	Updated            time.Time          `json:"updated"`
	UpdatedBy          string             `json:"updated_by"`
}

// secretView is what may be seen of a secret.
type secretView struct {
	ID           string     `json:"id"`
	Live         bool       `json:"live"`
	Imported     bool       `json:"imported"`
	Created      time.Time  `json:"created"`
	Expires      *time.Time `json:"expires"`
	LastUsed     *time.Time `json:"last_used"` // to the minute
	LastUsedFrom string     `json:"last_used_from"`
}

func viewClient(c *registry.Client, now time.Time) clientView {
	v := clientView{Tenant: c.Tenant, ID: c.ID, Name: c.Name, Description: c.Description, State: stateOf(c, now), Permissions: filledIn(c.Permissions),
		Grants: filledIn(c.Grants), AuthMethods: filledIn(c.AuthMethods), Dialects: filledIn(c.Dialects), TokenForm: c.TokenForm, Lifetime: c.Lifetime,
		AllowFrom: filledIn(c.AllowFrom), ResourceServers: filledIn(c.ResourceServers), AllowBodylessToken: c.AllowBodylessToken, Expires: orNull(c.Expires), Secrets: []secretView{},
		Created: c.Created.UTC(), CreatedBy: c.CreatedBy, Updated: c.Updated.UTC(), UpdatedBy: c.UpdatedBy}
	for i := range c.Credentials {
		cr := &c.Credentials[i]
		v.Secrets = append(v.Secrets, secretView{ID: cr.ID, Live: cr.Live(now), Imported: cr.Imported, Created: cr.Created.UTC(), Expires: orNull(cr.Expires),
			LastUsed: orNull(cr.LastUsed), LastUsedFrom: cr.LastUsedFrom})
	}
	return v
}

func stateOf(c *registry.Client, now time.Time) string {
	switch {
	case c.Deleted:
		return "deleted"
	case c.Disabled:
		return "disabled"
	case c.Barred(now) != "":
		return "expired"
	}
	return "active"
}

// filledIn is a list that JSON shows as [] and not as null.
func filledIn[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// orNull is a time that JSON shows as null where there is none.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// live returns how many of the secrets work.
func (v *clientView) live() (n int) {
	for _, s := range v.Secrets {
		if s.Live {
			n++
		}
	}
	return n
}

// lastUsed returns when any of the secrets was used last.
func (v *clientView) lastUsed() (last time.Time) {
	for _, s := range v.Secrets {
		if s.LastUsed != nil && s.LastUsed.After(last) {
			last = *s.LastUsed
		}
	}
	return last
}

// showClient writes all there is to see of a client.
func (e *errand) showClient(c *registry.Client) error {
	v := viewClient(c, e.now)
	if e.json {
		return e.object(v)
	}
	lines := []line{
		{"Client ID", v.ID}, {"Name", v.Name}, {"Description", v.Description}, {"Tenant", v.Tenant}, {"State", v.State},
		{"Permissions", orWord(v.Permissions, "none")}, {"Grants", orWord(v.Grants, "none")},
		{"Proves itself by", orWord(v.AuthMethods, "any method")}, {"Dialects", orWord(v.Dialects, "all of the tenant")},
		{"Token form", orElse(string(v.TokenForm), "the dialect's")}, {"Token lifetime", orElse(lifetime(v.Lifetime), "the dialect's")},
		{"Allowed from", orWord(v.AllowFrom, "anywhere")}, {"Request without body", yesNo(v.AllowBodylessToken)},
		{"Resource server of", strings.Join(v.ResourceServers, " ")},
		{"Expires", e.when(c.Expires, "never")},
		{"Created", e.when(v.Created, "") + " by " + v.CreatedBy}, {"Updated", e.when(v.Updated, "") + " by " + v.UpdatedBy},
	}
	for i := range c.Credentials {
		lines = append(lines, line{fmt.Sprintf("Secret %d", i+1), e.describeSecret(&c.Credentials[i])})
	}
	return e.sheet(lines)
}

func (e *errand) describeSecret(cr *registry.Credential) string {
	facts := []string{"made " + e.when(cr.Created, "")}
	if cr.Imported {
		facts[0] = "imported " + e.when(cr.Created, "")
	}
	switch {
	case cr.Expires.IsZero():
	case cr.Live(e.now):
		facts = append(facts, "works until "+e.when(cr.Expires, ""))
	default:
		facts = append(facts, "dead since "+e.when(cr.Expires, ""))
	}
	used := "never used"
	if !cr.LastUsed.IsZero() {
		used = "last used " + e.when(cr.LastUsed, "") + " from " + cr.LastUsedFrom
	}
	return strings.Join(append(facts, used), "; ")
}

// orWord joins a list, or says what no list means.
func orWord[T any](list []T, none string) string {
	var words []string
	for _, w := range list {
		words = append(words, fmt.Sprint(w))
	}
	return orElse(strings.Join(slices.Clip(words), " "), none)
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func lifetime(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	text := (time.Duration(seconds) * time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
