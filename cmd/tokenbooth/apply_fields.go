package main

import (
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// put makes what is declared of a client true, and touches nothing else.
func (d *declaredClient) put(c *registry.Client) {
	registry.Write(clientFields, d.said, &d.ClientSpec, &c.ClientSpec)
}

// put makes what is declared of a user true, and touches nothing else.
func (d *declaredUser) put(u *registry.User) {
	registry.Write(registry.UserFields(), d.said, &d.UserSpec, &u.UserSpec)
}

// clientFields are the fields of a client as a file writes them: no end counts from now.
var clientFields = registry.ClientFields(time.Time{})

// compare notes what differs, and with that what is to do.
func (s *step) compare(changes []registry.Change, anew bool) {
	for _, c := range changes {
		if anew {
			c.Old = nil
		}
		s.changes = append(s.changes, difference(c))
	}
	switch {
	case anew:
		s.act = toCreate
	case len(s.changes) > 0:
		s.act = toChange
	default:
		s.act = toDoNone
	}
}
