//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// The events: over how long, and by whom.
const (
	eventDays = 90
	actors    = 1000
	programs  = 940           // of the actors; the others are people, who change things
	rareAct   = "key.rotate"  // one event of a million
	eventRoom = 2 * time.Hour // how much younger than 90 days the oldest refusal is: none is to expire while pages are looked at
	eventSpan = eventDays*24*time.Hour - eventRoom
)

// reasons are why requests for a token are refused, the usual ones first.
var reasons = []string{
	"invalid_client: the secret is not one of the client's", "invalid_client: the client expired at 2026-10-01T00:00:00Z", "invalid_scope: the client does not hold devices.write",
	"invalid_client: there is no such client", "unauthorized_client: the client may use [client_credentials], not password", "temporarily_unavailable: too many requests",
	"invalid_grant: the password is wrong", "invalid_request: grant_type is missing", "unsupported_grant_type: grant \"implicit\"",
}

// actor returns one of the actors: programs first, the most frequent ahead, then operators and who uses the command line.
func (p *population) actor(n int) string {
	switch {
	case n < programs:
		return "client:" + p.clientIDs[n*7919%p.clients]
	case n < programs+staffSize:
		return "operator:" + p.operators[n-programs]
	}
	return fmt.Sprintf("cli:admin%d", n)
}

// eventRecords is one event: a refusal, or one time of twenty a change.
func (p *population) eventRecords(d *dice, n int) []store.Record {
	when := p.now.Add(-eventSpan + time.Duration(float64(eventSpan)*float64(n)/float64(p.events)))
	e := audit.Event{ID: secret.NewID(when), Tenant: "load", Time: when}
	switch { // one of each in the middle of the time is looked at
	case n == p.events/2:
		p.refused(d, &e)
		p.refusal = e.ID
	case n == p.events/2+1:
		p.changed(d, &e)
		p.change = e.ID
	case d.oneIn(20):
		p.changed(d, &e)
	default:
		p.refused(d, &e)
	}
	return []store.Record{audit.Record(e)}
}

// changed makes it the event of a change.
func (p *population) changed(d *dice, e *audit.Event) {
	e.Outcome, e.Actor, e.Subject = audit.Allowed, p.actor(d.one(d.people)), "client:"+p.clientIDs[d.one(d.changed)]
	switch k := d.IntN(100); {
	case d.oneIn(50_000):
		e.Act, e.Subject = rareAct, "key:"+secret.NewID(e.Time)
	case k < 45:
		e.Act = "client.update"
	case k < 80:
		e.Act = "client.rotate"
	case k < 95:
		e.Act = "client.create"
	case k < 99:
		e.Act = "client.disable"
	default:
		e.Act, e.Subject = "user.password", "user:"+p.users[d.IntN(len(p.users))]
	}
}

// refused makes it the event of a refusal.
func (p *population) refused(d *dice, e *audit.Event) {
	e.Outcome, e.RequestID, e.Source = audit.Refused, e.ID, fmt.Sprintf("192.0.2.%d", d.IntN(256))
	e.Actor = p.actor(d.one(d.programs))
	if d.oneIn(5) {
		api := apiNames[d.IntN(len(apiNames))]
		e.Act, e.Subject, e.Reason = "api.refuse", "api:"+api, "insufficient_scope: the token does not hold "+api+".write"
		e.Detail = map[string]string{"method": "POST", "route": "/api/v1/" + api}
		return
	}
	e.Act, e.Subject, e.Reason = "token.refuse", e.Actor, reasons[d.IntN(1+d.IntN(len(reasons)))]
	e.Detail = map[string]string{"dialect": "nexthink", "grant": "client_credentials"}
}

// tally writes how many tokens each hour of a week had.
func (p *population) tally() error {
	for hour := range 7 * 24 {
		if err := audit.AddTally(context.Background(), p.db, "load", p.now.Add(-time.Duration(hour)*time.Hour), uint64(4000+hour%24*100), uint64(100+hour%7*20)); err != nil {
			return err
		}
	}
	return nil
}

// journal writes the issuances of today and yesterday, as many a day as there are events, and picks one of yesterday.
func (p *population) journal() error {
	dir := filepath.Join(p.t.dir, "journal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lines := max(10, p.events/eventDays)
	for back := range 2 {
		date := p.now.UTC().Truncate(day).Add(-time.Duration(back) * day)
		f, err := os.OpenFile(filepath.Join(dir, "issued-"+date.Format(time.DateOnly)+".jsonl"), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		for n := range lines {
			when := date.Add(day / time.Duration(lines) * time.Duration(n))
			request := secret.NewID(when)
			if back == 1 && n == lines/2 {
				p.issuance = request
			}
			fmt.Fprintf(w, `{"time":%q,"tenant":"load","request_id":%q,"dialect":"nexthink","grant":"client_credentials","client_id":%q,"subject":%[3]q,"scope":"workflows.read",`+
				`"token_id":%q,"source":"192.0.2.7","expires":%d}`+"\n", when.Format(time.RFC3339), request, p.clientIDs[n%p.clients], secret.NewID(when), when.Add(time.Hour).Unix())
		}
		if err := errors.Join(w.Flush(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
