//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// memory measures what the product occupies, at rest and after it was under load.
func (b *bench) memory() error {
	t, err := b.newBooth(few, "127.0.0.1:9")
	if err != nil {
		return err
	}
	if err := b.open(t); err != nil {
		return err
	}
	time.Sleep(time.Second)
	rest, _, err := t.server.memory()
	if err != nil {
		return err
	}
	for _, s := range []side{t.side("JWT", atRandom(t.jwts)), t.side("opaque", atRandom(t.opaques))} {
		s.load.lasts = 2 * time.Second
		if _, err := s.take(); err != nil {
			return err
		}
	}
	_, most, err := t.server.memory()
	if err != nil {
		return err
	}
	b.report.add(row{figure: "memory at rest / at most under load", ours: mebibytes(rest) + " / " + mebibytes(most)}, true)
	return nil
}

const (
	starts      = 9
	startWithin = 150 * time.Millisecond
)

// start measures the time from the start of the process, on a database that exists, to its first token.
func (b *bench) start() error {
	t, err := b.newBooth(few, "127.0.0.1:9")
	if err != nil {
		return err
	}
	var took []float64
	for n := range starts + 1 {
		if err := b.open(t); err != nil {
			return err
		}
		if n > 0 { // the first one makes keys
			took = append(took, milliseconds(time.Since(t.server.began)))
		}
		if err := t.server.stop(); err != nil {
			return err
		}
	}
	m := median(took)
	b.report.add(row{figure: fmt.Sprintf("start of the process to its first token (median of %d)", starts), ours: fmt.Sprintf("%.0f ms", m),
		must: fmt.Sprintf("at most %d ms", startWithin.Milliseconds())}, m <= milliseconds(startWithin))
	return nil
}

// bytes measures what JWTs leave in the database and its log.
func (b *bench) bytes() error {
	const tokens = 100_000
	t, err := b.newBooth(few, "127.0.0.1:9")
	if err != nil {
		return err
	}
	if err := b.open(t); err != nil {
		return err
	}
	s := t.side("JWT", inTurn(t.jwts))
	s.load.count = 5 * few
	if _, err := s.take(); err != nil { // once a minute the last use of each secret is noted; now it has been
		return err
	}
	time.Sleep(settle)
	database, err := t.files("tokenbooth.db*")
	if err != nil {
		return err
	}
	journal, err := t.files("journal/*")
	if err != nil {
		return err
	}
	s.load.count = tokens
	if _, err := s.take(); err != nil {
		return err
	}
	time.Sleep(time.Second)
	databaseNow, err := t.files("tokenbooth.db*")
	if err != nil {
		return err
	}
	journalNow, err := t.files("journal/*")
	if err != nil {
		return err
	}
	n := written(database, databaseNow)
	b.report.add(row{figure: fmt.Sprintf("bytes written to the database by %s JWTs", whole(tokens)), ours: whole(float64(n)), must: "0"}, n == 0)
	b.report.note("Each of these JWTs added %.0f bytes to the journal of issuances. The last use of a secret is noted in the database once a minute, however many tokens it buys.",
		float64(written(journal, journalNow))/tokens)
	return nil
}

// files reads the files of a booth that match, by name. What maps the log into memory (-shm) is no part of what is stored.
func (t *booth) files(pattern string) (map[string][]byte, error) {
	names, err := filepath.Glob(filepath.Join(t.dir, pattern))
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, n := range names {
		if filepath.Ext(n) == ".db-shm" {
			continue
		}
		if all[n], err = os.ReadFile(n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// written returns how many bytes of the files are new or others than before. A log that begins again at its start does not grow, but
// it changes.
func written(before, after map[string][]byte) (n int) {
	for name, now := range after {
		then := before[name]
		n += max(0, len(now)-len(then))
		for i := range min(len(now), len(then)) {
			if now[i] != then[i] {
				n++
			}
		}
	}
	return n
}
