package office

import (
	"errors"
	"fmt"
	"time"
)

// ErrChanged says that a thing is not any more what the author of a change has seen. What wraps it is a *Changed where it is known who
// was faster.
var ErrChanged = errors.New("it has been changed meanwhile")

// Changed says who has changed a thing that somebody else wanted to change as well, and when.
type Changed struct {
	By string // an audit actor
	At time.Time
}

// Error says who was faster.
func (c *Changed) Error() string {
	return fmt.Sprintf("%v by %s at %s", ErrChanged, c.By, c.At.UTC().Format(time.RFC3339))
}

// Is reports that a Changed is an ErrChanged.
func (c *Changed) Is(target error) bool { return target == ErrChanged }

// unchanged refuses a change by somebody who has seen revision seen of a thing that has revision rev; 0 is any. Of a user and of an operator
// that is the edition: a sign-in is no change that somebody could overlook.
func unchanged(seen, rev uint64, by string, at time.Time) error {
	if seen == 0 || seen == rev {
		return nil
	}
	return &Changed{by, at}
}
