package sqlite

import (
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

func plan(t *testing.T, c *conn, sql string, args ...any) string {
	t.Helper()
	var steps []string
	err := c.query("EXPLAIN QUERY PLAN "+sql, func(row []driver.Value) error {
		steps = append(steps, fmt.Sprint(row[3]))
		return nil
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}

func TestNoStatementReadsAWholeTableOrSorts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openAt(t, path, time.Now)
	c, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	kept := statements[store.Token]
	for _, tc := range []struct {
		sql, want string
		args      []any
	}{
		{kept.get, "PRIMARY KEY (tenant=? AND id=?)", []any{"", ""}},
		{kept.before, "PRIMARY KEY (tenant=? AND id=?)", []any{"", "", int64(1), int64(1)}},
		{kept.update, "PRIMARY KEY (tenant=? AND id=?)", []any{int64(1), "", "", nil, int64(0), nil, "", ""}},
		{kept.remove, "PRIMARY KEY (tenant=? AND id=?)", []any{"", ""}},
		{kept.sweep, "token_expires (expires>? AND expires<?)", []any{int64(1), int64(1)}},
		{kept.clear, "PRIMARY KEY (tenant=? AND id=?)", []any{"", "", int64(1)}},
		{kept.check, "SCAN token", nil},
	} {
		wantPlan(t, plan(t, c, tc.sql, tc.args...), tc.want)
	}
	for _, reverse := range []bool{false, true} {
		for _, after := range []string{"", "x"} {
			sql, args := list(store.Query{Kind: store.Token, Parent: "p", Reverse: reverse, After: after, Label: "l"}, 1)
			wantPlan(t, plan(t, c, sql, args...), "token_parent (tenant=? AND parent=?")
			sql, args = list(store.Query{Kind: store.Event, Reverse: reverse, After: after, Label: "l", Exact: true}, 1)
			found := "event_label (tenant=? AND label=?"
			if after != "" {
				found += " AND id"
			}
			wantPlan(t, plan(t, c, sql, args...), found)
			sql, args = list(store.Query{Kind: store.Event, Parent: "p", Reverse: reverse, After: after, Label: "l", Exact: true}, 1)
			wantPlan(t, plan(t, c, sql, args...), "event_parent (tenant=? AND parent=?")
			sql, args = list(store.Query{Kind: store.Token, Reverse: reverse, After: after, Label: "l", Exact: true}, 1)
			wantPlan(t, plan(t, c, sql, args...), "PRIMARY KEY (tenant=?")
			sql, args = list(store.Query{Kind: store.Token, Reverse: reverse, After: after}, 1)
			wantPlan(t, plan(t, c, sql, args...), "PRIMARY KEY (tenant=?")
		}
	}
}

func wantPlan(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) || strings.Contains(got, "TEMP B-TREE") {
		t.Errorf("plan %q, want %q without sorting", got, want)
	}
}

// SQLite before 3.51.3 could lose pages when the log was reset under load.
func TestSQLiteIsYoungEnough(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openAt(t, path, time.Now)
	c, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var version string
	if err := c.query("SELECT sqlite_version()", func(row []driver.Value) error { version = fmt.Sprint(row[0]); return nil }); err != nil {
		t.Fatal(err)
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil || major*10000+minor*100+patch < 35103 {
		t.Errorf("SQLite %s (%v), want 3.51.3 or later", version, err)
	}
}
