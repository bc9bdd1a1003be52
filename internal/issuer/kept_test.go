package issuer

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// chains lists all chains of acme that a search finds, in pages of two.
func (d *desk) chains(q TokenSearch) (all []Chain) {
	d.t.Helper()
	for q.Limit = 2; ; {
		page, next, err := d.Chains(ctx, "acme", q)
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, page...)
		if q.After = next; next == "" {
			return all
		}
	}
}

func (d *desk) opaques(q TokenSearch) (all []Kept) {
	d.t.Helper()
	for q.Limit = 2; ; {
		page, next, err := d.Opaque(ctx, "acme", q)
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, page...)
		if q.After = next; next == "" {
			return all
		}
	}
}

// signedIn is a desk where two people have signed in with two clients.
func signedIn(t *testing.T) (d *desk, bob, eve *registry.User) {
	d = open(t)
	d.client("one")
	d.client("two")
	bob, eve = d.user(username), d.user("eve@acme.test")
	d.must(d.signIn("one"))
	d.must(d.signIn("two"))
	d.must(d.signIn("two", func(r *oauth.TokenRequest) { r.Username = "eve@acme.test" }))
	return d, bob, eve
}

func TestChainsAndOpaqueTokensAreFoundByClientAndUser(t *testing.T) {
	d, bob, eve := signedIn(t)
	for _, tc := range []struct {
		q    TokenSearch
		want int
	}{
		{TokenSearch{}, 3}, {TokenSearch{Client: "one"}, 1}, {TokenSearch{Client: "two"}, 2}, {TokenSearch{User: bob.ID}, 2}, {TokenSearch{User: eve.ID}, 1},
		{TokenSearch{User: bob.ID, Client: "two"}, 1}, {TokenSearch{User: eve.ID, Client: "one"}, 0}, {TokenSearch{Client: "tw"}, 0}, {TokenSearch{Client: "%"}, 0},
		{TokenSearch{User: "usr_"}, 0},
	} {
		chains, tokens := d.chains(tc.q), d.opaques(tc.q)
		if len(chains) != tc.want || len(tokens) != tc.want {
			t.Errorf("%+v finds %d chains and %d tokens, not %d", tc.q, len(chains), len(tokens), tc.want)
		}
		for _, c := range chains {
			if !c.Live || c.Username == "" || c.Started.IsZero() || !c.Expires.After(d.Now()) || tc.q.User != "" && c.UserID != tc.q.User {
				t.Errorf("%+v finds %+v", tc.q, c)
			}
		}
		for _, k := range tokens {
			if k.Revoked || k.Family == "" || !k.Expires.After(d.Now()) || tc.q.Client != "" && k.Client != tc.q.Client {
				t.Errorf("%+v finds %+v", tc.q, k)
			}
		}
	}
	for _, tenant := range []string{"other", "nobody", ""} {
		page, _, err := d.Chains(ctx, tenant, TokenSearch{})
		tokens, _, _ := d.Opaque(ctx, tenant, TokenSearch{})
		if len(page) != 0 || len(tokens) != 0 || (tenant == "other") != (err == nil) || err != nil && !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("tenant %q has %v, %v, %v", tenant, page, tokens, err)
		}
	}
}

func TestWhatIsListedAsLiveIsWhatCanBeUsed(t *testing.T) {
	live := func(d *desk) (chains, tokens int) {
		for _, c := range d.chains(TokenSearch{}) {
			if c.Live {
				chains++
			}
		}
		for _, k := range d.opaques(TokenSearch{}) {
			if !k.Revoked {
				tokens++
			}
		}
		return chains, tokens
	}
	for what, tc := range map[string]struct {
		do             func(d *desk) error
		chains, tokens int
	}{
		"nothing":            {func(*desk) error { return nil }, 3, 3},
		"a client disabled":  {func(d *desk) error { return registrytest.DisableClient(ctx, d.Registry, by, "acme", "one", true) }, 2, 2},
		"a client's tokens":  {func(d *desk) error { return d.Registry.RevokeClient(ctx, by, "acme", "two") }, 1, 1},
		"a user's tokens":    {func(d *desk) error { return d.Registry.RevokeUser(ctx, by, "acme", username) }, 1, 1},
		"a user deleted":     {func(d *desk) error { return registrytest.DeleteUser(ctx, d.Registry, by, "acme", username) }, 1, 1},
		"a tenant's tokens":  {func(d *desk) error { return d.RevokeTenant(ctx, by, "acme") }, 0, 0},
		"the tokens run out": {func(d *desk) error { d.clock.advance(time.Hour); return nil }, 3, 0},
	} {
		d, _, _ := signedIn(t)
		d.clock.advance(time.Second)
		if err := tc.do(d); err != nil {
			t.Fatal(err)
		}
		if chains, tokens := live(d); chains != tc.chains || tokens != tc.tokens {
			t.Errorf("%s: %d chains and %d tokens live, not %d and %d", what, chains, tokens, tc.chains, tc.tokens)
		}
	}
}

func TestWhatIsRevokedByItsIDIsRefusedAndSaysWhoDidIt(t *testing.T) {
	d, _, _ := signedIn(t)
	d.clock.advance(time.Second)
	signIn := d.signIn("one")
	tok := d.must(signIn)
	chain := slices.IndexFunc(d.chains(TokenSearch{Client: "one"}), func(c Chain) bool { return c.Live })
	id := d.opaques(TokenSearch{Client: "one"})
	last := id[len(id)-1]
	d.clock.advance(time.Second)

	for _, wrong := range []struct {
		tenant string
		kind   revocation.Kind
		id     string
	}{{"other", revocation.Token, last.ID}, {"other", revocation.Family, last.Family}, {"acme", revocation.Token, "nothing"}, {"acme", revocation.Family, last.ID}, {"acme", revocation.Token, ""}} {
		if what, err := d.RevokeID(ctx, by, wrong.tenant, wrong.kind, wrong.id); err != nil || what != (Revoked{}) {
			t.Errorf("%+v: %+v, %v", wrong, what, err)
		}
	}
	if _, err := d.RevokeID(ctx, by, "acme", revocation.Client, "one"); err == nil {
		t.Error("a client was revoked as a token")
	}
	if !d.active(tok.AccessToken) || chain < 0 {
		t.Fatal("something wrong was revoked")
	}
	what, err := d.RevokeID(ctx, by, "acme", revocation.Token, last.ID)
	if err != nil || what != (Revoked{revocation.Token, last.ID, "one", last.Subject}) || d.active(tok.AccessToken) {
		t.Errorf("%+v, %v", what, err)
	}
	if again, err := d.RevokeID(ctx, by, "acme", revocation.Token, last.ID); err != nil || again != (Revoked{}) {
		t.Errorf("once more: %+v, %v", again, err)
	}
	if tok = d.must(refresh(signIn, tok.RefreshToken)); !d.active(tok.AccessToken) {
		t.Fatal("the chain should have lived on")
	}
	what, err = d.RevokeID(ctx, by, "acme", revocation.Family, last.Family)
	if err != nil || what.Kind != revocation.Family || what.ClientID != "one" || d.active(tok.AccessToken) {
		t.Errorf("%+v, %v", what, err)
	}
	d.refused(refresh(signIn, tok.RefreshToken), oauth.InvalidGrant)
	events, _, _, err := audit.Search(ctx, d.Store, audit.Query{Tenant: "acme", Subject: "chain:" + last.Family})
	if err != nil || len(events) != 1 || events[0].Actor != by || events[0].Act != "token.revoke" {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestOfManyWhoRevokeOneChainAtOnceOneDoes(t *testing.T) {
	d, _, _ := signedIn(t)
	id := d.chains(TokenSearch{Client: "one"})[0].ID
	var wg sync.WaitGroup
	did := make([]Revoked, 8)
	for n := range did {
		wg.Go(func() {
			var err error
			if did[n], err = d.RevokeID(ctx, fmt.Sprint("cli:", n), "acme", revocation.Family, id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(did, func(r Revoked) bool { return r == Revoked{} })); n != 1 {
		t.Errorf("%d did", n)
	}
}

func TestReq040_AFailingStoreIsNoEmptyPage(t *testing.T) {
	d, _, _ := signedIn(t)
	d.store.Down.Store(true)
	_, _, chains := d.Chains(ctx, "acme", TokenSearch{})
	_, _, tokens := d.Opaque(ctx, "acme", TokenSearch{})
	_, revoked := d.RevokeID(ctx, by, "acme", revocation.Token, "x")
	for _, err := range []error{chains, tokens, revoked} {
		if !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("%v, not that it is unavailable", err)
		}
	}
}
