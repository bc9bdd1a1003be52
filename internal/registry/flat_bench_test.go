package registry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// drawn makes a client of any name, so that a benchmark has no other copy of it in memory.
func drawn(_ context.Context, n name) (*Client, error) {
	c := usual(n.id)
	c.Credentials[0].ID, c.Credentials[0].Hash = n.id, secret.Hash(fmt.Sprintf("sha256$%064d", 0))
	c.ready(&Tenant{Issuer: "https://a"})
	return &c, nil
}

func drawIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = secret.NewID(time.Now())
	}
	return ids
}

var request []byte

// BenchmarkClient looks up clients at random, with as much left to the garbage collector as a request leaves: a thousand times as many
// must cost nearly the same.
func BenchmarkClient(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ids, m := drawIDs(n), remember(maxClients, drawn)
			for _, id := range ids {
				if _, err := m.get(b.Context(), name{"acme", id}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				c, err := m.get(b.Context(), name{"acme", ids[rand.IntN(n)]})
				if err != nil || c.Credentials[0].Hash.Matches("x") || c.Credentials[0].used.Load() != 0 {
					b.Fatal(err)
				}
				request = make([]byte, 8<<10)
			}
		})
	}
}

// BenchmarkRemember is what it costs to remember one client more, and one made-up name of a flood.
func BenchmarkRemember(b *testing.B) {
	absent := func(_ context.Context, n name) (*Client, error) { return nil, ErrNotFound }
	for kind, read := range map[string]func(context.Context, name) (*Client, error){"registered": drawn, "made-up": absent} {
		b.Run(kind, func(b *testing.B) {
			ids := drawIDs(100_000)
			m := remember(maxClients, read)
			n := 0
			for b.Loop() {
				if n++; n%len(ids) == 0 {
					m.forgetAll()
				}
				_, _ = m.get(b.Context(), name{"acme", ids[n%len(ids)]})
			}
		})
	}
}
