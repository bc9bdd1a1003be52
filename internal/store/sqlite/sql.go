package sqlite

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// texts are the statements of a kind, in words that PostgreSQL understands as well.
type texts struct {
	get, before, update, check, back string
	remove, clear, sweep             string         // these return the sums of what they remove
	create                           map[int]string // by number of rows
}

// bundles are how many rows a statement may create at once, largest first: fewer statements cost less than more of them, but each
// size is prepared once for each kind.
var bundles = []int{64, 32, 16, 8, 4, 2, 1}

var statements = func() map[store.Kind]texts {
	all := make(map[store.Kind]texts)
	for _, k := range store.Kinds {
		in := func(s string) string { return strings.ReplaceAll(s, "%", `"`+string(k)+`"`) }
		t := texts{
			get:    in(`SELECT ` + columns + ` FROM % WHERE tenant = $1 AND id = $2`),
			before: in(`SELECT sum FROM % WHERE tenant = $1 AND id = $2 AND rev = $3 AND (expires IS NULL OR expires > $4)`),
			update: in(`UPDATE % SET rev = $1, parent = $2, label = $3, expires = $4, sum = $5, body = $6 WHERE tenant = $7 AND id = $8`),
			remove: in(`DELETE FROM % WHERE tenant = $1 AND id = $2 RETURNING sum`),
			clear:  in(`DELETE FROM % WHERE tenant = $1 AND id = $2 AND expires <= $3 RETURNING sum`),
			sweep: in(`DELETE FROM % WHERE (tenant, id) IN
				(SELECT tenant, id FROM % WHERE expires IS NOT NULL AND expires <= $1 ORDER BY expires LIMIT $2) RETURNING sum`),
			check:  in(`SELECT ` + columns + `, tenant FROM % ORDER BY tenant, id`),
			back:   in(`SELECT ` + columns + `, tenant FROM % ORDER BY tenant DESC, id DESC`),
			create: make(map[int]string),
		}
		for _, n := range bundles {
			t.create[n] = in(create(n))
		}
		all[k] = t
	}
	return all
}()

const columns = `id, rev, parent, label, expires, sum, body`

// create inserts n rows where there are none. Parameters are counted, not numbered: the driver looks a number up by its text, which
// would cost as much as the rest of the row.
func create(n int) string {
	row := `(?, ?, 1, ?, ?, ?, ?, ?)`
	return `INSERT INTO % (tenant, id, rev, parent, label, expires, sum, body) VALUES ` + row + strings.Repeat(`, `+row, n-1) +
		` ON CONFLICT (tenant, id) DO NOTHING`
}

// list builds the statement for a page and its parameters. There are twenty-four different ones for each kind at most.
func list(q store.Query, now int64) (string, []any) {
	sql := strings.Builder{}
	sql.WriteString(`SELECT ` + columns + ` FROM "` + string(q.Kind) + `"`)
	args := []any{q.Tenant}
	// Left to itself SQLite takes a tenant for some ten rows and reads them all, so the statement names the index.
	switch {
	case q.Parent != "": // the index is only for rows that have a parent, so the statement must say that it wants no others
		sql.WriteString(` INDEXED BY "` + string(q.Kind) + `_parent" WHERE tenant = ? AND parent = ? AND parent <> ''`)
		args = append(args, q.Parent)
	case q.Exact && q.Kind == store.Event:
		sql.WriteString(` INDEXED BY "event_label" WHERE tenant = ?`)
	default:
		sql.WriteString(` WHERE tenant = ?`)
	}
	switch {
	case q.Exact:
		sql.WriteString(` AND label = ?`)
		args = append(args, q.Label)
	case q.Label != "":
		sql.WriteString(` AND substr(label, 1, length(?)) = ?`) // LIKE would make wildcards of % and _
		args = append(args, q.Label, q.Label)
	}
	order := ` ORDER BY id LIMIT ?`
	beyond := ` AND id > ?`
	if q.Reverse {
		order, beyond = ` ORDER BY id DESC LIMIT ?`, ` AND id < ?`
	}
	if q.After != "" {
		sql.WriteString(beyond)
		args = append(args, q.After)
	}
	sql.WriteString(` AND (expires IS NULL OR expires > ?)` + order)
	return sql.String(), append(args, now, int64(q.Page()))
}
