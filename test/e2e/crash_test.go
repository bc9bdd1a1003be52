package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// kills is how often each of these tests kills the program.
const kills = 3

// R3: an answer is a promise. Whatever was acknowledged before the kill is good after it.
func TestR003_EveryAcknowledgedTokenIsGoodAfterAKill(t *testing.T) {
	b := ownDemo(t)
	for round := range kills {
		tokens := b.issueUntilKilled(t, 8, time.Duration(150+170*round)*time.Millisecond)
		b.again(t)
		b.wantAllGood(t, tokens)
	}
}

// issueUntilKilled returns the tokens that callers were given before the process died.
func (b *booth) issueUntilKilled(t *testing.T, callers int, after time.Duration) []string {
	t.Helper()
	var mu sync.Mutex
	var tokens []string
	c := gather(t, callers, func(ctx context.Context, caller *http.Client, _ int) (bool, error) {
		token, err := b.opaque(ctx, caller)
		if err != nil {
			return false, nil // what is not acknowledged is not promised
		}
		mu.Lock()
		defer mu.Unlock()
		tokens = append(tokens, token)
		return len(tokens) < 4000, nil
	})
	c.begun(t, 100)
	time.Sleep(after)
	b.kill(t)
	c.home(t)
	return tokens
}

// wantAllGood calls an API with each of the tokens.
func (b *booth) wantAllGood(t *testing.T, tokens []string) {
	t.Helper()
	const callers = 8
	next := make([]int, callers)
	c := gather(t, callers, func(ctx context.Context, caller *http.Client, who int) (bool, error) {
		i := next[who]*callers + who
		if i >= len(tokens) {
			return false, nil
		}
		next[who]++
		a, err := ask(ctx, caller, "GET", b.public+"/api/collections", "", "Authorization: Bearer "+tokens[i])
		if err := good(a, err); err != nil {
			return false, fmt.Errorf("token %d of %d, acknowledged before the kill: %w", i, len(tokens), err)
		}
		return true, nil
	})
	c.callers.Wait()
	c.home(t)
}

// chain is the pairs somebody was given one after the other.
type chain struct {
	person
	pairs []token
}

// R1, R2: whoever refreshes while the program is killed can go on with the last pair they were given, and what got lost on the way is
// given again, the same; a pair from before that ends the chain.
func TestR001_ARefreshTokenIsNeitherLostNorDoubledByAKill(t *testing.T) {
	b := ownDemo(t)
	for round := range kills {
		chains := make([]*chain, 6)
		for i := range chains {
			p := person{b, "NEXUDUS", fmt.Sprintf("R1-%d-%d", round, i)}
			chains[i] = &chain{p, []token{p.signIn(t)}}
		}
		c := gather(t, len(chains), func(ctx context.Context, caller *http.Client, who int) (bool, error) {
			return chains[who].refreshOnce(ctx, caller), nil
		})
		c.begun(t, 10*len(chains))
		time.Sleep(time.Duration(50+90*round) * time.Millisecond)
		b.kill(t)
		c.home(t)
		b.again(t)
		for _, c := range chains {
			c.wantUnbroken(t)
		}
	}
}

func (c *chain) last() token { return c.pairs[len(c.pairs)-1] }

func (c *chain) refreshOnce(ctx context.Context, caller *http.Client) bool {
	a, err := ask(ctx, caller, "POST", c.at.public+"/api/token", values("grant_type", "refresh_token", "refresh_token", c.last().refresh),
		"Content-Type: "+form, "client_id: "+c.clientID)
	if good(a, err) != nil {
		return false
	}
	c.pairs = append(c.pairs, token{member(a.body, "access_token"), member(a.body, "refresh_token")})
	return true
}

func (c *chain) wantUnbroken(t *testing.T) {
	t.Helper()
	for _, pair := range c.pairs[max(0, len(c.pairs)-3):] {
		c.me(t, pair.access).wantStatus(t, 200)
	}
	first, second := c.refresh(t, c.last().refresh).wantStatus(t, 200), c.refresh(t, c.last().refresh).wantStatus(t, 200)
	for _, name := range []string{"access_token", "refresh_token"} {
		if member(first.body, name) == "" || member(first.body, name) != member(second.body, name) {
			t.Errorf("%s: one refresh token has two successors", c.clientID)
		}
	}
	if len(c.pairs) > 1 {
		c.refresh(t, c.pairs[len(c.pairs)-2].refresh).want(t, 400, badRefresh)
		c.refresh(t, member(first.body, "refresh_token")).want(t, 400, badRefresh)
	}
}
