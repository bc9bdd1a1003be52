package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// ask asks one question to a booth under load. It does not fail the test by itself: what counts as a loss, the test decides.
func ask(ctx context.Context, caller *http.Client, method, target, body string, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	setHeaders(req, headers)
	res, err := caller.Do(req)
	if err != nil {
		return answer{}, err
	}
	text, err := readAll(res)
	return answer{status: res.StatusCode, header: res.Header, body: string(text), closed: res.Close}, err
}

// crowd is callers at work, each on a connection of its own that it keeps.
type crowd struct {
	cancel   context.CancelFunc
	callers  sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex
	problems []string
}

// gather sets n callers to work: each does its round again and again, until it says that it is done or the crowd is sent home.
func gather(t *testing.T, n int, round func(ctx context.Context, caller *http.Client, who int) (more bool, err error)) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{cancel: cancel}
	for who := range n {
		c.callers.Go(func() {
			caller := &http.Client{Timeout: callTime, Transport: &http.Transport{DialContext: dialHere, MaxIdleConnsPerHost: 1}}
			defer caller.CloseIdleConnections()
			for ctx.Err() == nil {
				more, err := round(context.WithoutCancel(ctx), caller, who)
				if err != nil {
					c.problem(fmt.Sprintf("caller %d: %v", who, err))
					return
				}
				if !more {
					return
				}
				c.answered.Add(1)
			}
		})
	}
	return c
}

// begun waits until there is a load to speak of.
func (c *crowd) begun(t *testing.T, rounds int) {
	t.Helper()
	within(t, callTime, fmt.Sprintf("%d rounds are answered", rounds), func() bool { return c.answered.Load() >= int64(rounds) })
}

func (c *crowd) problem(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, text)
}

// home ends the work, every round to its end, and reports what went wrong.
func (c *crowd) home(t *testing.T) {
	t.Helper()
	c.cancel()
	c.callers.Wait()
	for _, p := range c.problems {
		t.Error(p)
	}
	t.Logf("%d rounds were answered", c.answered.Load())
}

// aRound is what most callers do: a JWT, a call with it, an opaque token, a call with that. Everything must be answered, and well.
func (b *booth) aRound(ctx context.Context, caller *http.Client) error {
	nexthink, err := ask(ctx, caller, "POST", b.public+"/oauth2/default/v1/token", "grant_type=client_credentials&scope=service:integration",
		"Content-Type: "+form, b.basic("NEXTHINK"))
	if err = good(nexthink, err); err != nil {
		return fmt.Errorf("JWT: %w", err)
	}
	a, err := ask(ctx, caller, "GET", b.public+"/api/v1/workflows", "", "Authorization: Bearer "+member(nexthink.body, "access_token"))
	if err = good(a, err); err != nil {
		return fmt.Errorf("call with a JWT: %w", err)
	}
	dadi, err := b.opaque(ctx, caller)
	if err != nil {
		return fmt.Errorf("opaque token: %w", err)
	}
	a, err = ask(ctx, caller, "GET", b.public+"/api/collections", "", "Authorization: Bearer "+dadi)
	if err = good(a, err); err != nil {
		return fmt.Errorf("call with an opaque token: %w", err)
	}
	return nil
}

// opaque asks for a token that the server has to keep.
func (b *booth) opaque(ctx context.Context, caller *http.Client) (string, error) {
	a, err := ask(ctx, caller, "POST", b.public+"/token", values("clientId", b.vars["DADI_CLIENT_ID"], "secret", b.vars["DADI_SECRET"]), "Content-Type: "+form)
	return member(a.body, "accessToken"), good(a, err)
}

func good(a answer, err error) error {
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("answered %d %s", a.status, a.body)
	}
	return err
}

// member cuts a text member out of a JSON object, quickly.
func member(body, name string) string {
	_, rest, _ := strings.Cut(body, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
