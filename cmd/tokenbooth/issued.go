package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

// issuance is a line of the journal, as package audit writes it.
type issuance struct {
	Time      time.Time `json:"time"`
	Tenant    string    `json:"tenant"`
	RequestID string    `json:"request_id"`
	Dialect   string    `json:"dialect"`
	Grant     string    `json:"grant"`
	ClientID  string    `json:"client_id"`
	Subject   string    `json:"subject"`
	Scope     string    `json:"scope"`
	TokenID   string    `json:"token_id"`
	Expires   int64     `json:"expires"`
	Source    string    `json:"source"`
}

func journalFolder(s *settings) string { return filepath.Join(s.Data, "journal") }

// issuedIn finds the token that a request was answered with, the youngest day first. No such request is no error, and nil.
func issuedIn(folder string, tenants []string, id string) (*eventView, error) {
	files, err := filepath.Glob(filepath.Join(folder, "issued-*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("look for the journal: %w", err)
	}
	slices.Sort(files)
	for _, file := range slices.Backward(files) {
		i, err := issuedOn(file, id)
		if err != nil {
			return nil, err
		}
		if i != nil && slices.Contains(tenants, i.Tenant) {
			return i.view(), nil
		}
	}
	return nil, nil
}

func issuedOn(file, id string) (*issuance, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	mark, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("look for request %q: %w", id, err)
	}
	for lines := bufio.NewReader(f); ; {
		l, err := lines.ReadBytes('\n')
		if bytes.Contains(l, mark) {
			var i issuance
			if json.Unmarshal(l, &i) == nil && i.RequestID == id { // a line that a crash cut short is none
				return &i, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
	}
}

func (i *issuance) view() *eventView {
	return &eventView{ID: i.RequestID, Tenant: i.Tenant, Time: i.Time.UTC(), Act: "token.issue", Actor: "client:" + i.ClientID, Subject: i.Subject,
		Outcome: audit.Allowed, RequestID: i.RequestID, Source: i.Source, Detail: map[string]string{"dialect": i.Dialect, "grant": i.Grant,
			"scope": i.Scope, "token_id": i.TokenID, "expires": time.Unix(i.Expires, 0).UTC().Format(time.RFC3339)}}
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
