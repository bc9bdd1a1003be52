package admin

import (
	"context"
	"errors"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/office"
)

// maxTries is how often a change that lost a race is made anew.
const maxTries = 5

// change is how a registration is changed over the API, which replaces all of it: read it, edit it, write it back as long as it is what
// was read.
type change[T any] struct {
	read  func(context.Context) (T, error)
	state func(T) (rev uint64, by string, at time.Time) // what it is now, and who made it so
	edit  func(T) error
	write func(ctx context.Context, t T, seen uint64) (T, error)
}

// run makes the change of revision rev. Where rev is 0, that somebody else was faster is nobody's business: it is made anew on what is
// there now.
func (c change[T]) run(ctx context.Context, rev uint64) (none T, err error) {
	for try := 1; ; try++ {
		t, err := c.read(ctx)
		if err != nil {
			return none, err
		}
		seen, by, at := c.state(t)
		if rev != 0 && rev != seen {
			return none, &office.Changed{By: by, At: at}
		}
		if err := c.edit(t); err != nil {
			return none, err
		}
		changed, err := c.write(ctx, t, seen)
		if rev == 0 && errors.Is(err, office.ErrChanged) && try < maxTries {
			continue
		}
		return changed, err
	}
}
