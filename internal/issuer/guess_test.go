package issuer

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func from(source string) func(*oauth.TokenRequest) {
	return func(r *oauth.TokenRequest) { r.Source = netip.MustParseAddr(source) }
}

// outcomes makes requests at once and counts the codes they are refused with; "" is a token.
func (d *desk) outcomes(requests ...oauth.TokenRequest) map[oauth.Code]int {
	d.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	n := map[oauth.Code]int{}
	for _, r := range requests {
		all.Go(func() {
			_, err := d.Token(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			switch e := oauth.AsError(err); {
			case err == nil:
				n[""]++
			case e != nil:
				n[e.Code]++
			default:
				d.t.Error(err)
			}
		})
	}
	all.Wait()
	return n
}

func times(n int, r oauth.TokenRequest) []oauth.TokenRequest {
	return slices.Repeat([]oauth.TokenRequest{r}, n)
}

// weak registers a client whose secret was made elsewhere, and returns a request with a wrong one and a right one.
func (d *desk) weak(id string) (wrong, right oauth.TokenRequest) {
	d.t.Helper()
	if _, err := d.Registry.ImportClient(ctx, by, registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: id, Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"hunter2", ""); err != nil {
		d.t.Fatal(err)
	}
	d.secrets[id] = "hunter2"
	return d.ask(id, func(r *oauth.TokenRequest) { r.Client.Secret = "hunter1" }), d.ask(id)
}

func TestReq052_B24_of_1000_parallel_wrong_guesses_no_more_than_ten_are_looked_at(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	wrong, _ := d.weak("weak")
	for what, r := range map[string]oauth.TokenRequest{
		"password": d.signIn("app", func(r *oauth.TokenRequest) { r.Password = "wrong" }), "imported secret": wrong,
	} {
		n := d.outcomes(times(1000, r)...)
		if looked := n[oauth.InvalidGrant] + n[oauth.InvalidClient]; looked == 0 || looked > 10 || looked+n[oauth.Throttled] != 1000 {
			t.Errorf("%s: %v", what, n)
		}
	}
}

func TestReq052_of_guesses_from_everywhere_at_one_account_no_more_than_100_are_looked_at(t *testing.T) {
	d := open(t)
	wrong, _ := d.weak("weak")
	var all []oauth.TokenRequest
	for k := range 400 {
		r := wrong
		r.Source = netip.AddrFrom4([4]byte{198, 51, byte(k >> 8), byte(k)})
		all = append(all, r)
	}
	if n := d.outcomes(all...); n[oauth.InvalidClient] > 100 || n[oauth.InvalidClient] < 90 {
		t.Errorf("%v", n)
	}
}

func TestB24_50_parallel_right_ones_all_pass(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	_, right := d.weak("weak")
	for what, r := range map[string]oauth.TokenRequest{"password": d.signIn("app"), "imported secret": right, "secret": d.ask("app")} {
		if n := d.outcomes(times(50, r)...); n[""] != 50 {
			t.Errorf("%s: %v", what, n)
		}
	}
}

func TestB23_every_spelling_of_a_name_counts_as_one(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	looked := 0
	for k := range 30 {
		spelling := []string{username, "BOB@acme.test", " bob@ACME.test ", "ｂｏｂ@acme.test"}[k%4]
		r := d.signIn("app", func(r *oauth.TokenRequest) { r.Username, r.Password = oauth.Unproven(spelling), "wrong" })
		looked += d.outcomes(r)[oauth.InvalidGrant]
	}
	if looked != 10 {
		t.Errorf("%d guesses were looked at", looked)
	}
	d.refused(d.signIn("app"), oauth.Throttled) // also the right one
}

func TestReq112_B25_a_flood_at_a_name_does_not_lock_its_owner_out(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	home := from("203.0.113.9")
	d.must(d.signIn("app", home))
	for k := range 50 {
		for range 12 {
			_, err := d.Token(ctx, d.signIn("app", from(fmt.Sprintf("198.51.100.%d", k)), func(r *oauth.TokenRequest) { r.Password = "wrong" }))
			if oauth.AsError(err) == nil {
				t.Fatal(err)
			}
		}
		d.must(d.signIn("app", home))
	}
	if e := d.refused(d.signIn("app", from("198.51.100.200")), oauth.Throttled); e.RetryAfter <= 0 {
		t.Error("nobody is told how long to wait")
	}
	d.clock.advance(15 * time.Minute)
	d.must(d.signIn("app", from("198.51.100.200"))) // no wait is for ever
}

func TestAWrongWayFirstNeverLocksAClientOut(t *testing.T) {
	d := open(t)
	d.client("app")
	for range 200 { // some libraries try Basic first with every request, and the body when that fails
		d.refused(d.ask("app", func(r *oauth.TokenRequest) { r.Client.Secret += "%" }), oauth.InvalidClient)
		d.must(d.ask("app"))
	}
}

func TestReq052_wrong_random_secrets_are_slowed_and_the_right_one_never_is(t *testing.T) {
	d := open(t)
	d.client("app")
	for _, id := range []string{"app", "nobody"} { // Req 17: both alike
		n := map[oauth.Code]int{}
		for range 30 {
			r := d.ask(id, func(r *oauth.TokenRequest) { r.Client.Secret = "wrong" })
			_, err := d.Token(ctx, r)
			n[oauth.AsError(err).Code]++
		}
		if n[oauth.InvalidClient] != 10 || n[oauth.Throttled] != 20 {
			t.Errorf("%s: %v", id, n)
		}
	}
	d.must(d.ask("app"))
}

func TestReq111_a_full_lane_answers_at_once_and_says_when_to_come_back(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	slow := d.imported(t)
	_, fast := d.weak("weak")
	d.Hashing = limit.NewLanes(1, 0)
	free := make(chan struct{})
	for _, lane := range []*limit.Lane{d.Hashing.Users, d.Hashing.Clients} {
		busy := make(chan struct{})
		go func() { _ = lane.Do(ctx, limit.Turn{}, func() { close(busy); <-free }) }()
		<-busy
	}
	for range 20 {
		for _, r := range []oauth.TokenRequest{d.signIn("app"), slow} {
			began := time.Now()
			e := d.refused(r, oauth.Unavailable)
			if took := time.Since(began); took > 50*time.Millisecond || e.RetryAfter <= 0 {
				t.Errorf("took %v, come back after %v", took, e.RetryAfter)
			}
		}
	}
	d.must(fast) // what costs nothing does not wait behind what does
	d.must(d.ask("app"))
	close(free)
	for d.outcomes(d.signIn("app"))[""] == 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestReq053_the_73rd_byte_of_an_imported_secret_counts(t *testing.T) {
	d := open(t)
	long := "0123456789012345678901234567890123456789012345678901234567890123456789ab"
	h, err := bcrypt.GenerateFromPassword([]byte(long), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Registry.ImportClient(ctx, by, registry.Client{Tenant: "acme", ID: "old", ClientSpec: registry.ClientSpec{Name: "Old", Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"", string(h)); err != nil {
		t.Fatal(err)
	}
	with := func(s string) oauth.TokenRequest {
		return d.ask("old", func(r *oauth.TokenRequest) { r.Client.Secret = oauth.Secret(s) })
	}
	d.refused(with(long+"c"), oauth.InvalidClient)
	d.refused(with(long[:71]), oauth.InvalidClient)
	d.must(with(long))
	c, err := d.Registry.Client(ctx, "acme", "old")
	if err != nil || c.Slow() {
		t.Errorf("the hash was not upgraded at its first success: %v", err)
	}
	d.refused(with(long+"c"), oauth.InvalidClient)
	d.must(with(long))
}

// median returns the middle time that each of several requests takes, the samples interleaved so that noise meets all alike.
func (d *desk) median(samples int, kinds ...func(sample int) oauth.TokenRequest) []time.Duration {
	d.t.Helper()
	took := make([][]time.Duration, len(kinds))
	for s := range samples {
		for k, kind := range kinds {
			r := kind(s)
			r.Source = netip.AddrFrom4([4]byte{198, byte(k), byte(s >> 8), byte(s)}) // none is throttled
			began := time.Now()
			_, err := d.Token(ctx, r)
			took[k] = append(took[k], time.Since(began))
			if e := oauth.AsError(err); e == nil || e.Code != oauth.InvalidClient && e.Code != oauth.InvalidGrant {
				d.t.Fatal(err)
			}
		}
	}
	var out []time.Duration
	for _, t := range took {
		slices.Sort(t)
		out = append(out, t[len(t)/2])
	}
	return out
}

func TestReq054_B26_time_does_not_tell_unknown_wrong_and_disabled_apart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	d := open(t)
	d.client("app")
	d.client("off")
	if err := registrytest.DisableClient(ctx, d.Registry, by, "acme", "off", true); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{username, "off@acme.test"} {
		if _, err := d.Registry.CreateUser(ctx, by, registry.User{Tenant: "acme", Username: name}, password); err != nil {
			t.Fatal(err)
		}
	}
	if err := registrytest.DisableUser(ctx, d.Registry, by, "acme", "off@acme.test", true); err != nil {
		t.Fatal(err)
	}
	client := func(id string, s oauth.Secret) func(int) oauth.TokenRequest {
		return func(int) oauth.TokenRequest { return d.ask(id, func(r *oauth.TokenRequest) { r.Client.Secret = s }) }
	}
	person := func(name string, p oauth.Secret) func(int) oauth.TokenRequest {
		return func(int) oauth.TokenRequest {
			return d.signIn("app", func(r *oauth.TokenRequest) { r.Username, r.Password = oauth.Unproven(name), p })
		}
	}
	wrong := oauth.Secret(secret.New(registry.SecretPrefix))
	alike := func(what string, most float64, m []time.Duration) {
		t.Helper()
		if ratio := float64(slices.Max(m)) / float64(slices.Min(m)); ratio > most {
			t.Errorf("%s: medians %v, ratio %.2f", what, m, ratio)
		}
	}
	alike("clients", 3, d.median(2000, client("nobody", wrong), client("app", wrong), client("off", d.secrets["off"])))
	alike("users", 2, d.median(9, person("nobody@acme.test", "wrong"), person(username, "wrong"), person("off@acme.test", password)))

	// In a tenant with slow secrets every failure takes as long as the slowest.
	slow := d.imported(t).Client.ID
	if _, err := d.Registry.Client(ctx, "acme", slow.Reveal()); err != nil {
		t.Fatal(err)
	}
	m := d.median(3, client("nobody", wrong), client("app", wrong), client(slow.Reveal(), wrong))
	alike("clients beside slow ones", 1.5, m)
	if slices.Min(m) < slowAnswer-time.Millisecond {
		t.Errorf("answered after %v", slices.Min(m))
	}
}
