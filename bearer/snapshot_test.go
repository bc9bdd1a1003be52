package bearer_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// kept lets a guard keep a snapshot; its monotonic clock goes with the booth's.
func kept(file string) func(*bearer.Remote) {
	return func(r *bearer.Remote) {
		began, now := r.Now(), r.Now
		r.Snapshot, r.Elapsed = file, func() time.Duration { return now().Sub(began) }
		*r = bearer.Hasty(*r)
	}
}

// snapshotOf lets a guard learn all, end, and leave its snapshot; then the issuer is away.
func snapshotOf(t *testing.T, b *booth) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "acme")
	i, _ := b.guard(t, kept(file))
	i.Close()
	b.away.Store(true)
	b.CloseClientConnections()
	return file
}

func TestReq006_AGuardThatStartsWithoutItsIssuerGoesOnWithItsSnapshot(t *testing.T) {
	t.Parallel()
	b := newBooth(t)
	before := b.clock.now().Add(time.Second)
	b.take(revocation.Token, "gone", time.Time{})
	b.take(revocation.Client, "gone-client", before)
	second := b.publish()
	b.take(revocation.Key, second, time.Time{})
	file := snapshotOf(t, b)
	if info := must(os.Stat(file)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if text := must(os.ReadFile(file)); bytes.Contains(text, []byte(clientSecret)) || bytes.Contains(text, []byte("gone")) {
		t.Error("the snapshot tells a secret, or what was revoked")
	}
	left := must(os.ReadDir(filepath.Dir(file)))
	if len(left) != 1 {
		t.Errorf("%v lie there", left)
	}

	i := b.follow(t, kept(file))
	v := must(i.Verifier(audience))
	accepts(t, v, b.mint(nil))
	refuses(t, v, b.mint(object{"jti": "gone"}))
	refuses(t, v, b.mint(object{"client_id": "gone-client"}))
	if _, err := v.Verify(context.Background(), b.sign(second, "at+jwt", claims(object{"iss": b.URL}))); err == nil {
		t.Error("a key that was withdrawn signs again")
	}
	faults(t, v, b.issue(nil)) // an opaque token is looked up
	if s := i.State(); !s.Ready || s.Keys != 1 || s.Revocations != 3 {
		t.Errorf("%+v", s)
	}

	b.clock.move(10 * time.Minute)
	accepts(t, v, b.mint(nil))
	if s := i.State(); s.Staleness < 10*time.Minute || s.Stale == 0 {
		t.Errorf("it is as old as it is: %+v", s)
	}
	strict := must(b.follow(t, func(r *bearer.Remote) { kept(file)(r); r.WhenStale = bearer.RefuseStale }).Verifier(audience))
	faults(t, strict, b.mint(nil))

	b.away.Store(false)
	eventually(t, "followed again", func() bool { b.wake(); return i.State().Staleness < 5*time.Second && !isFault(v, b.issue(nil)) })
	b.take(revocation.Token, "later", time.Time{})
	later := b.mint(object{"jti": "later"})
	eventually(t, "refused", func() bool { return isRefused(t, v, later) })
}

func TestASnapshotThatIsNotOursOrTooOldIsNotUsed(t *testing.T) {
	t.Parallel()
	b := newBooth(t)
	b.take(revocation.Token, "gone", time.Time{})
	file := snapshotOf(t, b)
	good := must(os.ReadFile(file))
	flip := func(at int) func() {
		return func() {
			bad := slices.Clone(good)
			bad[at] ^= 1
			writeTo(t, file, bad)
		}
	}
	for name, c := range map[string]struct {
		spoil  func()
		change func(*bearer.Remote)
	}{
		"another secret": {func() {}, func(r *bearer.Remote) { r.ClientSecret = "other" }},
		"another client": {func() {}, func(r *bearer.Remote) { r.ClientID = "other" }},
		"another issuer": {func() {}, func(r *bearer.Remote) { r.Issuer += "/other" }},
		"too old":        {func() {}, func(r *bearer.Remote) { now := r.Now; r.Now = func() time.Time { return now().Add(25 * time.Hour) } }},
		"older than it may": {func() {}, func(r *bearer.Remote) {
			now := r.Now
			r.SnapshotAge = time.Minute
			r.Now = func() time.Time { return now().Add(2 * time.Minute) }
		}},
		"of the future":       {func() {}, func(r *bearer.Remote) { now := r.Now; r.Now = func() time.Time { return now().Add(-time.Hour) } }},
		"a bit in its head":   {flip(40), nil},
		"a bit in an entry":   {flip(len(good) - 40), nil},
		"a bit in the sum":    {flip(len(good) - 1), nil},
		"cut":                 {func() { writeTo(t, file, good[:len(good)-32]) }, nil},
		"an entry is missing": {func() { writeTo(t, file, slices.Concat(good[:len(good)-64], good[len(good)-32:])) }, nil},
		"empty":               {func() { writeTo(t, file, nil) }, nil},
		"not there":           {func() { _ = os.Remove(file) }, nil},
	} {
		writeTo(t, file, good)
		c.spoil()
		r := b.remote()
		kept(file)(&r)
		if c.change != nil {
			c.change(&r)
		}
		i := must(bearer.Follow(context.Background(), r))
		if s := i.State(); s.Ready || s.Keys != 0 || s.Revocations != 0 {
			t.Errorf("%s: %+v", name, s)
		}
		faults(t, must(i.Verifier(audience)), b.mint(nil))
		i.Close()
		if left := must(os.ReadDir(filepath.Dir(file))); len(left) > 1 {
			t.Errorf("%s: %v lie there", name, left)
		}
	}
}

func writeTo(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Two guards may have one folder: the one that knows less does not take away what the other has written.
func TestASnapshotIsNotReplacedByAnOlderOne(t *testing.T) {
	t.Parallel()
	b := newBooth(t)
	file := filepath.Join(t.TempDir(), "acme")
	old, _ := b.guard(t, kept(file))
	eventually(t, "written", func() bool { _, err := os.Stat(file); return err == nil })
	b.clock.move(time.Minute)
	fresh, _ := b.guard(t, kept(file))
	b.take(revocation.Token, "gone", time.Time{})
	eventually(t, "known", func() bool { return fresh.State().Revocations == 1 })
	fresh.Close()
	b.away.Store(true)
	b.CloseClientConnections()
	old.Close()
	i := b.follow(t, kept(file))
	if s := i.State(); s.Revocations != 1 {
		t.Errorf("%+v", s)
	}
}

func TestASnapshotThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	b := newBooth(t)
	i, v := b.guard(t, kept(filepath.Join(t.TempDir(), "not", "there")))
	eventually(t, "said", func() bool { return strings.Contains(i.State().LastError, "could not be written") })
	accepts(t, v, b.mint(nil))
}

func TestFollowRefusesASnapshotThatMakesNoSense(t *testing.T) {
	for name, spoil := range map[string]func(*bearer.Remote){
		"of nothing": func(r *bearer.Remote) { r.ClientID, r.ClientSecret, r.IgnoreRevocations = "", "", true },
		"for ever":   func(r *bearer.Remote) { r.SnapshotAge = 15 * 24 * time.Hour },
		"negative":   func(r *bearer.Remote) { r.SnapshotAge = -1 },
	} {
		r := bearer.Remote{Issuer: "https://login.example", ClientID: "a", ClientSecret: oauth.Secret("b"), Snapshot: filepath.Join(t.TempDir(), "s")}
		spoil(&r)
		if i, err := bearer.Follow(context.Background(), r); err == nil {
			i.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
