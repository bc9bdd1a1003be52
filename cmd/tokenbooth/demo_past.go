package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// How far back the demo's past goes, and whose it is.
const (
	pastDays   = 30
	pastTenant = "demo"
)

// past is a token desk at work in days that are over: the same desk on the same database, with a clock of its own. What it leaves behind
// was written by the code that writes it every day, so whatever reads it finds nothing that could not have come about by itself.
type past struct {
	*booth
	clock   atomic.Int64 // microseconds since 1970
	end     time.Time    // its last moment: the demo starts
	secrets map[string]oauth.Secret
	hours   map[time.Time]*audit.Hour
}

// writePast gives a new demo a past. It is over before the demo opens what it leaves behind.
func writePast(ctx context.Context, s *settings) (err error) {
	p := &past{end: wallClock()().UTC(), secrets: map[string]oauth.Secret{}, hours: map[time.Time]*audit.Hour{}}
	then := *s
	then.clock = func() time.Time { return time.UnixMicro(p.clock.Load()) }
	then.Log.Level = "error" // what was refused a week ago is no news
	p.at(p.begin())
	if p.booth, err = openBooth(ctx, &then); err != nil {
		return err
	}
	writing, stop := context.WithCancel(ctx)
	var uses sync.WaitGroup
	uses.Go(func() { p.desk.registry.WriteUses(writing) })
	err = p.happen(ctx)
	stop()
	uses.Wait()
	if err = errors.Join(err, p.close()); err != nil {
		return fmt.Errorf("write the demo's past; --empty does without: %w", err)
	}
	return nil
}

func (p *past) begin() time.Time { return p.end.Add(-pastDays * day) }

// last is when nothing new begins any more, so that all is over at the end.
func (p *past) last() time.Time { return p.end.Add(-time.Hour / 2) }

// at moves the clock. It never goes back.
func (p *past) at(t time.Time) { p.clock.Store(max(p.clock.Load(), t.UnixMicro())) }

// happen lets everything happen in its order.
func (p *past) happen(ctx context.Context) error {
	for i := range pastClients {
		if err := p.register(ctx, &pastClients[i]); err != nil {
			return err
		}
	}
	for start := p.begin().Truncate(day); start.Before(p.end); start = start.Add(day) {
		if err := errors.Join(p.calls(start), p.work(ctx, start), p.changes(ctx, start)); err != nil {
			return err
		}
	}
	return p.count(ctx)
}

func (p *past) register(ctx context.Context, c *pastClient) error {
	t, _ := p.desk.registry.Tenant(pastTenant)
	made := t.NewClient(c.id)
	made.Name, made.Description, made.Permissions, made.AllowFrom = c.name, c.description, c.permissions, c.allowFrom
	if c.endsIn != 0 {
		made.Expires = registry.Until{Time: p.end.Add(c.endsIn).Truncate(time.Minute)}
	}
	_, text, err := p.desk.registry.CreateClient(ctx, c.owner, made)
	p.secrets[c.id] = text
	return err
}

// changes makes the changes of a day.
func (p *past) changes(ctx context.Context, start time.Time) error {
	for _, c := range pastChanges {
		if at := p.end.Add(-c.ago); at.Truncate(day).Equal(start) {
			p.at(at)
			edit := func(is *registry.Client) error {
				text, err := c.edit(is, p.now())
				if text != "" {
					p.secrets[c.client] = text
				}
				return err
			}
			if _, err := p.desk.registry.UpdateClient(ctx, c.by, c.act, pastTenant, c.client, edit); err != nil {
				return err
			}
		}
	}
	return nil
}

// work lets the clients of a day work, each by its rhythm.
func (p *past) work(ctx context.Context, start time.Time) error {
	for i := range pastClients {
		c, n := &pastClients[i], 0
		for hour := start; hour.Before(start.Add(day)) && hour.Before(p.last()); hour = hour.Add(time.Hour) {
			if hour.Before(p.begin()) || hour.After(p.end.Add(-c.idle)) {
				continue
			}
			p.hour(hour).Issued += uint64(c.asks(hour))
			n += c.asks(hour)
		}
		if n > 0 && !c.atWork(start, p.end) {
			if err := p.uses(ctx, c, start, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// atWork reports whether a client is at work at a moment of this day: what it does then, the running desk counts.
func (c *pastClient) atWork(start, now time.Time) bool {
	return now.Truncate(day).Equal(start) && c.idle == 0 && c.asks(now.Truncate(time.Hour)) > 0
}

// uses lets a client work n times on a day, and open what it opens. It is kept how often on each day, and when last.
func (p *past) uses(ctx context.Context, c *pastClient, start time.Time, n int) error {
	is, err := p.desk.registry.Client(ctx, pastTenant, c.id)
	if err != nil {
		return err
	}
	if at := start.Add(time.Duration(n%9+9) * time.Hour); at.Before(p.last()) {
		p.at(at)
	}
	for range n - 1 {
		p.desk.registry.Used(is, c.holds(is), c.from)
	}
	p.at(p.now().Add(time.Minute)) // the minute after which a use is noted, with those before it
	p.desk.registry.Used(is, c.holds(is), c.from)
	for _, permission := range c.opens {
		p.desk.registry.UsedPermission(pastTenant, c.id, permission)
	}
	return nil
}

// holds is the secret that a client works with.
func (c *pastClient) holds(is *registry.Client) *registry.Credential {
	if c.keepsOld {
		return &is.Credentials[0]
	}
	return &is.Credentials[len(is.Credentials)-1]
}

// calls sends what comes in on a day beside the usual, most of it to be refused.
func (p *past) calls(start time.Time) error {
	days := int(p.end.Truncate(day).Sub(start) / day)
	for _, c := range pastCalls {
		at := start.Add(c.time)
		if days%c.every != c.but || at.Before(p.begin()) || at.Add(c.later).After(p.last()) {
			continue
		}
		p.at(at)
		before := p.metrics.Outcomes()[pastTenant]
		if err := p.call(&c); err != nil {
			return err
		}
		after, h := p.metrics.Outcomes()[pastTenant], p.hour(at)
		h.Issued, h.Refused = h.Issued+after.Issued-before.Issued, h.Refused+after.Refused-before.Refused
	}
	return nil
}

// call is one caller at the desk's own handler: for a token, or for one and then at an API with it.
func (p *past) call(c *pastCall) error {
	if c.client == "" {
		_, err := p.ask(c, http.MethodGet, c.opens, "", "")
		return err
	}
	secret := orElse(c.secret, p.secrets[c.client].Reveal())
	text, err := p.ask(c, http.MethodPost, tokenPath, c.body, basic(c.client, secret))
	if c.opens == "" || err != nil {
		return err
	}
	_, rest, _ := strings.Cut(text, `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	p.at(p.now().Add(c.later))
	_, err = p.ask(c, http.MethodGet, c.opens, "", "Bearer "+token)
	return err
}

func basic(client, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+secret))
}

// ask sends a request to the desk's handler and returns the body of the answer.
func (p *past) ask(c *pastCall, method, path, body, authorization string) (string, error) {
	r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.RequestURI, r.RemoteAddr = path, c.from+":40404"
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := &overheard{header: http.Header{}}
	p.handler.ServeHTTP(w, r)
	return w.text.String(), nil
}

func (p *past) hour(at time.Time) *audit.Hour {
	at = at.UTC().Truncate(time.Hour)
	if p.hours[at] == nil {
		p.hours[at] = &audit.Hour{Start: at}
	}
	return p.hours[at]
}

// count adds up the hours, many at a time: each is written durably.
func (p *past) count(ctx context.Context) error {
	hours := make(chan *audit.Hour)
	failed := make([]error, 32)
	var work sync.WaitGroup
	for i := range failed {
		work.Go(func() {
			for h := range hours {
				failed[i] = errors.Join(failed[i], audit.AddTally(ctx, p.desk.store, pastTenant, h.Start, h.Issued, h.Refused))
			}
		})
	}
	for _, h := range p.hours {
		hours <- h
	}
	close(hours)
	work.Wait()
	return errors.Join(failed...)
}

// overheard keeps an answer.
type overheard struct {
	header http.Header
	text   strings.Builder
}

func (o *overheard) Header() http.Header            { return o.header }
func (o *overheard) Write(text []byte) (int, error) { return o.text.Write(text) }
func (o *overheard) WriteHeader(int)                {}

// goOn lets the clients of the past do their work of today: how busy they are today, only the running desk knows.
func (b *booth) goOn(ctx context.Context) {
	now := b.now().UTC()
	for i := range pastClients {
		c := &pastClients[i]
		is, err := b.desk.registry.Client(ctx, pastTenant, c.id)
		if err != nil || !c.atWork(now.Truncate(day), now) {
			continue
		}
		for hour := now.Truncate(day); hour.Before(now); hour = hour.Add(time.Hour) {
			for range c.asks(hour) {
				b.desk.registry.Used(is, c.holds(is), c.from)
			}
		}
	}
}
