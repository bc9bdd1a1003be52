package bearer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

const (
	oldestPage = time.Minute // that a page may have been signed ago: longer ago, and it may be an old one that is shown again
	maxEntries = 4_000_000   // kept at a time; four times what an issuer lets live
	breath     = 50 * time.Millisecond
	sweepEach  = time.Minute
)

// place is how far the revocations of an epoch have been read. It never changes.
type place struct {
	epoch  string
	after  uint64
	latest uint64 // how many there were; as many as after: nothing more was there
}

// places are those of the epochs that were met last, the latest first. There may be several processes behind the issuer's address, each
// counting by itself: whichever answers finds its own epoch among them and goes on from there.
type places []place

// maxPlaces is how many processes a guard keeps apart.
const maxPlaces = 8

// in returns the place in an epoch: its beginning, where it is new.
func (p places) in(epoch string) place {
	for _, at := range p {
		if at.epoch == epoch {
			return at
		}
	}
	return place{epoch: epoch}
}

// with returns the places with one that is the latest now.
func (p places) with(at place) places {
	next := places{at}
	for _, other := range p {
		if other.epoch != at.epoch && len(next) < maxPlaces {
			next = append(next, other)
		}
	}
	return next
}

// again returns the beginnings of the same epochs. How many entries each had is not forgotten: an older page would say less.
func (p places) again() (all places) {
	for _, at := range p {
		all = append(all, place{epoch: at.epoch, latest: at.latest})
	}
	return all
}

// String returns the places as they are asked for.
func (p places) String() string {
	var all []string
	for _, at := range p {
		all = append(all, at.epoch+"."+strconv.FormatUint(at.after, 10))
	}
	return strings.Join(all, ",")
}

// whole reports whether all was read where we read last.
func (p places) whole() bool { return len(p) > 0 && p[0].after == p[0].latest }

var (
	errNoFeed = errors.New("the issuer's metadata name no revocation_feed: it is no issuer that can be followed for revocations")
	errGap    = errors.New("it does not continue what we have")
)

// keepRevocations reads what is new, without end. The issuer holds an answer back until there is something, for two seconds at most, so
// what it takes back is known here as soon as an answer travels, and a dead connection is noticed within four.
func (i *Issuer) keepRevocations() {
	select {
	case <-i.found:
	case <-i.ctx.Done():
		return
	}
	var failed backoff
	swept := i.r.Now()
	for {
		rest, err := i.poll()
		i.troubles.note(i.r.Now(), troubleRevocations, err)
		switch {
		case err == nil:
			failed = 0
			i.denied.Store(false)
		case denied(err) || errors.Is(err, errNoFeed):
			i.denied.Store(true)                                // until a page arrives: an issuer that goes away then has not changed its mind
			rest = failed.next(i.r.pace.least, i.r.pace.denied) // a new credential may be known there in a moment
		default:
			rest = failed.next(i.r.pace.least, i.r.pace.most)
		}
		if now := i.r.Now(); now.Sub(swept).Abs() >= sweepEach {
			i.set.Sweep(i.watch.Safe())
			swept = now
		}
		if !i.pause(rest, nil) {
			return
		}
	}
}

// poll asks once for what is new and takes it in; rest is how long to let the issuer alone then.
func (i *Issuer) poll() (rest time.Duration, err error) {
	began, at, where := time.Now(), *i.places.Load(), i.where.Load()
	if where.revocations == nil {
		return 0, errNoFeed
	}
	sent := i.r.Now()
	text, err := i.nextPage(where, at)
	if err != nil {
		return 0, fmt.Errorf("read the issuer's revocations: %w", err)
	}
	l, err := i.openPage(text)
	if err == nil {
		err = i.follows(l, at)
	}
	if errors.Is(err, errGap) {
		again := at.again()
		i.places.Store(&again) // nothing is lost by that
	}
	if err != nil {
		return 0, fmt.Errorf("a page of revocations was refused: %w", err)
	}
	i.take(l, at, sent)
	switch {
	case l.Sequence < l.Latest: // there is more
		return 0, nil
	case len(l.Entries) > 0:
		return breath, nil
	case at.whole(): // an issuer that was to wait and does not must not be asked without end
		return max(i.r.pace.lull-time.Since(began), 0), nil
	}
	return 0, nil
}

// nextPage asks for the page after what we have; at the end of what there is, the issuer may wait for more (RFC 7240, section 4.3).
func (i *Issuer) nextPage(where *endpoints, at places) (string, error) {
	p := i.r.pace
	ctx, cancel := context.WithCancelCause(i.ctx)
	defer cancel(nil)
	late := time.AfterFunc(p.poll+p.grace, func() { cancel(errors.New("it did not answer in time")) })
	defer late.Stop()
	u := *where.revocations
	if len(at) > 0 {
		q := u.Query()
		q.Set("after", at.String())
		u.RawQuery = q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Accept", "application/jwt")
	if at.whole() {
		r.Header.Set("Prefer", "wait="+strconv.Itoa(int(p.poll/time.Second)))
	}
	i.identify(r)
	text, _, err := i.send(r, maxPage, func() { late.Reset(p.body) })
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return text, err
}

// openPage checks that a page is the issuer's own: signed as nothing but a page, by one of its keys that it has not withdrawn, just now.
func (i *Issuer) openPage(text string) (*revocation.List, error) {
	payload, _, err := openJWS(text, revocation.Type, i.pageKey)
	if err != nil {
		if e := oauth.AsError(err); e != nil {
			err = errors.New(e.Reason) // of a page, not of anybody's token
		}
		return nil, err
	}
	l, err := revocation.ParseClaims([]byte(payload))
	if err != nil {
		return nil, err
	}
	age := i.r.Now().Sub(l.IssuedAt)
	switch {
	case l.Issuer != i.r.Issuer:
		return nil, fmt.Errorf("it is of the issuer %.200q", l.Issuer)
	case age > oldestPage:
		return nil, fmt.Errorf("it was signed %v ago: an old page, or clocks that differ", age.Round(time.Second))
	case age < -leeway:
		return nil, fmt.Errorf("it was signed %v in the future: clocks that differ", (-age).Round(time.Second))
	}
	return l, nil
}

// pageKey finds the key of a page. A key we do not know lets the keys be read again; how often a page comes is throttle enough.
func (i *Issuer) pageKey(kid string) (Key, error) {
	if i.withdrawn(kid) {
		return Key{}, fmt.Errorf("it is signed by the key %.64q, which was withdrawn", kid)
	}
	if k, ok := i.key(kid); ok {
		return k, nil
	}
	<-i.refresh(false).done
	if k, ok := i.key(kid); ok {
		return k, nil
	}
	return Key{}, fmt.Errorf("it is signed by the key %.64q, which the issuer does not publish", kid)
}

// follows checks that a page continues what we have, or begins an epoch.
func (i *Issuer) follows(l *revocation.List, known places) error {
	switch at := known.in(l.Epoch); {
	case l.After != at.after:
		return fmt.Errorf("%w: it begins at %d, and we are at %d", errGap, l.After, at.after)
	case l.Latest < at.latest:
		return errors.New("it tells of less than was known already: an old page that is shown again")
	case len(l.Entries) == 0 && l.Latest > l.Sequence:
		return errors.New("it is empty, and says that there is more")
	case i.set.Len()+len(l.Entries) > maxEntries:
		i.set.Sweep(i.watch.Safe())
		if i.set.Len()+len(l.Entries) > maxEntries {
			return fmt.Errorf("more than %d revocations are not kept", maxEntries)
		}
	}
	return nil
}

// take adds a page to what is known. What we know is as fresh as the question whose answer was the last page there was.
func (i *Issuer) take(l *revocation.List, known places, sent time.Time) {
	i.set.Add(i.watch.Safe(), l.Entries...)
	now := known.with(place{l.Epoch, l.Sequence, l.Latest})
	i.places.Store(&now)
	if now.whole() {
		i.learn(sent)
	}
	if len(l.Entries) == 0 {
		return
	}
	i.dropKeys()
}

// dropKeys forgets keys that were withdrawn, for good: what says so is forgotten one day. The issuer has another key by now.
func (i *Issuer) dropKeys() {
	for set := i.keys.Load(); ; set = i.keys.Load() {
		left := maps.Clone(set.keys)
		maps.DeleteFunc(left, func(kid string, _ Key) bool { return i.withdrawn(kid) })
		if len(left) == len(set.keys) {
			return
		}
		if i.keys.CompareAndSwap(set, &keySet{left, set.text, set.read, set.age}) {
			i.readAgain()
			return
		}
	}
}

// staleness returns the age of what we know of revocations; ever is false until all of them were read once.
func (i *Issuer) staleness(now time.Time) (age time.Duration, ever bool) {
	fresh := i.fresh.Load()
	if fresh == nil {
		return now.Sub(i.began), false
	}
	return max(now.Sub(*fresh), 0), true // time.Now is monotonic: setting the clock makes nothing younger
}

// learn notes when all that the issuer had revoked was known here. Whoever waits for the first time goes on.
func (i *Issuer) learn(at time.Time) {
	if i.fresh.Swap(&at) == nil {
		close(i.informed)
	}
}

// await lets a call wait for the revocations that are being read for the first time. Until they were, no JWT is believed, whatever
// the policy: one that was revoked before this process began looks like any other. Only who comes in the first moments waits.
func (i *Issuer) await(ctx context.Context) error {
	if i.r.IgnoreRevocations {
		return nil
	}
	select {
	case <-i.informed:
		return nil
	default:
	}
	select {
	case <-i.informed:
		return nil
	case <-i.late:
	case <-ctx.Done():
	}
	return i.believable(i.r.Now())
}

// current decides whether a JWT may be believed by what we know of revocations now, and counts one that may be though that is old.
func (i *Issuer) current(now time.Time) error {
	if i.r.IgnoreRevocations {
		return nil
	}
	if age, ever := i.staleness(now); ever && age <= i.r.MaxStaleness {
		return nil
	}
	err := i.believable(now)
	if err == nil {
		age, _ := i.staleness(now)
		i.passed(age)
	}
	return err
}

// believable says why no JWT may be believed now, or nothing. Old knowledge serves, where the policy says so, while the issuer is away;
// an issuer that answers and refuses to tell is not away.
func (i *Issuer) believable(now time.Time) error {
	if i.r.IgnoreRevocations {
		return nil
	}
	age, ever := i.staleness(now)
	switch {
	case !ever:
		return fmt.Errorf("%w: the issuer's revocations were not read yet: %s", oauth.ErrUnavailable,
			cmp.Or(i.troubles.of(troubleRevocations), i.troubles.text(), "the issuer has not answered yet"))
	case age <= i.r.MaxStaleness:
		return nil
	case i.denied.Load():
		return fmt.Errorf("%w: the issuer refuses to tell its revocations, for %v: %s", oauth.ErrUnavailable, age.Round(time.Second),
			i.troubles.of(troubleRevocations))
	case i.r.WhenStale == ServeStale:
		return nil
	}
	return fmt.Errorf("%w: the issuer's revocations were last read %v ago", oauth.ErrUnavailable, age.Round(time.Second))
}

// passed counts a token that was let through on knowledge that is too old.
func (i *Issuer) passed(age time.Duration) {
	i.stale.Add(1)
	if i.r.Stale != nil {
		i.r.Stale(age)
	}
}
