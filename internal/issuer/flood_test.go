package issuer

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// fill keeps a lane at work, with nobody waiting allowed, until the test ends.
func fill(t *testing.T, lane *limit.Lane) {
	t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	go func() { _ = lane.Do(ctx, limit.Turn{}, func() { close(busy); <-free }) }()
	<-busy
	t.Cleanup(func() { close(free) })
}

func TestRow6_a_flood_of_passwords_leaves_clients_and_operators_room(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	slow := d.imported(t)
	d.Hashing = limit.NewLanes(1, 0)
	fill(t, d.Hashing.Users)
	d.refused(d.signIn("app"), oauth.Unavailable)
	d.must(slow)
	if err := d.Hashing.Operators.Do(ctx, limit.Turn{}, func() {}); err != nil {
		t.Errorf("operators: %v", err)
	}
}

func TestRow6_a_full_lane_does_not_tell_which_ids_are_imported(t *testing.T) {
	d := open(t)
	d.client("app")
	slow := d.imported(t)
	d.weak("weak")
	d.Hashing = limit.NewLanes(1, 0)
	fill(t, d.Hashing.Clients)
	for _, id := range []oauth.Unproven{slow.Client.ID, "app", "weak", "nobody"} {
		d.refused(d.ask("app", func(r *oauth.TokenRequest) { r.Client.ID, r.Client.Secret = id, "wrong" }), oauth.Unavailable)
	}
	d.must(d.ask("weak"))
	d.must(d.ask("app"))
}

func TestRow6_guesses_from_everywhere_do_not_tell_which_ids_are_imported(t *testing.T) {
	d := open(t)
	d.client("app")
	d.weak("weak")
	want := map[oauth.Code]int{oauth.InvalidClient: 100, oauth.Throttled: 50}
	for n, id := range []oauth.Unproven{"weak", "app", "nobody"} {
		got := map[oauth.Code]int{}
		for k := range 150 {
			_, err := d.Token(ctx, d.ask("app", func(r *oauth.TokenRequest) {
				r.Client.ID, r.Client.Secret = id, "wrong"
				r.Source = netip.AddrFrom4([4]byte{198, 51, byte(n), byte(k)})
			}))
			got[oauth.AsError(err).Code]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v", id, got)
		}
	}
	d.must(d.ask("app")) // a right one that is too random to be guessed is never refused
}

func TestRow6_the_time_of_an_answer_falls_again(t *testing.T) {
	var s slowest
	now := time.Unix(0, 0)
	if got := s.answer(now); got != slowAnswer {
		t.Errorf("at first %v", got)
	}
	s.saw("a", now.Add(-400*time.Millisecond), now)
	s.saw("a", now.Add(-5*time.Second), now) // on a busy machine
	if got := s.answer(now); got != slowestAnswer {
		t.Errorf("under load %v", got)
	}
	if got := s.answer(now.Add(2 * time.Minute)); got != 1250*time.Millisecond {
		t.Errorf("two minutes later %v", got)
	}
	if got := s.answer(now.Add(time.Hour)); got != 400*time.Millisecond {
		t.Errorf("an hour later %v: what a check takes when nothing else runs is never undercut", got)
	}
	for i := range 1000 {
		s.saw(fmt.Sprint("made up ", i), now.Add(-time.Second), now)
	}
	if len(s.least) > maxCosts {
		t.Errorf("%d costs are remembered", len(s.least))
	}
}

func TestRow7_made_up_ids_do_not_make_guesses_at_an_imported_secret_be_forgotten(t *testing.T) {
	d := open(t)
	wrong, right := d.weak("weak")
	for range 10 {
		d.refused(wrong, oauth.InvalidClient)
	}
	for k := range 5_000 {
		r := wrong
		r.Client.ID = oauth.Unproven(fmt.Sprint("made up ", k))
		r.Source = netip.AddrFrom16([16]byte{0x20, 1, byte(k >> 8), byte(k)})
		if _, err := d.Token(ctx, r); oauth.AsError(err) == nil {
			t.Fatal(err)
		}
	}
	d.refused(right, oauth.Throttled)
}
