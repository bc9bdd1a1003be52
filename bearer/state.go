package bearer

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// State is how well an issuer is followed: what a health answer and a metric need.
type State struct {
	Ready     bool          // JWTs are decided about: there are keys, and what is revoked is known as well as WhenStale asks
	Keys      int           // in the key set
	KeysAge   time.Duration // since the key set was read
	Staleness time.Duration // since the question whose answer told the last of the revocations; until then since Follow; 0 without ClientID

	Revocations int    // kept now
	Epoch       string // that they are counted in
	Sequence    uint64 // how many of the epoch were read

	Stale     uint64 // tokens that passed though what they were checked against was too old
	Denied    bool   // the issuer answers, but does not tell us what is revoked: a fault of ClientID, ClientSecret or the registration
	LastError string // what fails at present, in words for the operator; empty when nothing does
}

// State returns the state of now.
func (i *Issuer) State() State {
	now, at := i.r.Now(), place{}
	if known := *i.places.Load(); len(known) > 0 {
		at = known[0]
	}
	s := State{Revocations: i.set.Len(), Epoch: at.epoch, Sequence: at.after, Stale: i.stale.Load(),
		Denied: i.denied.Load(), LastError: i.troubles.text()}
	if !i.r.IgnoreRevocations {
		s.Staleness, _ = i.staleness(now)
	}
	if set := i.keys.Load(); set != nil {
		s.Ready, s.Keys, s.KeysAge = i.believable(now) == nil, len(set.keys), now.Sub(set.read)
	}
	return s
}

// trouble is one of the things that can fail by themselves.
type trouble int

const (
	troubleMetadata trouble = iota
	troubleKeys
	troubleRevocations
	troubleLookUps
	troubleSnapshot
	allTroubles
)

var troubleNames = [allTroubles]string{"metadata", "keys", "revocations", "look-ups", "snapshot"}

// troubles remember what fails now, for State and for the log.
type troubles struct {
	log   *slog.Logger
	while context.Context // once it is done, what was under way breaks off, and that is no trouble

	mu   sync.Mutex
	now  [allTroubles]string
	told [allTroubles]time.Time // when the log was last told of it
}

// note takes down how something went. The log reads it when it begins to fail, once a minute while it does, and when it works again:
// what fails in each of a thousand calls is one line.
func (s *troubles) note(now time.Time, what trouble, err error) {
	if s.while.Err() != nil {
		return
	}
	s.mu.Lock()
	before := s.now[what]
	s.now[what] = ""
	tell := err == nil && before != ""
	if err != nil {
		s.now[what] = err.Error()
		since := now.Sub(s.told[what])
		if tell = before == "" || since < 0 || since >= time.Minute; tell {
			s.told[what] = now
		}
	}
	s.mu.Unlock()
	switch {
	case !tell:
	case err == nil:
		s.log.Info("the issuer answers again", slog.String("about", troubleNames[what]))
	default:
		s.log.Error("the issuer cannot be followed", slog.String("about", troubleNames[what]), slog.String("error", err.Error()))
	}
}

// of returns why one thing fails now, or nothing.
func (s *troubles) of(what trouble) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now[what]
}

// text returns all that fails now.
func (s *troubles) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, t := range s.now {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, "; ")
}
