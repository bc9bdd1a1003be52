package bearer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/clock"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// Policy says what becomes of JWTs when the issuer's revocations could not be read for longer than Remote.MaxStaleness.
type Policy int

const (
	// ServeStale lets them pass until they expire, and counts them: an issuer that is away stops no API. One that answers, and does not
	// accept ClientID, is not away: its tokens then meet a fault, as under RefuseStale.
	ServeStale Policy = iota
	// RefuseStale answers with a fault, which is 503 and never 401: no token passes that may have been revoked long ago.
	RefuseStale
)

// String returns the policy in the words of a settings file.
func (p Policy) String() string {
	if p == RefuseStale {
		return "refuse"
	}
	return "serve-stale"
}

// Remote names an issuer that is asked over HTTP, and how far it is relied on.
type Remote struct {
	// Issuer is its identifier, compared byte by byte with what it says of itself (RFC 8414, section 3.3) and with iss. It is an
	// https URL; http is for a loopback address only. Everything is asked of this one scheme, host and port.
	Issuer string

	// ClientID and ClientSecret are this API's own registration with the issuer, as a resource server: the revocations and what becomes
	// of opaque tokens are told to nobody else. No JWT is accepted before the revocations were read once, whatever WhenStale says.
	ClientID     string
	ClientSecret oauth.Secret

	// IgnoreRevocations takes the place of a client id: only JWTs are accepted then, and they pass until they expire, revoked or not,
	// unless the key that signed them is gone.
	IgnoreRevocations bool

	MaxStaleness time.Duration       // that revocations may be old before WhenStale counts; 0: 60 s; at least 5 s, the time of one question
	WhenStale    Policy              // ServeStale, unless it says RefuseStale
	Stale        func(time.Duration) // told the age of what each token that passed too old was checked against; may be nil; must not block

	OpaqueAge   time.Duration // as in Options
	OpaqueStale time.Duration // as in Options; with RefuseStale never more than MaxStaleness
	CacheSize   int           // as in Options, for each Verifier

	// Snapshot names a file where what is known is kept, within a second or so of a change, for a start while the issuer is away: keys and
	// revocations, under an HMAC with ClientSecret. What it says is as old as it is, so WhenStale counts; older than SnapshotAge (0: 24 h;
	// at most 14 days) it is not used, and such a start answers 503 as a first one does. Empty: nothing is kept.
	Snapshot    string
	SnapshotAge time.Duration

	// HTTP is the client whose Transport is used; nil: one with its own connections. Its redirects, cookies and time-out are not used:
	// nothing is followed elsewhere, and each question has a time of its own.
	HTTP              *http.Client
	InsecurePlainHTTP bool // http to any address: keys and tokens can then be read and forged on the way

	Now     func() time.Time     // nil: time.Now
	Elapsed func() time.Duration // a monotonic clock: revocations are not forgotten because Now jumps ahead; nil: that of this process

	Log *slog.Logger // told once when something begins to fail, each minute while it does, and when it works again; nil: slog.Default

	pace *pace // of tests
}

// pace is how long things take at most, and how soon they are done again.
type pace struct {
	answer   time.Duration // a document or a look-up, from first to last byte
	poll     time.Duration // that the issuer may hold back an answer without news; whole seconds
	grace    time.Duration // beyond that; a connection that is dead is noticed by then
	body     time.Duration // a page, once it has begun
	patience time.Duration // that a call waits for keys it needs, and for the first revocations
	least    time.Duration // before trying again
	most     time.Duration
	lull     time.Duration // between two questions of which the first brought nothing, though the issuer did not wait
	denied   time.Duration // before trying a credential again that was refused
}

var usualPace = pace{answer: 5 * time.Second, poll: 2 * time.Second, grace: 2 * time.Second, body: 10 * time.Second, patience: 2 * time.Second,
	least: 100 * time.Millisecond, most: 2 * time.Second, lull: 500 * time.Millisecond, denied: 15 * time.Second}

const (
	defaultStaleness = time.Minute
	leastStaleness   = 5 * time.Second
)

// Issuer is what is known of a remote issuer, kept up to date until Close.
type Issuer struct {
	r    Remote
	base *url.URL
	http *http.Client
	own  *http.Transport // nil: the caller's

	ctx     context.Context // done when Close is called
	cancel  context.CancelFunc
	running sync.WaitGroup

	watch  *clock.Watch // by which the set forgets
	set    *revocation.Set
	where  atomic.Pointer[endpoints]
	keys   atomic.Pointer[keySet]
	find   sync.Once
	found  chan struct{} // closed by find when where and keys were read for the first time
	again  chan struct{} // holds one when the keys are to be read now
	fresh  atomic.Pointer[time.Time]
	denied atomic.Bool // the issuer's last word on revocations was that it does not tell us

	informed chan struct{} // closed when the revocations were read for the first time
	late     chan struct{} // closed when no call waits for that any more

	places atomic.Pointer[places]
	stale  atomic.Uint64 // tokens that passed, checked against knowledge that was too old

	mu       sync.Mutex // guards what follows; never held while anything is asked
	closed   bool
	reading  *flight   // of the keys, while they are being read
	asked    time.Time // when they last were
	missed   error     // why that failed
	flights  map[string]*flight
	failing  bool // the last look-up did
	troubles troubles

	began time.Time
}

// Follow begins to follow an issuer. It does not wait for it and never fails because the issuer is away: it goes on trying, and until it
// has the keys and has read what is revoked, tokens meet a fault, which is 503 (State.Ready says when that is over). The error says which member of Remote is wrong. Following ends with Close or with ctx.
func Follow(ctx context.Context, r Remote) (*Issuer, error) {
	i, err := prepare(r)
	if err != nil {
		return nil, err
	}
	i.restore()
	i.begin(ctx)
	return i, nil
}

// Succeed begins to follow the same issuer in another way, as with a new credential, and knows from the start what i does: its keys, and
// what was taken back, so that nothing that was refused passes again. It does not end i. The error says which member of Remote is wrong.
func (i *Issuer) Succeed(ctx context.Context, r Remote) (*Issuer, error) {
	next, err := prepare(r)
	switch {
	case err != nil:
		return nil, err
	case next.r.Issuer != i.r.Issuer:
		return nil, fmt.Errorf("bearer: %q does not succeed %q: it is another issuer", next.r.Issuer, i.r.Issuer)
	}
	next.set = i.set // both add to it until i is closed: a set only grows
	if fresh := i.fresh.Load(); fresh != nil {
		next.learn(*fresh)
	}
	if keys := i.keys.Load(); keys != nil { // before where: whoever has keys knows where they were
		next.keys.Store(keys)
	}
	if where := i.where.Load(); where != nil {
		next.where.Store(where)
		next.find.Do(func() { close(next.found) })
	}
	next.begin(ctx)
	return next, nil
}

// prepare makes an Issuer that does not follow yet.
func prepare(r Remote) (*Issuer, error) {
	base, err := r.complete()
	if err != nil {
		return nil, err
	}
	i := &Issuer{r: r, base: base, watch: clock.New(r.Now, r.Elapsed), set: &revocation.Set{}, found: make(chan struct{}), again: make(chan struct{}, 1),
		informed: make(chan struct{}), late: make(chan struct{}), flights: map[string]*flight{}, began: r.Now()}
	i.places.Store(&places{})
	i.troubles.log = r.Log.With(slog.String("issuer", r.Issuer))
	i.http, i.own = r.client()
	return i, nil
}

func (i *Issuer) begin(ctx context.Context) {
	i.ctx, i.cancel = context.WithCancel(ctx)
	i.troubles.while = i.ctx
	time.AfterFunc(i.r.pace.patience, func() { close(i.late) })
	i.running.Go(i.keepKeys)
	if i.r.ClientID != "" {
		i.running.Go(i.keepRevocations)
	}
	if i.r.Snapshot != "" {
		i.running.Go(i.keepSnapshot)
	}
}

// complete checks a Remote and fills in what it left out.
func (r *Remote) complete() (*url.URL, error) {
	base, err := r.address()
	if err != nil {
		return nil, err
	}
	if r.MaxStaleness == 0 {
		r.MaxStaleness = defaultStaleness
	}
	switch {
	case (r.ClientID == "") != (r.ClientSecret == ""):
		return nil, errors.New("bearer: a client id and its secret belong together")
	case (r.ClientID == "") != r.IgnoreRevocations:
		return nil, errors.New("bearer: revoked tokens are refused only where a client id and secret let the revocations be read: " +
			"give both, or neither and IgnoreRevocations")
	case r.MaxStaleness < leastStaleness:
		return nil, fmt.Errorf("bearer: a staleness of %v: less than %v is passed between two questions", r.MaxStaleness, leastStaleness)
	case r.Snapshot != "" && r.IgnoreRevocations:
		return nil, errors.New("bearer: a snapshot is of revocations, and these are ignored")
	case r.SnapshotAge < 0 || r.SnapshotAge > longestKept:
		return nil, fmt.Errorf("bearer: a snapshot is good for %v at most", longestKept)
	case r.WhenStale == RefuseStale && r.ClientID == "":
		return nil, errors.New("bearer: without a client id no revocations are read, and every token would be refused as stale")
	case r.OpaqueAge > maxStale || r.OpaqueStale > maxStale:
		return nil, fmt.Errorf("bearer: an opaque token may not be trusted for more than %v without asking", maxStale)
	}
	if r.SnapshotAge == 0 {
		r.SnapshotAge = defaultKept
	}
	if r.OpaqueStale == 0 {
		r.OpaqueStale = defaultStaleness
	}
	if r.WhenStale == RefuseStale {
		r.OpaqueStale = min(r.OpaqueStale, r.MaxStaleness)
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Log == nil {
		r.Log = slog.Default()
	}
	if r.pace == nil {
		r.pace = &usualPace
	}
	return base, nil
}

// Verifier returns a Verifier of the issuer's tokens for one API, known by these audiences. Its refusals are those of RFC 6750; who wants
// others changes Options and calls New.
func (i *Issuer) Verifier(audience ...string) (*Verifier, error) { return New(i.Options(audience...)) }

// Options returns what New needs to check the issuer's tokens for one API. Audiences and Speech are the caller's to change.
func (i *Issuer) Options(audience ...string) Options {
	o := Options{Issuer: i.r.Issuer, Audiences: audience, Keys: i.key, Revocations: i.set, OpaqueAge: i.r.OpaqueAge,
		OpaqueStale: i.r.OpaqueStale, Stale: i.passed, CacheSize: i.r.CacheSize, Now: i.r.Now, remote: i}
	if i.r.ClientID != "" {
		o.Opaque = i.lookUp
	}
	return o
}

// Close ends the following and returns when nothing of it runs any more. Verifiers go on with what is known, as if the issuer were away.
func (i *Issuer) Close() {
	i.mu.Lock()
	i.closed = true // from here on nothing new begins
	i.mu.Unlock()
	i.cancel()
	i.running.Wait()
	if i.own != nil {
		i.own.CloseIdleConnections()
	}
}
