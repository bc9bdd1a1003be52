package console

import (
	"net/url"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/text"
)

// pageOfClients is how many clients stand on one page.
const pageOfClients = 50

// clientsPage is the list of API credentials.
type clientsPage struct {
	Search      directory.Search
	Rows        []clientRow
	Total       int
	Filtered    bool // something was searched for
	MayCreate   bool
	States      []box
	Permissions []box
	Columns     []column
	Here, New   string // addresses of the list and of the form
	First, Next string // addresses of pages; empty: none
}

// column is the head of a column that the list can be sorted by.
type column struct {
	Title, Href string
	Sorted      string // as aria-sort says it; empty: not by this one
}

// clientRow is one client in the list.
type clientRow struct {
	*registry.Client
	Href, NewestID string
	State          tag
	Labels         []string // of the first permissions
	More           int      // how many others there are
	LastUsed       time.Time
	From           string
	Ends           time.Time // of the client or its newest secret, whichever is first; zero: never
	EndsWhat       string    // "secret" where that is what ends
}

// tag is a word with a colour.
type tag struct{ Text, Class string }

// labelsInRow is how many permissions a row of the list names.
const labelsInRow = 2

func clientsList(v *visit) error {
	in := v.r.URL.Query()
	q := directory.Search{Text: text.Pasted(in.Get("q")), State: in.Get("state"), Permission: in.Get("permission"), Sort: in.Get("sort"),
		Descending: in.Get("order") == "down", After: in.Get("after"), Limit: pageOfClients}
	found, err := v.desk.FindClients(v.r.Context(), q)
	if err != nil {
		return err
	}
	p := &clientsPage{Search: q, Total: found.Total, Filtered: q.Text != "" || q.State != "" || q.Permission != "",
		MayCreate: v.offers(operator.ChangeClients), Here: v.path("clients"), New: v.path("new-client")}
	for _, c := range found.Clients {
		p.Rows = append(p.Rows, v.clientRow(c))
	}
	p.choices(v)
	if q.After != "" {
		p.First = v.listAddress(q, "")
	}
	if found.Next != "" {
		p.Next = v.listAddress(q, found.Next)
	}
	return v.render(200, "clients_list", "API credentials", p)
}

// choices fills in what can be filtered by and sorted by.
func (p *clientsPage) choices(v *visit) {
	p.States = ticked("state", []string{p.Search.State}, [][3]string{{"", "any state", ""}, {directory.StateActive, "active", ""}, {directory.StateExpiring, "expires within 30 days", ""},
		{directory.StateExpired, "expired", ""}, {directory.StateDisabled, "disabled", ""}})
	p.Permissions = []box{tick("permission", "", "any permission", "", []string{p.Search.Permission})}
	for _, name := range v.tenant.PermissionNames() {
		p.Permissions = append(p.Permissions, tick("permission", name, labelOf(v.tenant, name), "", []string{p.Search.Permission}))
	}
	for _, c := range [][2]string{{directory.SortName, "Name"}, {"", "State"}, {"", "Permissions"}, {directory.SortUsed, "Last used"},
		{directory.SortExpires, "Expires"}, {directory.SortCreated, "Created"}} {
		head := column{Title: c[1]}
		if c[0] != "" {
			q := p.Search
			by := q.Sort == c[0] || q.Sort == "" && c[0] == directory.SortName
			switch {
			case by && q.Descending:
				head.Sorted = "descending"
			case by:
				head.Sorted = "ascending"
			}
			q.Descending = by && !q.Descending || !by && c[0] != directory.SortName && c[0] != directory.SortExpires // dates: the latest first
			q.Sort = c[0]
			head.Href = v.listAddress(q, "")
		}
		p.Columns = append(p.Columns, head)
	}
}

// listAddress is the list with another order or page.
func (v *visit) listAddress(q directory.Search, after string) string {
	out := url.Values{}
	for _, p := range [][2]string{{"q", q.Text}, {"state", q.State}, {"permission", q.Permission}, {"sort", q.Sort}, {"after", after}} {
		if p[1] != "" {
			out.Set(p[0], p[1])
		}
	}
	if q.Descending {
		out.Set("order", "down")
	}
	if len(out) == 0 {
		return v.path("clients")
	}
	return v.path("clients") + "?" + out.Encode()
}

func (v *visit) clientRow(c *registry.Client) clientRow {
	row := clientRow{Client: c, Href: v.path("clients", c.ID), State: clientState(c, v.Now()), Ends: c.Expires.Time}
	for _, p := range c.Permissions[:min(labelsInRow, len(c.Permissions))] {
		row.Labels = append(row.Labels, labelOf(v.tenant, p))
	}
	row.More = len(c.Permissions) - len(row.Labels)
	for _, cred := range c.Credentials {
		if cred.LastUsed.After(row.LastUsed) {
			row.LastUsed, row.From = cred.LastUsed, cred.LastUsedFrom
		}
	}
	if newest := newestSecret(c); newest != nil && !newest.Expires.IsZero() && (row.Ends.IsZero() || newest.Expires.Before(row.Ends)) {
		row.Ends, row.EndsWhat = newest.Expires, "secret"
	}
	return row
}

// newestSecret is the secret a caller should use: the last.
func newestSecret(c *registry.Client) *registry.Credential {
	if len(c.Credentials) == 0 {
		return nil
	}
	return &c.Credentials[len(c.Credentials)-1]
}

// soon is how long before its end a client or a secret is warned of.
const soon = 30 * 24 * time.Hour

// clientState is a client's state in a word.
func clientState(c *registry.Client, now time.Time) tag {
	live := 0
	for _, cred := range c.Credentials {
		if cred.Live(now) {
			live++
		}
	}
	newest := newestSecret(c)
	switch {
	case c.Deleted:
		return tag{"deleted", "tag-bad"}
	case c.Disabled:
		return tag{"disabled", "tag-bad"}
	case c.Barred(now) != "":
		return tag{"expired", "tag-bad"}
	case live == 0:
		return tag{"no live secret", "tag-bad"}
	case endsWithin(c.Expires.Time, now, soon), newest != nil && endsWithin(newest.Expires, now, soon):
		return tag{"expires soon", "tag-warn"}
	case live > 1:
		return tag{"two secrets live", "tag-warn"}
	}
	return tag{"active", "tag-ok"}
}

func endsWithin(end, now time.Time, span time.Duration) bool {
	return !end.IsZero() && end.Before(now.Add(span))
}
