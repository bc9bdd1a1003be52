package registry

import (
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// takenBack returns what goes into the feed when a client's or a user's not-before has moved on, or nil. It never moves back: what was
// refused once stays refused.
func takenBack(tenant string, kind revocation.Kind, id string, before time.Time, now *time.Time) *feed.Revocation {
	if !now.After(before) {
		*now = before
		return nil
	}
	taken := feed.UpTo(tenant, kind, id, *now)
	return &taken
}
