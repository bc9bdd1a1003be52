package main

import (
	"context"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// tallyEvery is how often requests are added up: what a crash loses at most.
const tallyEvery = time.Minute

// tally keeps count of issued and refused requests, by tenant and hour.
func (b *booth) tally(ctx context.Context) {
	before := map[string]server.Outcome{} // since the start: there may have been requests already
	for done := false; !done; {
		select {
		case <-time.After(tallyEvery):
		case <-ctx.Done():
			done = true
		}
		now := b.metrics.Outcomes()
		for tenant, n := range now {
			was := before[tenant]
			if n == was {
				continue
			}
			write, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			err := audit.AddTally(write, b.desk.store, tenant, b.now(), n.Issued-was.Issued, n.Refused-was.Refused)
			cancel()
			if err != nil {
				b.log.Error("requests were not added up", "tenant", tenant, "error", err)
				now[tenant] = was // the next time
			}
		}
		before = now
	}
}
