package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// viewClient is what may be seen of a client: everything but its secrets and their hashes. These names are a promise to programs.
func viewClient(c *registry.Client, now time.Time) facts {
	secrets := []secretView{}
	for i := range c.Credentials {
		cr := &c.Credentials[i]
		secrets = append(secrets, secretView{ID: cr.ID, Live: cr.Live(now), Imported: cr.Imported, Created: cr.Created.UTC(), Expires: orNull(cr.Expires),
			LastUsed: orNull(cr.LastUsed), LastUsedFrom: cr.LastUsedFrom})
	}
	seen := facts{{"tenant", c.Tenant}, {"client_id", c.ID}, {"state", c.State(now)}}
	return append(append(seen, factsOf(registry.ClientFields(now), &c.ClientSpec)...), fact{"secrets", secrets},
		fact{"created", c.Created.UTC()}, fact{"created_by", c.CreatedBy}, fact{"updated", c.Updated.UTC()}, fact{"updated_by", c.UpdatedBy})
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

// liveSecrets returns how many of a client's secrets work, and when any of them was used last.
func liveSecrets(c *registry.Client, now time.Time) (n int, used time.Time) {
	for i := range c.Credentials {
		if c.Credentials[i].Live(now) {
			n++
		}
		if at := c.Credentials[i].LastUsed; at.After(used) {
			used = at
		}
	}
	return n, used
}

// showClient writes all there is to see of a client.
func (e *errand) showClient(c *registry.Client) error {
	if e.json {
		return e.object(viewClient(c, e.now))
	}
	lines := []line{{"Client ID", c.ID}, {"Tenant", c.Tenant}, {"State", c.State(e.now)}}
	for _, f := range registry.ClientFields(e.now) {
		switch {
		case f.Name == "expires":
			lines = append(lines, line{f.Label, e.when(c.Expires.Time, f.Unset)})
		case f.Flag != "":
			lines = append(lines, line{f.Label, textOf(&f, &c.ClientSpec)})
		}
	}
	lines = append(lines, line{"Created", e.when(c.Created, "") + " by " + c.CreatedBy}, line{"Updated", e.when(c.Updated, "") + " by " + c.UpdatedBy})
	for i := range c.Credentials {
		lines = append(lines, line{fmt.Sprintf("Secret %d", i+1), e.describeSecret(&c.Credentials[i])})
	}
	return e.sheet(lines)
}

// textOf is the value of a field for people.
func textOf[S any](f *registry.Field[S], of *S) string {
	words := f.Get(of)
	if f.Kind == registry.Switch {
		return yesNo(len(words) > 0)
	}
	return orElse(strings.Join(words, " "), f.Unset)
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

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
