package main

import (
	"fmt"
	"time"
)

// backingUp says where backups are put while the desk serves, and how often.
type backingUp struct {
	To        string         `yaml:"to"`              // folder, which must be there: one that is not mounted is a fault
	Every     *time.Duration `yaml:"every,omitempty"` // from one to the next
	Keep      *int           `yaml:"keep,omitempty"`  // how many; older ones are removed
	Recipient string         `yaml:"recipient,omitempty"`
}

// Bounds of the schedule.
const (
	leastEvery, mostEvery = time.Minute, 31 * 24 * time.Hour
	mostKept              = 1000
)

// checkBackup refuses a schedule that could not be kept, and fills in what it leaves out.
func (s *settings) checkBackup() error {
	b := s.Backup
	if b == nil {
		return nil
	}
	every, keep := 24*time.Hour, 7
	if b.Every == nil {
		b.Every = &every
	}
	if b.Keep == nil {
		b.Keep = &keep
	}
	switch {
	case s.Store == "memory":
		return s.fault("backup", "a store in memory has no file")
	case b.To == "":
		return s.fault("backup.to", "where shall backups be put? Name a folder, best on another disk")
	case *b.Every < leastEvery || *b.Every > mostEvery:
		return s.fault("backup.every", fmt.Sprintf("a backup is made every 1m to 744h (31 days), not every %s", *b.Every))
	case *b.Keep < 1 || *b.Keep > mostKept:
		return s.fault("backup.keep", fmt.Sprintf("1 to %d backups are kept, not %d", mostKept, *b.Keep))
	}
	if b.Recipient != "" {
		if _, err := recipients(b.Recipient); err != nil {
			return s.fault("backup.recipient", err.Error())
		}
	}
	return nil
}
