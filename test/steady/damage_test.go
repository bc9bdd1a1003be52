package steady

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// How many damages there are: a sample in make test, all of them in make soak. Half of them are inside pages of revocations.
const sample, soak = 60, 200

// folder is a world that was stopped, as it lies on the disk.
type folder map[string][]byte

// take reads the files of the store.
func take(t *testing.T, dir string) folder {
	t.Helper()
	f := folder{}
	for _, name := range []string{"tokenbooth.db", "tokenbooth.db-wal", "tokenbooth.db.mark", "key-encryption-key"} {
		text, err := os.ReadFile(filepath.Join(dir, "data", name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err == nil && len(text) > 0 {
			f[name] = text
		}
	}
	return f
}

// lay writes the files into a fresh folder with the settings of the world.
func (w *world) lay(t *testing.T, f folder) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(w.dir, "tokenbooth.yaml"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tokenbooth.yaml"), text, 0o600)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "data"), 0o700)
	}
	for name, text := range f {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "data", name), text, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// places are the pages of the table of revocations in a database that was stopped cleanly.
func places(t *testing.T, dir string) (pages []int64) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "tokenbooth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT pageno FROM dbstat WHERE name = 'revocation'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, n)
	}
	if err := rows.Err(); err != nil || len(pages) < 4 {
		t.Fatalf("revocations are in %d pages (%v)", len(pages), err)
	}
	return pages
}

// scene is what damages are done to.
type scene struct {
	dice                   *rand.Rand
	stopped, killed, early folder
	pages                  []int64 // of revocations, in stopped
}

// damage returns a folder with one damage, and says what it is.
func (s *scene) damage(n int) (what string, f folder) {
	if n%2 == 0 {
		f = s.stopped.copy()
		page := s.pages[s.dice.IntN(len(s.pages))]
		at := (page-1)*4096 + s.dice.Int64N(4096)
		if s.dice.IntN(3) == 0 {
			at = (page-1)*4096 + s.dice.Int64N(12) // its head: kind, first free block, number of cells
		}
		return s.flip(f, "tokenbooth.db", at, "a page of revocations, "), f
	}
	f = s.stopped.copy()
	if s.dice.IntN(2) == 0 {
		f = s.killed.copy()
	}
	name := []string{"tokenbooth.db", "tokenbooth.db-wal", "tokenbooth.db.mark"}[s.dice.IntN(3)]
	if f[name] == nil {
		name = "tokenbooth.db"
	}
	size := int64(len(f[name]))
	switch s.dice.IntN(4) {
	case 0, 1:
		return s.flip(f, name, s.dice.Int64N(size), ""), f
	case 2:
		keep := s.dice.Int64N(size)
		f[name] = f[name][:keep]
		return fmt.Sprintf("%s cut to %d of %d bytes", name, keep, size), f
	}
	switch s.dice.IntN(4) {
	case 0:
		f["tokenbooth.db"] = s.early["tokenbooth.db"]
		return "an earlier database in the place of the latest", f
	case 1:
		f = s.killed.copy()
		f["tokenbooth.db"] = s.early["tokenbooth.db"]
		return "an earlier database under the log of the latest", f
	case 2:
		f = s.killed.copy()
		delete(f, "tokenbooth.db-wal")
		return "the log is gone", f
	}
	delete(f, "tokenbooth.db")
	return "the database is gone", f
}

func (f folder) copy() folder {
	other := folder{}
	for name, text := range f {
		other[name] = append([]byte(nil), text...)
	}
	return other
}

// flip damages one bit or one byte.
func (s *scene) flip(f folder, name string, at int64, where string) string {
	mask := byte(1) << s.dice.IntN(8)
	if s.dice.IntN(2) == 0 {
		mask = byte(1 + s.dice.IntN(255))
	}
	f[name][at] ^= mask
	return fmt.Sprintf("%s: %sbyte %d xor %#02x", name, where, at, mask)
}

// set builds the scene: a world that was stopped, and one that was killed with its log beside it.
func set(t *testing.T, w *world, seed uint64) *scene {
	t.Helper()
	s := &scene{dice: rand.New(rand.NewPCG(seed, 0))}
	w.mustStart(t)
	w.trade(t, 20)
	w.stop()
	s.early = take(t, w.dir)
	w.mustStart(t)
	w.trade(t, 130)
	w.stop()
	s.stopped, s.pages = take(t, w.dir), places(t, w.dir)
	w.mustStart(t)
	w.trade(t, 4)
	w.kill()
	s.killed = take(t, w.dir)
	if s.killed["tokenbooth.db-wal"] == nil {
		t.Fatal("a killed server left no log")
	}
	return s
}

func (w *world) mustStart(t *testing.T) {
	t.Helper()
	if !w.start(t, w.dir) {
		t.Fatalf("the server does not start: %s", w.said)
	}
}

// TestDamageIsRefusedAndNeverServed damages what a stopped server left, starts it, and asks for everything it had acknowledged.
func TestDamageIsRefusedAndNeverServed(t *testing.T) {
	runs, seed := sample, uint64(time.Now().UnixNano())
	if os.Getenv("TOKENBOOTH_SOAK") != "" {
		runs = soak
	}
	if text := os.Getenv("TOKENBOOTH_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the seed is %d: again with TOKENBOOTH_SEED", seed)
	w := newWorld(t)
	s := set(t, w, seed)
	late := len(w.valid) - 2*len(w.clients) // tokens that only the killed server had acknowledged
	unharmed, noStart, partly := 0, 0, 0
	for n := range runs {
		what, f := s.damage(n)
		asked := *w
		if string(f["tokenbooth.db.mark"]) == string(s.stopped["tokenbooth.db.mark"]) {
			asked.valid, asked.revoked = w.valid[:late], w.revoked[:late]
		}
		if !asked.start(t, w.lay(t, f)) {
			noStart++
			continue
		}
		v := asked.ask()
		asked.kill()
		switch {
		case len(v.wrong) > 0:
			t.Errorf("damage %d (%s): %d wrong answers, the first: %s", n, what, len(v.wrong), v.wrong[0])
		case v.refused > 0:
			partly++
		default:
			unharmed++
		}
	}
	t.Logf("%d damages: %d did not start, %d answered in part, %d were unharmed", runs, noStart, partly, unharmed)
	if unharmed*100 > runs*60 {
		t.Errorf("%d of %d were unharmed: the test tests little", unharmed, runs)
	}
}

// TestTheCheckerFindsAPlantedFault forges a database that lies and whose ledger fits the lie: what no store can notice, the checker must.
func TestTheCheckerFindsAPlantedFault(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	w.trade(t, 4)
	w.stop()
	if v := func() verdict { w.mustStart(t); defer w.stop(); return w.ask() }(); len(v.wrong) > 0 || v.refused > 0 {
		t.Fatalf("without a fault: %d refused, wrong: %s", v.refused, strings.Join(v.wrong, "; "))
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "data", "tokenbooth.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, lie := range []string{
		`DELETE FROM revocation`, `UPDATE ledger SET n = 0, total = 0 WHERE name = 'revocation'`,
		`DELETE FROM token`, `UPDATE ledger SET n = 0, total = 0 WHERE name = 'token'`,
	} {
		if _, err := db.Exec(lie); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w.mustStart(t)
	defer w.kill()
	revoked, valid := false, false
	for _, wrong := range w.ask().wrong {
		revoked, valid = revoked || strings.Contains(wrong, "active false"), valid || strings.Contains(wrong, "active true")
	}
	if !revoked || !valid {
		t.Errorf("a revoked token that passes is found: %v, a valid one that is refused: %v; want both", revoked, valid)
	}
}
