package directory

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// Search says which clients of a tenant are looked for, and in which order.
type Search struct {
	Text       string // part of the name or the id, in any case, no character a wildcard; empty: any
	State      string // StateActive and so on; empty: any but deleted
	Permission string // held by the client; empty: any
	Sort       string // SortName and so on; empty: by name
	Descending bool
	After      string // Page.Next of the page before; empty: from the start
	Limit      int    // clients of a page; 0: 50, and 200 at most
}

// The states a client can be looked for in. Each is in one of the first three.
const (
	StateActive   = "active"   // neither disabled nor expired
	StateDisabled = "disabled" // whether it is expired or not
	StateExpired  = "expired"  // the client or the newest of its secrets, and it is not disabled
	StateExpiring = "expiring" // active, and not for longer than ExpiringSoon
)

// The orders a search can be in; clients that are equal in it are in the order of their ids.
const (
	SortName    = "name"    // without regard to case
	SortCreated = "created" // to the second
	SortExpires = "expires" // the client or the newest of its secrets, whichever ends first; who never expires comes last
	SortUsed    = "used"    // who was never used comes first
)

// States and sorts are what a search may name.
var (
	states = []string{"", StateActive, StateDisabled, StateExpired, StateExpiring}
	sorts  = []string{"", SortName, SortCreated, SortExpires, SortUsed}
)

// Bounds of a search.
const (
	defaultFound  = 50
	maxFound      = 200
	longestSearch = 200
)

// Page is a page of what was found.
type Page struct {
	Clients []*registry.Client // as the store has them now, with the last use of each secret
	Next    string             // for Search.After; empty at the end
	Total   int                // how many match, on all pages
}

// Find looks for clients; deleted ones are never found. A search that cannot be understood is a *registry.Problem at the field that is
// wrong: text, state, sort or after. The first search of a process may take a second for a hundred thousand clients, the next ones some
// milliseconds and the reading of one page; who does not want to wait says so (WithPatience). Every change that this process made before is
// found.
func (d *Directory) Find(ctx context.Context, tenant string, q Search) (Page, error) {
	clients, err := d.section(tenant)
	if err != nil {
		return Page{}, err
	}
	s, err := d.search(tenant, &q)
	if err != nil {
		return Page{}, err
	}
	var ids []string
	var last *place
	var page Page
	if err := clients.lookThrough(ctx, func(t *roster) { ids, last, page.Total = t.look(s) }); err != nil {
		return Page{}, err
	}
	if last != nil {
		page.Next = d.sealCursor(tenant, &q, last)
	}
	for _, id := range ids {
		c, err := d.registry.InspectClient(ctx, tenant, id)
		if errors.Is(err, registry.ErrNotFound) || err == nil && c.Deleted {
			continue // since we looked
		}
		if err != nil {
			return Page{}, err
		}
		page.Clients = append(page.Clients, c)
	}
	return page, nil
}

// search is a search as it is carried out.
type search struct {
	text       []byte // folded
	state      string
	permission string
	key        func(*row) int64 // nil: by name
	descending bool
	after      *place // nil: from the start
	limit      int
	now, soon  int64
}

func (d *Directory) search(tenant string, q *Search) (*search, error) {
	switch {
	case len(q.Text) > longestSearch:
		return nil, problem("text", "a search is for %d bytes at most", longestSearch)
	case !slices.Contains(states, q.State):
		return nil, problem("state", "a client is %s, not %.64q", strings.Join(states[1:], ", "), q.State)
	case !slices.Contains(sorts, q.Sort):
		return nil, problem("sort", "clients are in the order of %s, not of %.64q", strings.Join(sorts[1:], ", "), q.Sort)
	}
	now := d.now()
	s := &search{text: []byte(fold(q.Text)), state: q.State, permission: q.Permission, descending: q.Descending, limit: q.Limit,
		now: now.Unix(), soon: now.Add(ExpiringSoon).Unix()}
	if s.limit <= 0 {
		s.limit = defaultFound
	}
	s.limit = min(s.limit, maxFound)
	switch q.Sort {
	case SortCreated:
		s.key = func(w *row) int64 { return w.created }
	case SortExpires:
		s.key = (*row).end
	case SortUsed:
		s.key = func(w *row) int64 { return w.used }
	}
	if q.After != "" {
		var err error
		if s.after, err = d.openCursor(tenant, q); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func problem(field, format string, args ...any) error {
	return &registry.Problem{Field: field, Text: fmt.Sprintf(format, args...)}
}

// place is where a client stands in an order.
type place struct {
	n        int64
	name, id []byte
}

func (p *place) compare(q *place) int {
	if c := cmp.Compare(p.n, q.n); c != 0 {
		return c
	}
	if c := bytes.Compare(p.name, q.name); c != 0 {
		return c
	}
	return bytes.Compare(p.id, q.id)
}

func (s *search) place(t *roster, w *row) place {
	if s.key != nil {
		return place{n: s.key(w), id: t.idOf(w)}
	}
	return place{name: t.foldedOf(w), id: t.idOf(w)}
}

// order compares in the direction of the search.
func (s *search) order(p, q *place) int {
	if s.descending {
		return q.compare(p)
	}
	return p.compare(q)
}

// look goes through all rows once and returns the ids of one page, its last place when there is a next page, and how many match.
func (t *roster) look(s *search) (ids []string, last *place, total int) {
	permission, known := t.permissions[s.permission]
	if s.permission != "" && !known {
		return nil, nil, 0
	}
	best := make([]uint32, 0, s.limit+1) // in order; one more than the page shows that there is a next one
	for n := range uint32(len(t.rows)) {
		if s.descending { // rows are much in the order in which clients were made: what comes first on the page is met first
			n = uint32(len(t.rows)) - 1 - n
		}
		w := &t.rows[n]
		if !s.matches(t, w) || s.permission != "" && !t.holds(n, permission) {
			continue
		}
		total++
		p := s.place(t, w)
		if s.after != nil && s.order(&p, s.after) <= 0 {
			continue
		}
		compare := func(b uint32, p *place) int { q := s.place(t, &t.rows[b]); return s.order(&q, p) }
		if len(best) == cap(best) {
			if compare(best[s.limit], &p) < 0 {
				continue
			}
			best = best[:s.limit]
		}
		at, _ := slices.BinarySearchFunc(best, &p, compare)
		best = slices.Insert(best, at, n)
	}
	if len(best) > s.limit {
		best = best[:s.limit]
		p := s.place(t, &t.rows[best[s.limit-1]])
		last = &place{p.n, bytes.Clone(p.name), bytes.Clone(p.id)}
	}
	for _, n := range best {
		ids = append(ids, string(t.idOf(&t.rows[n])))
	}
	return ids, last, total
}

func (s *search) matches(t *roster, w *row) bool {
	if w.flags&isGone != 0 || s.state != "" && !s.inState(w) {
		return false
	}
	return len(s.text) == 0 || t.says(w, s.text)
}

func (s *search) inState(w *row) bool {
	disabled, end := w.flags&isDisabled != 0, w.end()
	switch s.state {
	case StateDisabled:
		return disabled
	case StateExpired:
		return !disabled && end <= s.now
	case StateExpiring:
		return !disabled && end > s.now && end <= s.soon
	}
	return !disabled && end > s.now
}
