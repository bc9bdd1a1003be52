//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	day       = 24 * time.Hour
	tokenSpan = 7 * day // since the oldest chain or opaque token
)

var (
	apiNames = []string{"workflows", "campaigns", "enrichment", "remote-actions", "exports", "devices"}
	places   = []string{"Berlin", "Lausanne", "Boston", "Zürich", "Madrid", "Bengaluru", "Dubai", "Paris", "London", "Oslo", "Wien", "Praha"}
	purposes = []string{"inventory sync", "report export", "ticket robot", "campaign trigger", "nightly load", "patch dashboard", "badge printer", "data lake"}
)

func username(n int) string { return fmt.Sprintf("user-%06d@example.com", n) }

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // our own types, all plain: cannot happen
		panic(err)
	}
	return b
}

// clientRecords are a client and the uses of its secret: a third has a secret that ends, some have ended, some are disabled, some have two
// secrets, and more than half are in use.
func (p *population) clientRecords(d *dice, n int) []store.Record {
	id := p.clientIDs[n]
	made := p.now.Add(-time.Duration(p.clients-n) * (3 * 365 * day / time.Duration(p.clients)))
	c := registry.Client{Created: made, CreatedBy: "operator:" + p.operators[d.IntN(staffSize)], Updated: made, UpdatedBy: "operator:" + p.operators[d.IntN(staffSize)], ClientSpec: registry.ClientSpec{Name: fmt.Sprintf("%s %s %d", places[d.IntN(len(places))], purposes[d.IntN(len(purposes))], n), Permissions: someOf(d), Grants: []oauth.GrantType{oauth.ClientCredentials}, Disabled: d.oneIn(33)}}
	if d.oneIn(4) {
		c.Description = "Asked for by the team of " + places[d.IntN(len(places))] + "; see the ticket."
	}
	if d.oneIn(20) {
		c.Expires = registry.Until{Time: p.now.Add(time.Duration(d.IntN(500)-30) * day)}
	}
	secrets := 1
	if d.oneIn(20) {
		secrets = 2
	}
	for range secrets {
		s := registry.Credential{ID: secret.NewID(made), Hash: secret.HashSecret(id), Created: made}
		if d.oneIn(3) {
			s.Expires = p.now.Add(time.Duration(d.IntN(400)-35)*day + time.Duration(d.IntN(86400))*time.Second)
		}
		c.Credentials = append(c.Credentials, s)
	}
	records := []store.Record{{Tenant: "load", Kind: store.Client, ID: id, Label: c.Name, Body: encode(c)}}
	if d.oneIn(3) {
		return records
	}
	return append(records, p.useRecords(d, id, &c)...)
}

// useRecords are the uses of a client's newest secret, and of one of its permissions.
func (p *population) useRecords(d *dice, id string, c *registry.Client) []store.Record {
	last := p.now.Add(-time.Duration(d.IntN(40*24)) * time.Hour)
	counts := make([]uint32, 30)
	for i := range counts {
		counts[i] = uint32(d.IntN(500))
	}
	use := struct {
		At     time.Time `json:"at"`
		From   string    `json:"from"`
		Day    int64     `json:"day"`
		Counts []uint32  `json:"counts"`
	}{last, fmt.Sprintf("192.0.2.%d", d.IntN(256)), last.Unix() / 86400, counts}
	seen := struct {
		At          time.Time            `json:"at"`
		Permissions map[string]time.Time `json:"permissions"`
	}{last, map[string]time.Time{c.Permissions[0]: last.Truncate(time.Hour)}}
	return []store.Record{{Tenant: "load", Kind: store.Use, ID: id + "/" + c.Credentials[len(c.Credentials)-1].ID, Parent: id, Body: encode(use)},
		{Tenant: "load", Kind: store.Use, ID: id + "/permissions", Parent: id, Body: encode(seen)}}
}

// someOf picks one to five of the twelve permissions.
func someOf(d *dice) (names []string) {
	for range 1 + d.IntN(5) {
		name := apiNames[d.IntN(len(apiNames))] + []string{".read", ".write"}[d.IntN(2)]
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// userRecords are a user, and the record that leads from the name to the id.
func (p *population) userRecords(d *dice, n int) []store.Record {
	u := registry.User{Username: username(n), Hash: p.password, Created: p.now.Add(-400 * day), CreatedBy: "cli:root", Updated: p.now.Add(-400 * day), UpdatedBy: "cli:root", UserSpec: registry.UserSpec{Name: fmt.Sprintf("Person %d of %s", n, places[d.IntN(len(places))]), Permissions: someOf(d), Disabled: d.oneIn(50)}}
	return []store.Record{{Tenant: "load", Kind: store.User, ID: p.users[n], Body: encode(u)},
		{Tenant: "load", Kind: store.Login, ID: u.Username, Body: encode(map[string]string{"user": p.users[n]})}}
}

// whose picks the client of a token: one of twenty is the first's.
func (p *population) whose(d *dice) string {
	if d.oneIn(20) {
		return p.clientIDs[0]
	}
	return p.clientIDs[d.IntN(p.clients)]
}

// chainRecords is a chain of refresh tokens.
func (p *population) chainRecords(d *dice, n int) []store.Record {
	started := p.now.Add(-tokenSpan + time.Duration(n)*(tokenSpan/time.Duration(p.clients)))
	nonce, user := secret.Nonce(), d.IntN(len(p.users))
	f := struct {
		Client      string    `json:"client"`
		User        string    `json:"user"`
		Username    string    `json:"username"`
		Scope       string    `json:"scope"`
		Permissions []string  `json:"permissions"`
		Nonce       []byte    `json:"nonce"`
		Seq         uint32    `json:"seq"`
		Started     time.Time `json:"started"`
		Rotated     time.Time `json:"rotated"`
		Expires     time.Time `json:"expires"`
		Until       time.Time `json:"until"`
		Live        bool      `json:"live"`
	}{p.whose(d), p.users[user], username(user), apiNames[0] + ".read", []string{apiNames[0] + ".read"}, nonce[:], 3, started, started, started.Add(30 * day),
		started.Add(90 * day), !d.oneIn(10)}
	return []store.Record{{Tenant: "load", Kind: store.Refresh, ID: secret.NewID(started), Parent: f.User, Label: f.Client, Expires: f.Expires, Body: encode(f)}}
}

// opaqueRecords is an opaque access token.
func (p *population) opaqueRecords(d *dice, n int) []store.Record {
	issued := p.now.Add(-tokenSpan + time.Duration(n)*(tokenSpan/time.Duration(p.clients)))
	digest, client := secret.Nonce(), p.whose(d)
	r := struct {
		Digest   []byte    `json:"digest"`
		Subject  string    `json:"sub"`
		Client   string    `json:"client"`
		Scope    string    `json:"scope"`
		Audience []string  `json:"aud"`
		Issued   time.Time `json:"iat"`
	}{digest[:], client, client, apiNames[0] + ".read", []string{"http://" + p.t.addr.String()}, issued}
	return []store.Record{{Tenant: "load", Kind: store.Token, ID: secret.NewID(issued), Expires: issued.Add(14 * day), Body: encode(r)}}
}
