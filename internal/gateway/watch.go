package gateway

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	longBody   = 64 << 10    // bytes; what is shorter, and says so, is over before anybody could look
	firstLook  = time.Second // after the call turned out to be a long one
	everyLook  = 2 * time.Second
	lookExpiry = time.Millisecond // after the token's expiry
)

// isLong reports whether a body may take its time: it is large, or does not say how large it is, as streams do.
func isLong(length int64) bool { return length < 0 || length > longBody }

// watch looks after a call that stays: a stream, a large body, a connection that is no longer HTTP. Its token was good when it began;
// when the token expires or is taken back, the call is cut.
type watch struct {
	call *call

	mu    sync.Mutex
	timer *time.Timer
	body  io.Closer    // of the upstream's answer; nil until that is there
	dead  *oauth.Error // why the call was cut
	over  bool
}

// watchOver begins to look after a call, or goes on with the upstream's answer. Without a token there is nothing to look after.
func (c *call) watchOver(body io.Closer) {
	switch {
	case c.token == nil:
	case c.watch == nil:
		w := &watch{call: c, body: body}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.timer = time.AfterFunc(w.next(firstLook), w.look)
		c.watch = w
	default:
		c.watch.mu.Lock()
		defer c.watch.mu.Unlock()
		c.watch.body = body
	}
}

// next is how long to wait: no longer than the token lives.
func (w *watch) next(most time.Duration) time.Duration {
	now := w.call.gateway.o.Tokens.Now()
	return max(min(most, w.call.token.Expires.Sub(now)+lookExpiry), lookExpiry)
}

// look asks whether the call may go on. It runs beside the call.
func (w *watch) look() {
	dead := w.call.outlived()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
	case dead == nil:
		w.timer.Reset(w.next(everyLook))
	default:
		w.dead, w.over = dead, true
		w.call.w.pace.cut(w.body != nil)
		if w.body != nil {
			_ = w.body.Close() // ends whoever copies from it
		}
	}
}

// end stops looking, and returns why the call was cut, if it was.
func (w *watch) end() *oauth.Error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
	return w.dead
}

// outlived asks all that was asked when the call began. That nobody can say is a no here too.
func (c *call) outlived() (dead *oauth.Error) {
	defer func() {
		if p := recover(); p != nil { // it would end the process: nothing else is below this in its goroutine
			dead = oauth.Refuse(oauth.TokenUnchecked, "The access token could not be checked.", "%v", edge.Fault(p))
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), everyLook)
	defer cancel()
	t, err := c.to.api.verifier.Verify(ctx, c.text)
	switch refusal := oauth.AsError(err); {
	case refusal != nil:
		return refusal
	case err != nil:
		return oauth.Refuse(oauth.TokenUnchecked, "The access token could not be checked.", "the token could not be checked: %v", err)
	case c.to.permission != "" && !t.Permits(c.to.permission):
		return oauth.Refuse(oauth.PermissionLost, "The token lacks a permission this call needs.", "permission %s is not held any more", c.to.permission)
	}
	return nil
}
