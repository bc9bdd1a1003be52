package bearer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// between is how long a token with a key that nobody knows lets the keys be read again at the earliest: whoever makes such tokens must
// not make us a burden to the issuer.
const between = 10 * time.Second

// flight is a question that several callers may wait for. Its other members count once done is closed.
type flight struct {
	done  chan struct{}
	err   error
	token *Token // of a look-up
}

var errClosed = errors.New("the issuer is not followed any more")

// land ends a flight.
func (f *flight) land(t *Token, err error) *flight {
	f.token, f.err = t, err
	close(f.done)
	return f
}

// key returns a key we know.
func (i *Issuer) key(kid string) (Key, bool) {
	set := i.keys.Load()
	if set == nil {
		return Key{}, false
	}
	k, ok := set.keys[kid]
	return k, ok
}

// refresh begins to read the keys, or joins who is at it. With throttled it returns nil when they were read a moment ago.
func (i *Issuer) refresh(throttled bool) *flight {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.r.Now()
	since := now.Sub(i.asked)
	f := &flight{done: make(chan struct{})}
	switch {
	case i.reading != nil:
		return i.reading
	case i.closed:
		return f.land(nil, errClosed)
	case throttled && since >= 0 && since < between:
		return nil
	}
	i.reading, i.asked = f, now
	i.running.Go(func() {
		err := i.readKeys()
		i.troubles.note(i.r.Now(), troubleKeys, err)
		i.mu.Lock()
		i.reading, i.missed = nil, err
		i.mu.Unlock()
		f.land(nil, err)
	})
	return f
}

// missing is asked for a key that is not there: it reads the keys again, if that was not done a moment ago, and waits for it. When they
// could be read and do not have it, that is a refusal; when they could not, it is a fault, for the key may be a good one.
func (i *Issuer) missing(ctx context.Context, kid string) (Key, error) {
	err := i.readFor(ctx)
	if k, ok := i.key(kid); ok {
		return k, nil
	}
	if err != nil {
		return Key{}, fmt.Errorf("%w: find the key %.64q: %w", oauth.ErrUnavailable, kid, err)
	}
	return Key{}, refused(oauth.UnknownKey, "header: the issuer has no key %q", oauth.Unproven(kid))
}

// readFor reads the keys for a call that waits for it, and returns why they could not be read now or a moment ago.
func (i *Issuer) readFor(ctx context.Context) error {
	f := i.refresh(true)
	if f == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.missed
	}
	patience := time.NewTimer(i.r.pace.patience)
	defer patience.Stop()
	select {
	case <-f.done:
		return f.err
	case <-patience.C:
		return errors.New("the issuer's keys are still being read")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keepKeys reads the keys when they are due. While the issuer is away those that we have go on counting: a key does not become false
// because nobody confirms it.
func (i *Issuer) keepKeys() {
	var failed backoff
	for {
		f := i.refresh(false)
		<-f.done
		var wait time.Duration
		switch {
		case f.err == nil:
			failed = 0
			wait = i.keys.Load().age
			wait -= upTo(wait / 10) // not all guards at once
		case i.keys.Load() == nil:
			wait = failed.next(i.r.pace.least, i.r.pace.most)
		default:
			wait = failed.next(i.r.pace.least, minKeyAge)
		}
		if !i.pause(wait, i.again) {
			return
		}
	}
}

// readAgain lets keepKeys read the keys now.
func (i *Issuer) readAgain() {
	select {
	case i.again <- struct{}{}:
	default: // it will anyway
	}
}

// withdrawn reports whether the issuer has taken a key back. What it still signs is not even read.
func (i *Issuer) withdrawn(kid string) bool { return i.set.Has(revocation.NameOf(revocation.Key, kid)) }
