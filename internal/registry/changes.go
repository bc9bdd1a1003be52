package registry

import (
	"slices"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

// changes is what an event says that was changed of a client: its fields, and which secrets it has, by their ids.
func (c *Client) changes(before *Client) []audit.Change {
	all := recorded(Changes(ClientFields(time.Time{}), &before.ClientSpec, &c.ClientSpec))
	ids := func(c *Client) (ids []string) {
		for i := range c.Credentials {
			ids = append(ids, c.Credentials[i].ID)
		}
		return ids
	}
	all = append(all, differing("credentials", ids(before), ids(c))...)
	return append(all, differing("deleted", flag(before.Deleted), flag(c.Deleted))...)
}

// changes is what an event says that was changed of a user.
func (u *User) changes(before *User) []audit.Change {
	all := recorded(Changes(UserFields(), &before.UserSpec, &u.UserSpec))
	if u.Hash != before.Hash {
		all = append(all, audit.Change{Field: "password"})
	}
	all = append(all, differing("totp", flag(len(before.TOTP) > 0), flag(len(u.TOTP) > 0))...)
	return append(all, differing("deleted", flag(before.Deleted), flag(u.Deleted))...)
}

// recorded is how the audit record keeps changes of fields: in words.
func recorded(changes []Change) (all []audit.Change) {
	for _, c := range changes {
		all = append(all, audit.Change{Field: c.Field, Old: wordsOf(c.Old), New: wordsOf(c.New)})
	}
	return all
}

func wordsOf(value any) []string {
	switch v := value.(type) {
	case []string:
		return v
	case bool:
		return flag(v)
	case string:
		if v != "" {
			return []string{v}
		}
	}
	return nil
}

func flag(on bool) []string { return []string{strconv.FormatBool(on)} }

// differing is a change where there is one.
func differing(field string, before, after []string) []audit.Change {
	if slices.Equal(before, after) {
		return nil
	}
	return []audit.Change{{Field: field, Old: before, New: after}}
}
