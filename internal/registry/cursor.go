package registry

import (
	"encoding/base64"
	"encoding/json"
)

// cursor is where a page ended. It is sealed: a name that somebody may not read does not show in an address, and nobody can make one.
type cursor struct {
	Sort       string `json:"s,omitempty"`
	Descending bool   `json:"d,omitempty"`
	N          int64  `json:"n,omitempty"`
	Name       []byte `json:"t,omitempty"`
	ID         []byte `json:"i"`
}

// longestCursor bounds what is opened: no cursor of ours is longer.
const longestCursor = 8192

func cursorLabel(tenant string) string { return "page of clients of " + tenant }

func (r *Registry) sealCursor(tenant string, q *ClientSearch, p *place) string {
	return base64.RawURLEncoding.EncodeToString(r.sealer.Seal(cursorLabel(tenant), encode(cursor{q.Sort, q.Descending, p.n, p.name, p.id})))
}

// openCursor returns where to go on. A cursor of another tenant or order, or one that nobody was given, is a *Problem.
func (r *Registry) openCursor(tenant string, q *ClientSearch) (*place, error) {
	wrong := problem("after", "this is not where a page of this search ended; start at the first page")
	if len(q.After) > longestCursor {
		return nil, wrong
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(q.After)
	if err != nil {
		return nil, wrong
	}
	plain, err := r.sealer.Open(cursorLabel(tenant), sealed)
	if err != nil {
		return nil, wrong
	}
	var c cursor
	if json.Unmarshal(plain, &c) != nil || c.Sort != q.Sort || c.Descending != q.Descending {
		return nil, wrong
	}
	return &place{c.N, c.Name, c.ID}, nil
}
