package expiry

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

const day = 24 * time.Hour

// thresholds are how many days before its end a credential is warned of.
var thresholds = []int{1, 7, 30}

// How notices are kept.
const (
	waiting  = "waiting"           // a state, and the parent of records in it, by which they are found
	keepPast = 48 * time.Hour      // after the credential's end: sending may go on for a day
	lease    = time.Minute         // for which who has claimed a notice may be busy sending it; longer than an answer takes
	giveUp   = 24 * time.Hour      // after which nobody tries any more
	firstTry = 30 * time.Second    // until the second
	lastTry  = time.Hour           // between two
	round    = time.Hour           // between two looks for what expires
	soonest  = 5 * time.Second     // between two looks for what is waiting
	farthest = 30 * 24 * time.Hour // the highest threshold
)

// States of a notice; waiting is the third.
const (
	sent   = "sent"
	gaveUp = "given_up"
)

// notice is one warning, as it is kept. Its stored form is this JSON, keyed by tenant and id.
type notice struct {
	tenant string
	id     string
	rev    uint64

	Client     string    `json:"client"`
	Name       string    `json:"name"`
	Credential string    `json:"credential,omitempty"`
	At         time.Time `json:"at"`
	Days       int       `json:"days"` // the threshold
	State      string    `json:"state"`
	Since      time.Time `json:"since"`    // it was found
	Next       time.Time `json:"next"`     // nobody tries before
	Attempts   int       `json:"attempts"` // so far
}

// due returns the notice of the lowest threshold that an entry is within, or false. Its id holds the moment of the end: an end that is
// moved is warned of anew.
func due(e Entry, now time.Time) (*notice, bool) {
	left := e.At.Sub(now)
	if left <= 0 {
		return nil, false
	}
	for _, days := range thresholds {
		if left <= time.Duration(days)*day {
			id := e.key(strconv.FormatInt(e.At.Unix(), 10) + " " + strconv.Itoa(days))
			return &notice{tenant: e.Tenant, id: id, Client: e.Client, Name: e.Name, Credential: e.Credential, At: e.At.UTC(), Days: days,
				State: waiting, Since: now, Next: now}, true
		}
	}
	return nil, false
}

// record is the notice's stored form.
func (n *notice) record() store.Record {
	body, err := json.Marshal(n)
	if err != nil { // our own type, all plain: cannot happen
		panic(err)
	}
	r := store.Record{Tenant: n.tenant, Kind: store.Notice, ID: n.id, Rev: n.rev, Label: n.Client, Expires: n.At.Add(keepPast), Body: body}
	if n.State == waiting {
		r.Parent = waiting
	}
	return r
}

func readNotice(r store.Record) (*notice, error) {
	n := &notice{tenant: r.Tenant, id: r.ID, rev: r.Rev}
	if err := json.Unmarshal(r.Body, n); err != nil {
		return nil, fmt.Errorf("notice %s cannot be read: %w", r.ID, err)
	}
	return n, nil
}

// pause is how long to wait after so many failures.
func pause(attempts int) time.Duration {
	return min(firstTry<<min(attempts-1, 10), lastTry)
}

// message is what a webhook is told. The id is the same each time a warning is tried, so that a receiver can know one again.
type message struct {
	Type          string    `json:"type"` // credential.expiring or client.expiring
	ID            string    `json:"id"`
	Tenant        string    `json:"tenant"`
	ClientID      string    `json:"client_id"`
	ClientName    string    `json:"client_name"`
	Credential    string    `json:"credential,omitempty"`
	ExpiresAt     time.Time `json:"expires_at"`
	ExpiresIn     int64     `json:"expires_in"` // seconds
	ThresholdDays int       `json:"threshold_days"`
}

// body is the message at the moment it is sent.
func (n *notice) body(now time.Time) []byte {
	m := message{Type: "client.expiring", ID: n.id, Tenant: n.tenant, ClientID: n.Client, ClientName: n.Name, Credential: n.Credential,
		ExpiresAt: n.At, ExpiresIn: max(0, int64(n.At.Sub(now)/time.Second)), ThresholdDays: n.Days}
	if n.Credential != "" {
		m.Type = "credential.expiring"
	}
	body, err := json.Marshal(m)
	if err != nil { // our own type, all plain: cannot happen
		panic(err)
	}
	return body
}
