package registry

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// BenchmarkClient looks up and notes the use of clients at random: a thousand times as many must cost nearly the same.
func BenchmarkClient(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := memory.New(time.Now)
			sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
			if err != nil {
				b.Fatal(err)
			}
			r, err := New(Options{Store: s, Sealer: sealer, Now: time.Now, Tenants: []Tenant{{Name: "acme", Hosts: []string{"a"}, Issuer: "http://a"}}})
			if err != nil {
				b.Fatal(err)
			}
			ids := make([]string, n)
			for i := range ids {
				c, _, err := r.CreateClient(b.Context(), "test", Client{Tenant: "acme", Name: "x", Grants: []oauth.GrantType{oauth.ClientCredentials}})
				if err != nil {
					b.Fatal(err)
				}
				ids[i] = c.ID
				if _, err := r.Client(b.Context(), "acme", c.ID); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for b.Loop() {
				c, err := r.Client(b.Context(), "acme", ids[rand.IntN(n)])
				if err != nil {
					b.Fatal(err)
				}
				if !c.Credentials[0].Hash.Matches("x") {
					r.Used(c, &c.Credentials[0], netip.Addr{})
				}
			}
		})
	}
}
