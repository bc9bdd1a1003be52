package sqlite

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// application marks the file as ours (PRAGMA application_id): "TkBo".
const application = 0x546B426F

// migrations turn a file of version n (its number of migrations so far) into one of version n+1. What has been released is never
// edited; a new version is a new entry.
var migrations = [][]string{
	tables(store.Client, store.User, store.Login, store.Token, store.Refresh, store.Key, store.Event, store.Change, store.Use),
	tables(store.Revocation),
	append(tables(store.Operator, store.Session, store.Answer, store.Tally, store.Notice),
		`CREATE INDEX "event_label" ON "event" (tenant, label, id)`), // who did what, among millions
	{ledgerTable, identity, `INSERT INTO "identity" VALUES (lower(hex(randomblob(16))))`, `INSERT INTO "ledger" VALUES ('groups', 0, 1)`},
}

// tables lays out one table for each kind. The row is stored in the tree of its name, so a look-up is one search; the index by
// parent holds only rows that have one and the index by expiry only rows that end, because each costs every insert a page.
func tables(kinds ...store.Kind) []string {
	var sql []string
	for _, k := range kinds {
		for _, s := range []string{
			`CREATE TABLE "%" (tenant TEXT NOT NULL, id TEXT NOT NULL, rev BIGINT NOT NULL, parent TEXT NOT NULL, label TEXT NOT NULL,
			expires BIGINT, sum BIGINT NOT NULL, body BLOB, PRIMARY KEY (tenant, id)) WITHOUT ROWID`,
			`CREATE INDEX "%_parent" ON "%" (tenant, parent, id) WHERE parent <> ''`,
			`CREATE INDEX "%_expires" ON "%" (expires) WHERE expires IS NOT NULL`,
		} {
			sql = append(sql, strings.ReplaceAll(s, "%", string(k)))
		}
	}
	return sql
}

// migrate runs what is missing of migrations, all in one transaction: a crash leaves the old version or the new one.
func migrate(c *conn) error {
	if v, err := version(c); err != nil || v == int64(len(migrations)) {
		return err // the usual case: no write lock is needed
	}
	if err := insist(func() error { return c.once("BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	v, err := version(c) // again: another process may have done it while we waited
	if err == nil {
		err = upgrade(c, v)
	}
	if err != nil {
		return cmp.Or(err, c.once("ROLLBACK"))
	}
	return c.once("COMMIT")
}

// version returns how many migrations the file has seen; a file without the table has seen none, and one that has seen more than
// this program knows of is not for it.
func version(c *conn) (int64, error) {
	n, err := c.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'")
	if err != nil || n == 0 {
		return 0, err
	}
	n, err = c.integer("SELECT version FROM schema_version")
	if err == nil && n > int64(len(migrations)) {
		return 0, newerError{n}
	}
	return n, err
}

func upgrade(c *conn, from int64) error {
	if from == 0 {
		for _, sql := range []string{
			fmt.Sprintf("PRAGMA application_id = %d", application),
			"CREATE TABLE schema_version (version BIGINT NOT NULL)",
			"INSERT INTO schema_version (version) VALUES (0)",
		} {
			if err := c.once(sql); err != nil {
				return err
			}
		}
	}
	for _, step := range migrations[from:] {
		for _, sql := range step {
			if err := c.once(sql); err != nil {
				return err
			}
		}
	}
	if err := openBooks(c); err != nil {
		return err
	}
	_, err := c.exec("UPDATE schema_version SET version = $1", int64(len(migrations)))
	return err
}

type newerError struct{ version int64 }

func (e newerError) Error() string {
	return fmt.Sprintf("it was written by a newer version of Tokenbooth (store version %d; this one knows %d)", e.version, len(migrations))
}
