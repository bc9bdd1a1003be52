package console

import (
	"net/http"
	"net/url"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/text"
)

// pageOfUsers is how many users stand on one page.
const pageOfUsers = 50

// usersPage is the list of users.
type usersPage struct {
	Prefix             string
	Rows               []userRow
	MayCreate          bool
	Off                bool   // the tenant does not allow the password grant, so a user's password buys nothing
	Here, New, Clients string // addresses
	First, Next        string // addresses of pages; empty: none
}

// userRow is one user in the list.
type userRow struct {
	*registry.User
	Href   string
	State  tag
	Labels []string
	More   int
}

func usersList(v *visit) error {
	in := v.r.URL.Query()
	p := &usersPage{Prefix: text.Pasted(in.Get("q")), MayCreate: v.offers(operator.ChangeUsers), Off: !v.tenant.AllowPasswordGrant, Here: v.path("users"), New: v.path("new-user"),
		Clients: v.path("clients")}
	found, next, err := v.desk.FindUsers(v.r.Context(), canonical(p.Prefix), in.Get("after"), pageOfUsers)
	if err != nil {
		return err
	}
	for _, u := range found {
		row := userRow{User: u, Href: v.path("users", u.Username), State: userState(u)}
		for _, name := range u.Permissions[:min(labelsInRow, len(u.Permissions))] {
			row.Labels = append(row.Labels, labelOf(v.tenant, name))
		}
		row.More = len(u.Permissions) - len(row.Labels)
		p.Rows = append(p.Rows, row)
	}
	if in.Get("after") != "" {
		p.First = v.path("users") + "?" + url.Values{"q": {p.Prefix}}.Encode()
	}
	if next != "" {
		p.Next = v.path("users") + "?" + url.Values{"q": {p.Prefix}, "after": {next}}.Encode()
	}
	return v.render(http.StatusOK, "users_list", "Users", p)
}

// canonical is the spelling that names are kept in; what can be no name finds nobody by itself.
func canonical(prefix string) string {
	if name, ok := registry.CanonicalName(prefix); ok {
		return name
	}
	return prefix
}

func userState(u *registry.User) tag {
	switch {
	case u.Disabled:
		return tag{"disabled", "tag-bad"}
	case u.MustReset:
		return tag{"new password due", "tag-warn"}
	}
	return tag{"active", "tag-ok"}
}

// hasTOTP reports whether a user's sign-in takes a one-time code.
func hasTOTP(u *registry.User) bool { return len(u.TOTP) > 0 }
