package admin

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// as copies the fields that two generated types share: the contract builds one from the other, the generator writes them out twice.
func as[T any](v any) (out T) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil { // texts, numbers and times of the contract's own types: cannot happen
		panic(fmt.Errorf("%T as %T: %w", v, out, err))
	}
	return out
}

// words copies names from the type of one side to that of the other.
func words[T, S ~string](in []S) []T {
	if len(in) == 0 {
		return nil
	}
	out := make([]T, len(in))
	for i, s := range in {
		out[i] = T(s)
	}
	return out
}

// members returns s, and a list without members rather than null.
func members[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// writable returns what can be written of a client.
func writable(c *registry.Client) ClientFields {
	f := as[ClientFields](c.ClientSpec)
	f.Grants, f.AllowBodylessToken = new(members(words[Grant](c.Grants))), new(c.AllowBodylessToken) // left out, a tenant decides
	return f
}

// put writes the fields to a client, all of them: what is left out it has no more.
func (f *ClientFields) put(c *registry.Client) error {
	c.ClientSpec = registry.ClientSpec{Permissions: []string{}}
	return f.putOver(c)
}

// newClient is a client that is being made of the fields: what is left out the tenant decides.
func (f *ClientFields) newClient(t *registry.Tenant, id string) (registry.Client, error) {
	c := t.NewClient(id)
	c.Permissions = []string{}
	err := f.putOver(&c)
	return c, err
}

// putOver writes the fields to a client, which keeps what they leave out.
func (f *ClientFields) putOver(c *registry.Client) error {
	text, err := json.Marshal(f)
	if err != nil { // texts, numbers and times: cannot happen
		panic(err)
	}
	if err := json.Unmarshal(text, &c.ClientSpec); err != nil { // of what the contract has as text, only networks have a form
		return &registry.Problem{Field: "allow_from", Text: err.Error()}
	}
	return nil
}

// clientOut is a client as the contract has it.
func clientOut(c *registry.Client, now time.Time) Client {
	out := as[Client](writable(c))
	out.Id, out.Rev, out.NotBefore = c.ID, int64(c.Rev), utc(c.NotBefore)
	out.Created, out.CreatedBy, out.Updated, out.UpdatedBy = utc(c.Created), c.CreatedBy, utc(c.Updated), c.UpdatedBy
	for i := range c.Credentials {
		cr := &c.Credentials[i]
		out.Credentials = append(out.Credentials, Credential{Id: cr.ID, Live: cr.Live(now), Imported: cr.Imported, Created: utc(cr.Created),
			Expires: utc(cr.Expires), LastUsed: utc(cr.LastUsed), LastUsedFrom: cr.LastUsedFrom})
	}
	return out
}

// clientIn is a client of the contract as the rest of the product has it, without the hashes of its secrets, which nobody is told.
func clientIn(tenant string, in *Client) (*registry.Client, error) {
	c := &registry.Client{Tenant: tenant, ID: in.Id, Rev: uint64(in.Rev), NotBefore: in.NotBefore,
		Created: in.Created, CreatedBy: in.CreatedBy, Updated: in.Updated, UpdatedBy: in.UpdatedBy}
	fields := as[ClientFields](in)
	if err := fields.put(c); err != nil {
		return nil, err
	}
	for _, cr := range in.Credentials {
		c.Credentials = append(c.Credentials, registry.Credential{ID: cr.Id, Imported: cr.Imported, Created: cr.Created,
			Expires: cr.Expires, LastUsed: cr.LastUsed, LastUsedFrom: cr.LastUsedFrom})
	}
	return c, nil
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

func writableUser(u *registry.User) UserFields {
	return UserFields{Name: u.Name, Permissions: u.Permissions, MustReset: u.MustReset, Disabled: u.Disabled}
}

// put writes the fields to a user, all of them.
func (f *UserFields) put(u *registry.User) {
	u.Name, u.Permissions, u.MustReset, u.Disabled = f.Name, members(f.Permissions), f.MustReset, f.Disabled
}

// userOut is a user as the contract has it.
func userOut(u *registry.User) User {
	out := as[User](writableUser(u))
	out.Id, out.Rev, out.Username, out.HasTotp, out.NotBefore = u.ID, int64(u.Edition), u.Username, len(u.TOTP) > 0, utc(u.NotBefore)
	out.Created, out.CreatedBy, out.Updated, out.UpdatedBy = utc(u.Created), u.CreatedBy, utc(u.Updated), u.UpdatedBy
	return out
}

// userIn is a user of the contract as the rest of the product has it.
func userIn(tenant string, in *User) *registry.User {
	u := &registry.User{Tenant: tenant, ID: in.Id, Edition: uint64(in.Rev), Username: in.Username, NotBefore: in.NotBefore,
		Created: in.Created, CreatedBy: in.CreatedBy, Updated: in.Updated, UpdatedBy: in.UpdatedBy}
	fields := as[UserFields](in)
	fields.put(u)
	if in.HasTotp {
		u.TOTP = []byte{'?'} // that there is a secret of one-time codes is all that is told
	}
	return u
}
