package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// line is the form of an Issuance in the journal, as Issuance.append writes it.
type line struct {
	Time      time.Time  `json:"time"`
	Tenant    string     `json:"tenant"`
	RequestID string     `json:"request_id"`
	Dialect   string     `json:"dialect"`
	Grant     string     `json:"grant"`
	ClientID  string     `json:"client_id"`
	Subject   string     `json:"subject"`
	Scope     string     `json:"scope"`
	TokenID   string     `json:"token_id"`
	Expires   int64      `json:"expires"` // Unix seconds
	Source    netip.Addr `json:"source"`
}

// FindIssuance returns the issuance that a request was answered with, from the journal in dir, the youngest day first. No such request
// is no error, and nil. It reads whole files, and for a request id that was made here (package secret, NewID) only those of its day and the
// next: it is for a person who asks about one request.
func FindIssuance(dir, requestID string) (*Issuance, error) {
	files, err := filepath.Glob(filepath.Join(dir, "issued-*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("look for the journal: %w", err)
	}
	slices.Sort(files)
	for _, file := range slices.Backward(files) {
		if otherDay(file, requestID) {
			continue
		}
		found, err := findIn(file, requestID)
		if found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

// otherDay reports whether a file is neither of the day on which a request id was made nor of the day after: lines may have waited for the
// disk.
func otherDay(file, requestID string) bool {
	day, err := time.Parse("issued-"+time.DateOnly+".jsonl", filepath.Base(file))
	if err != nil || len(requestID) != len(secret.NewID(day)) {
		return false
	}
	return requestID < secret.FirstID(day.Add(-24*time.Hour)) || requestID > secret.FirstID(day.Add(24*time.Hour))
}

// readAhead is how much of a file is read at once, in bytes: more than any line of ours has.
const readAhead = 256 << 10

func findIn(file, requestID string) (*Issuance, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewReaderSize(f, readAhead); ; {
		text, err := lines.ReadSlice('\n') // a copy of each line would take longer than all the rest
		if bytes.Contains(text, []byte(requestID)) {
			var l line
			if json.Unmarshal(text, &l) == nil && l.RequestID == requestID { // a line that a crash cut short is none
				return &Issuance{l.Time, l.Tenant, l.RequestID, l.Dialect, l.Grant, l.ClientID, l.Subject, l.Scope, l.TokenID,
					time.Unix(l.Expires, 0), l.Source}, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) { // what is as long as that is no line of ours
			return nil, fmt.Errorf("read the journal: %w", err)
		}
	}
}
