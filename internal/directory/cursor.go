package directory

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

func (d *Directory) sealCursor(tenant string, q *Search, p *place) string {
	plain, _ := json.Marshal(cursor{q.Sort, q.Descending, p.n, p.name, p.id}) // plain fields: it cannot fail
	return base64.RawURLEncoding.EncodeToString(d.sealer.Seal(cursorLabel(tenant), plain))
}

// openCursor returns where to go on. A cursor of another tenant or order, or one that nobody was given, is a *registry.Problem.
func (d *Directory) openCursor(tenant string, q *Search) (*place, error) {
	wrong := problem("after", "this is not where a page of this search ended; start at the first page")
	if len(q.After) > longestCursor {
		return nil, wrong
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(q.After)
	if err != nil {
		return nil, wrong
	}
	plain, err := d.sealer.Open(cursorLabel(tenant), sealed)
	if err != nil {
		return nil, wrong
	}
	var c cursor
	if json.Unmarshal(plain, &c) != nil || c.Sort != q.Sort || c.Descending != q.Descending {
		return nil, wrong
	}
	return &place{c.N, c.Name, c.ID}, nil
}
