package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

// How long the journal of issuances is kept, in days.
const (
	journalDays     = 90 // where the settings do not say
	mostJournalDays = 3650
	pruneEvery      = time.Hour
)

func (s *settings) checkJournal() error {
	if d := s.JournalDays; d != nil && (*d < 1 || *d > mostJournalDays) {
		return s.fault("journal_days", fmt.Sprintf("the journal is kept for 1 to %d days, not %d", mostJournalDays, *d))
	}
	return nil
}

// keepJournal is how long a day of the journal is kept after it has ended.
func (s *settings) keepJournal() time.Duration {
	days := journalDays
	if s.JournalDays != nil {
		days = *s.JournalDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// prune removes days of the journal that are over for long, by a clock that a jump ahead does not move.
func (b *booth) prune(ctx context.Context) {
	for tick := time.NewTicker(pruneEvery); ; {
		if err := audit.PruneJournal(b.settings.journal(), b.clocks.Safe().Add(-b.settings.keepJournal())); err != nil {
			b.log.Error("the journal keeps days that are over", "error", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
