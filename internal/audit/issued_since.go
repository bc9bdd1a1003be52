package audit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// IssuedSince counts the issuances of the journal in dir that are later than since, by tenant and client: whose tokens a store that is
// older than its journal does not know.
func IssuedSince(dir string, since time.Time) (map[[2]string]int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "issued-*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("look for the journal: %w", err)
	}
	counts := map[[2]string]int{}
	for _, file := range files {
		day, err := time.Parse("issued-"+time.DateOnly+".jsonl", filepath.Base(file))
		if err == nil && day.Add(48*time.Hour).Before(since) { // lines may have waited for the disk
			continue
		}
		if err := countIn(file, since, counts); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

func countIn(file string, since time.Time, counts map[[2]string]int) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, readAhead)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Time.After(since) { // a line that a crash cut short is none
			counts[[2]string{l.Tenant, l.ClientID}]++
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the journal %s: %w", file, err)
	}
	return nil
}
