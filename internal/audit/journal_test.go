package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock(t time.Time) *clock         { c := &clock{}; c.at.Store(t.UnixMicro()); return c }
func (c *clock) now() time.Time           { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Microseconds()) }

func openJournal(t *testing.T, dir string, c *clock) *Journal {
	t.Helper()
	j, err := OpenJournal(dir, c.now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func issuance(id string) *Issuance {
	return &Issuance{Time: start, Tenant: "acme", RequestID: "r-" + id, Dialect: "oauth2", Grant: "client_credentials", ClientID: "postman",
		Subject: "postman", Scope: "workflows nql", TokenID: id, Expires: start.Add(15 * time.Minute), Source: netip.MustParseAddr("192.0.2.7")}
}

// lines reads a journal file, each line of which must be one JSON object.
func lines(t *testing.T, dir, day string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "issued-"+day+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range bytes.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

func TestReq100_every_issuance_is_one_line_of_json(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	j := openJournal(t, dir, c)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 200 {
				j.Write(issuance(fmt.Sprintf("%d-%d", w, i)))
			}
		})
	}
	writers.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[any]bool{}
	for _, m := range lines(t, dir, "2026-11-22") {
		seen[m["token_id"]] = true
		if m["time"] != "2026-11-22T04:09:00.123Z" || m["tenant"] != "acme" || m["client_id"] != "postman" || m["source"] != "192.0.2.7" ||
			m["expires"] != float64(start.Add(15*time.Minute).Unix()) || m["scope"] != "workflows nql" || m["dialect"] != "oauth2" {
			t.Fatalf("%v", m)
		}
	}
	if len(seen) != 1600 || j.Lost() != 0 {
		t.Errorf("%d of 1600 issuances, %d lost", len(seen), j.Lost())
	}
	info, err := os.Stat(filepath.Join(dir, "issued-2026-11-22.jsonl"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func FuzzReq101_journal_line_is_json_whatever_the_names(f *testing.F) {
	for _, s := range []string{"", "a\"b", "a\\", "\r\n{\"time\":1}", "\x1b[31m", "\u2028", "\x7f", "<script>", "日本", "\x00"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, scope string) {
		if !utf8.ValidString(name) || !utf8.ValidString(scope) {
			return // nothing but UTF-8 gets past the dialects and the registry
		}
		i := issuance("x")
		i.ClientID, i.Scope = name, scope
		line := i.append(nil)
		var m struct {
			Client string `json:"client_id"`
			Scope  string `json:"scope"`
		}
		if err := json.Unmarshal(line, &m); err != nil || m.Client != name || m.Scope != scope {
			t.Fatalf("%q: %+v, %v", line, m, err)
		}
		for _, c := range line[:len(line)-1] {
			if c < 0x20 || c == 0x7f {
				t.Fatalf("a control character in %q", line)
			}
		}
	})
}

func TestJournalBeginsANewFileAtMidnightUTC(t *testing.T) {
	dir, c := t.TempDir(), newClock(time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC))
	j := openJournal(t, dir, c)
	j.Write(issuance("before"))
	waitFor(t, func() bool { return size(dir, "2026-11-22") > 0 })
	c.advance(2 * time.Second)
	j.Write(issuance("after"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if l := lines(t, dir, "2026-11-22"); len(l) != 1 || l[0]["token_id"] != "before" {
		t.Errorf("the old day: %v", l)
	}
	if l := lines(t, dir, "2026-11-23"); len(l) != 1 || l[0]["token_id"] != "after" {
		t.Errorf("the new day: %v", l)
	}
}

func TestJournalGoesOnWhereAnEarlierProcessEndedAndEndsItsTornLine(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	j := openJournal(t, dir, c)
	j.Write(issuance("one"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "issued-2026-11-22.jsonl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, text[:20]...), 0o600); err != nil { // the machine stopped in the middle of a line
		t.Fatal(err)
	}
	j = openJournal(t, dir, c)
	j.Write(issuance("two"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := bytes.Split(bytes.TrimSpace(all), []byte{'\n'})
	if len(whole) != 3 || !json.Valid(whole[0]) || json.Valid(whole[1]) || !bytes.Contains(whole[2], []byte(`"two"`)) || !json.Valid(whole[2]) {
		t.Errorf("%s", all)
	}
}

func TestAJournalThatIsRotatedGoesOnInANewFile(t *testing.T) {
	for name, rotate := range map[string]func(t *testing.T, file string){
		"moved away": func(t *testing.T, file string) {
			if err := os.Rename(file, file+".1"); err != nil {
				t.Fatal(err)
			}
		},
		"moved away and made again by another program": func(t *testing.T, file string) {
			if err := errors.Join(os.Rename(file, file+".1"), os.WriteFile(file, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		},
		"copied and cut to nothing": func(t *testing.T, file string) {
			text, err := os.ReadFile(file)
			if err := errors.Join(err, os.WriteFile(file+".1", text, 0o600), os.Truncate(file, 0)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), newClock(start)
			file := filepath.Join(dir, "issued-2026-11-22.jsonl")
			j := openJournal(t, dir, c)
			j.Write(issuance("before"))
			waitFor(t, func() bool { return size(dir, "2026-11-22") > 0 })
			rotate(t, file)
			j.Write(issuance("after"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if l := lines(t, dir, "2026-11-22"); len(l) != 1 || l[0]["token_id"] != "after" {
				t.Errorf("the new file: %v", l)
			}
			old, err := os.ReadFile(file + ".1")
			if err != nil || strings.Count(string(old), "\n") != 1 || !strings.Contains(string(old), "before") {
				t.Errorf("the old file: %s %v", old, err)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info.Mode(), err)
			}
		})
	}
}

func TestTheJournalIsOpenedAnewWhenItIsTold(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	j := openJournal(t, dir, c)
	for range 3 {
		j.Reopen() // never waits
	}
	j.Write(issuance("one"))
	waitFor(t, func() bool { return len(j.anew) == 0 && size(dir, "2026-11-22") > 0 })
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if l := lines(t, dir, "2026-11-22"); len(l) != 1 {
		t.Errorf("%v", l)
	}
}

// fullDisk makes the file of a day one that takes nothing.
func fullDisk(t *testing.T, dir, day string) {
	t.Helper()
	if err := os.Symlink("/dev/full", filepath.Join(dir, "issued-"+day+".jsonl")); err != nil {
		t.Skip(err)
	}
}

func TestJournalKeepsLinesThatTheDiskDoesNotTake(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	fullDisk(t, dir, "2026-11-22")
	var said strings.Builder
	j, err := OpenJournal(dir, c.now, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		j.Write(issuance(fmt.Sprint(i)))
		time.Sleep(flushEvery / 5)
	}
	c.advance(24 * time.Hour) // the disk has room again
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	got := lines(t, dir, "2026-11-23")
	if len(got) != 10 || j.Lost() != 0 {
		t.Fatalf("%d of 10 lines, %d lost", len(got), j.Lost())
	}
	for i, m := range got {
		if m["token_id"] != fmt.Sprint(i) {
			t.Errorf("line %d is of %v", i, m["token_id"])
		}
	}
	if n := strings.Count(said.String(), "cannot be written"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, said.String())
	}
}

func TestB29_journal_of_a_full_disk_is_bounded_and_counts_what_it_loses(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	fullDisk(t, dir, "2026-11-22")
	j := openJournal(t, dir, c)
	i := issuance("x")
	i.Scope = strings.Repeat("s", 4000)
	for range 3 * journalBytes / 4000 {
		j.Write(i)
	}
	time.Sleep(2 * flushEvery)
	for range 3 * journalBytes / 4000 {
		j.Write(i)
	}
	j.mu.Lock()
	held := len(j.pending) + j.taken
	j.mu.Unlock()
	if held > journalBytes+8192 {
		t.Errorf("%d bytes wait, the bound is %d", held, journalBytes)
	}
	written := uint64(2 * (3 * journalBytes / 4000))
	if l := j.Lost(); l < written/2 || l >= written {
		t.Errorf("%d of %d counted as lost", l, written)
	}
	if err := j.Close(); err == nil {
		t.Error("closing did not say that lines were lost")
	}
	if j.Lost() != written {
		t.Errorf("%d of %d counted as lost at the end", j.Lost(), written)
	}
}

func TestATornLineIsFinishedInItsOwnFile(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	j := openJournal(t, dir, c)
	if err := j.Close(); err != nil { // the flusher is gone: this test takes its place
		t.Fatal(err)
	}
	var err error
	if j.file, err = os.OpenFile(filepath.Join(dir, "issued-2026-11-22.jsonl"), os.O_APPEND|os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	line := issuance("torn").append(nil)
	if _, err := j.put(line[:10]); err != nil { // as after a write that the disk cut short
		t.Fatal(err)
	}
	c.advance(24 * time.Hour)
	j.pending = append(j.pending, line[10:]...)
	j.flush()
	j.Write(issuance("next"))
	j.flush()
	if l := lines(t, dir, "2026-11-22"); len(l) != 1 || l[0]["token_id"] != "torn" {
		t.Errorf("%v", l)
	}
	if l := lines(t, dir, "2026-11-23"); len(l) != 1 || l[0]["token_id"] != "next" {
		t.Errorf("%v", l)
	}
}

func TestOpenJournalSaysWhatIsWrongWithItsFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(file, atStart, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("%v", err)
	}
}

func size(dir, day string) int64 {
	info, err := os.Stat(filepath.Join(dir, "issued-"+day+".jsonl"))
	if err != nil {
		return 0
	}
	return info.Size()
}

func waitFor(t *testing.T, happened func() bool) {
	t.Helper()
	for range 500 {
		if happened() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it did not happen within five seconds")
}

func TestRow8_DaysOfTheJournalThatAreOverAreRemoved(t *testing.T) {
	dir := t.TempDir()
	names := []string{"issued-2026-08-23.jsonl", "issued-2026-08-24.jsonl", "issued-2026-11-22.jsonl", "issued-2026-08-01.jsonl.1", "other"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := PruneJournal(dir, start.Add(-90*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != (i > 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRow8_WhileTheDisksRoomIsAnothersTheJournalWaits(t *testing.T) {
	dir, c := t.TempDir(), newClock(start)
	j := openJournal(t, dir, c)
	var held atomic.Bool
	held.Store(true)
	j.HoldWhile(held.Load)
	j.Write(issuance("one"))
	time.Sleep(2 * flushEvery) // what is not written then is held
	if n := size(dir, "2026-11-22"); n != 0 {
		t.Errorf("%d bytes were written", n)
	}
	held.Store(false)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if l := lines(t, dir, "2026-11-22"); len(l) != 1 {
		t.Errorf("%v", l)
	}
}
