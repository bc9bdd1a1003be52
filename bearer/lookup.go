package bearer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// maxFlights bounds how many look-ups are under way at a time; beyond it callers meet a fault, and the issuer no flood.
const maxFlights = 256

var (
	errBusy    = errors.New("too many look-ups are under way")
	errFailing = errors.New("the last look-up failed, and another is being tried")
	errNoDesk  = errors.New("the issuer's metadata name no introspection_endpoint")
	errBabble  = errors.New("the answer makes no sense")
)

// lookUp asks the issuer about an opaque token (RFC 7662). Whoever asks for the same token at the same time waits for the same answer.
func (i *Issuer) lookUp(ctx context.Context, text string) (*Token, error) {
	f := i.join(text)
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("look a token up: %w", ctx.Err())
	}
}

// join begins a look-up, or joins the one under way. While the issuer fails, one look-up at a time finds out whether it still does, and
// nobody else waits for it.
func (i *Issuer) join(text string) *flight {
	i.mu.Lock()
	defer i.mu.Unlock()
	f := &flight{done: make(chan struct{})}
	switch {
	case i.failing && len(i.flights) > 0:
		return f.land(nil, errFailing)
	case i.flights[text] != nil:
		return i.flights[text]
	case i.closed:
		return f.land(nil, errClosed)
	case len(i.flights) >= maxFlights:
		return f.land(nil, errBusy)
	}
	i.flights[text] = f
	i.running.Go(func() {
		t, err := i.introspect(text)
		fault := err
		if oauth.AsError(err) != nil {
			fault = nil
		}
		i.troubles.note(i.r.Now(), troubleLookUps, fault)
		i.mu.Lock()
		delete(i.flights, text)
		i.failing = fault != nil && !ofOneToken(fault)
		i.mu.Unlock()
		f.land(t, err)
	})
	return f
}

// ofOneToken reports a fault that need not befall the next token: whoever sends tokens that the issuer cannot answer for must not get in
// the way of others.
func ofOneToken(fault error) bool {
	s, ok := errors.AsType[statusError](fault)
	return errors.Is(fault, errBabble) || ok && s < 500 && s != http.StatusTooManyRequests && !s.denied()
}

// introspect sends the question. It is not the caller's context that ends it: others may wait for the answer.
func (i *Issuer) introspect(text string) (*Token, error) {
	where := i.where.Load()
	switch {
	case where == nil:
		return nil, errors.New("look a token up: the issuer's metadata were not read yet")
	case where.introspection == nil:
		return nil, errNoDesk
	}
	ctx, cancel := context.WithTimeout(i.ctx, i.r.pace.answer)
	defer cancel()
	form := "token=" + url.QueryEscape(text) + "&token_type_hint=access_token" // RFC 7662, section 2.1
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, where.introspection.String(), strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("look a token up: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header["Idempotency-Key"] = []string{} // not sent: asking twice is harmless, so a connection that was just closed costs no fault
	i.identify(r)
	answer, _, err := i.send(r, maxDocument, func() {})
	if err != nil {
		return nil, fmt.Errorf("look a token up: %w", err)
	}
	t, err := readIntrospection(answer)
	if err != nil {
		return nil, err
	}
	if t.Issuer == "" { // it need not say (RFC 7662, section 2.2), for we know whom we asked
		t.Issuer = i.r.Issuer
	}
	if problem := t.foul(); problem != "" {
		return nil, fmt.Errorf("look a token up: %w: it is active, but %s", errBabble, problem)
	}
	return t, nil
}

// readIntrospection reads the answer to a look-up strictly (RFC 7662, section 2.2). A token that is not active is refused; an answer
// that cannot be read is no answer.
func readIntrospection(text string) (*Token, error) {
	r := reader{text: text}
	t, active, said, holder, problem := &Token{}, false, false, false, ""
	ok := r.members(func(name string) (ok bool) {
		switch name {
		case "active":
			active, ok = r.boolean()
			said = true
		case "cnf":
			ok, holder = r.skip(0), true
		default:
			ok = r.claim(t, name)
		}
		if !ok {
			problem = "member " + quote(name) + " is not of its type"
		}
		return ok
	})
	problem = r.outcome(ok, problem)
	switch {
	case problem != "":
		return nil, fmt.Errorf("look a token up: %w: %s", errBabble, problem)
	case !said:
		return nil, fmt.Errorf("look a token up: %w: there is no member active", errBabble)
	case !active:
		return nil, refused(oauth.InactiveToken, "the issuer says that it is not active: unknown, expired, revoked, or not meant for this API")
	case holder:
		return nil, refused(oauth.TokenClaims, bound)
	}
	return t, nil
}
