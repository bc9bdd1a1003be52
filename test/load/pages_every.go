//go:build linux

package main

import (
	"net/url"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// deep is how many pages a list is turned before the one that is measured; lists that go on from an id begin in their middle instead.
const deep = 100

// everyPage lists the pages that matter, with what they are asked for at its worst and at its usual.
func (v *visitor) everyPage(p *population) ([]page, error) {
	further, err := v.turn("/t/load/clients", deep)
	if err != nil {
		return nil, err
	}
	byUse, err := v.turn("/t/load/clients?sort=used&order=down", deep)
	if err != nil {
		return nil, err
	}
	feed, err := v.calendar()
	if err != nil {
		return nil, err
	}
	all := []page{
		{"API credentials, a deep page by name", further, "<tbody>"},
		{"API credentials, a deep page by last use", byUse, "<tbody>"},
		{"calendar feed", feed, "BEGIN:VEVENT"},
	}
	all = append(all, p.deskPages()...)
	all = append(all, p.clientPages()...)
	all = append(all, p.tokenPages()...)
	return append(all, p.auditPages()...), nil
}

// at writes an address below the tenant; pairs are names and values of what is searched for.
func at(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return "/t/load" + path
}

func (p *population) deskPages() []page {
	return []page{
		{"overview", at(""), "Overview"},
		{"overview of a day", at("", "show", "day"), "Overview"},
		{"APIs", at("/apis"), apiNames[0]},
		{"signing keys", at("/keys"), "ES256"},
		{"dialects", at("/dialects"), "nexthink"},
		{"a dialect", at("/dialects/nexthink"), "nexthink"},
		{"playground", at("/dialects/nexthink/playground"), "nexthink"},
		{"settings of the tenant", at("/settings"), "Pages under load"},
		{"settings", "/settings", "listen"},
		{"operators", "/operators", "boss@example.com"},
		{"an operator", "/operators/" + p.operators[0], "boss@example.com"},
		{"account", "/account", "boss@example.com"},
	}
}

func (p *population) clientPages() []page {
	one, rows := p.clientIDs[p.clients/2], "<tbody>"
	return []page{
		{"API credentials", at("/clients"), rows},
		{"API credentials by part of the name", at("/clients", "q", "invent"), rows},
		{"API credentials by id", at("/clients", "q", one), one},
		{"API credentials, none found", at("/clients", "q", "zzzzzz"), "Nothing found"},
		{"API credentials by permission", at("/clients", "permission", apiNames[1]+".write"), rows},
		{"API credentials, expiring", at("/clients", "state", "expiring"), rows},
		{"API credentials, expired", at("/clients", "state", "expired"), rows},
		{"API credentials, disabled", at("/clients", "state", "disabled"), rows},
		{"API credentials, active", at("/clients", "state", "active"), rows},
		{"API credentials from the last name", at("/clients", "order", "down"), rows},
		{"API credentials by creation", at("/clients", "sort", "created", "order", "down"), rows},
		{"API credentials, the oldest", at("/clients", "sort", "created"), rows},
		{"API credentials by expiry", at("/clients", "sort", "expires"), rows},
		{"API credentials by last use", at("/clients", "sort", "used", "order", "down"), rows},
		{"API credentials by name, permission and state", at("/clients", "q", "report", "permission", apiNames[0]+".read", "state", "active", "sort", "used"), rows},
		{"a client", at("/clients/" + one), one},
		{"a client, tried", at("/clients/" + one + "/try"), one},
		{"a client, edited", at("/clients/" + one + "/edit"), one},
		{"new client", at("/new-client"), "<form"},
		{"users", at("/users"), rows},
		{"users by name", at("/users", "q", "user-0001"), rows},
		{"users, a deep page", at("/users", "after", username(len(p.users)/2)), rows},
		{"a user", at("/users/" + username(len(p.users)/2)), username(len(p.users) / 2)},
		{"new user", at("/new-user"), "<form"},
	}
}

func (p *population) tokenPages() []page {
	busy, rare, middle := p.clientIDs[0], p.clientIDs[p.clients/2], secret.FirstID(p.now.Add(-tokenSpan/2))
	return []page{
		{"tokens, chains", at("/tokens"), "<tbody>"},
		{"tokens, chains of a client with many", at("/tokens", "client", busy), "<tbody>"},
		{"tokens, chains of a client with few", at("/tokens", "client", rare), "chains"},
		{"tokens, chains of a user", at("/tokens", "user", username(len(p.users)/2)), "chains"},
		{"tokens, a deep page of chains", at("/tokens", "after", middle), "<tbody>"},
		{"tokens, opaque", at("/tokens", "list", "opaque"), "<tbody>"},
		{"tokens, opaque of a client with many", at("/tokens", "list", "opaque", "client", busy), "<tbody>"},
		{"tokens, opaque of a client with few", at("/tokens", "list", "opaque", "client", rare), "opaque"},
		{"tokens, opaque of a user", at("/tokens", "list", "opaque", "user", username(len(p.users)/2)), "opaque"},
		{"tokens, a deep page of opaque ones", at("/tokens", "list", "opaque", "after", middle), "<tbody>"},
	}
}

func (p *population) auditPages() []page {
	busy, rare, rows := p.actor(0), p.actor(actors-1), "<tbody>"
	then := p.now.Add(-eventDays / 2 * 24 * time.Hour).UTC()
	from, to := then.Format("2006-01-02T15:04"), then.Add(6*time.Hour).Format("2006-01-02T15:04")
	return []page{
		{"audit log", at("/audit"), rows},
		{"audit log, a deep page", at("/audit", "after", secret.FirstID(then)), rows},
		{"audit log of a frequent actor", at("/audit", "actor", busy), rows},
		{"audit log of a frequent actor, a deep page", at("/audit", "actor", busy, "after", secret.FirstID(then)), rows},
		{"audit log of a rare actor", at("/audit", "actor", rare), "Audit"},
		{"audit log of an unknown actor", at("/audit", "actor", "client:nobody"), "Audit"},
		{"audit log of an operator", at("/audit", "actor", "operator:"+p.operators[0]), rows},
		{"audit log by a frequent subject", at("/audit", "subject", "api:"+apiNames[0]), rows},
		{"audit log by a rare subject", at("/audit", "subject", p.clientIDs[p.clients/2]), "Audit"},
		{"audit log by subject and another actor", at("/audit", "subject", "api:"+apiNames[0], "actor", rare), "Audit"},
		{"audit log by a frequent act", at("/audit", "act", "token.refuse"), rows},
		{"audit log by a rare act", at("/audit", "act", rareAct), "Audit"},
		{"audit log by an act that never was", at("/audit", "act", "user.import"), "Audit"},
		{"audit log by acts on clients", at("/audit", "act", "client."), rows},
		{"audit log, refused", at("/audit", "outcome", "refused"), rows},
		{"audit log, allowed", at("/audit", "outcome", "allowed"), rows},
		{"audit log of six hours in the past", at("/audit", "since", from, "until", to), rows},
		{"audit log of six hours, allowed", at("/audit", "since", from, "until", to, "outcome", "allowed"), "Audit"},
		{"audit log until a day in the past", at("/audit", "until", from), rows},
		{"audit log since a day in the past", at("/audit", "since", from), rows},
		{"audit log of a frequent actor and a rare act", at("/audit", "actor", busy, "act", rareAct), "Audit"},
		{"audit log by request", at("/audit", "request", p.refusal), rows},
		{"audit log by the request of a token", at("/audit", "request", p.issuance), p.issuance},
		{"a refusal", at("/audit/" + p.refusal), p.refusal},
		{"a change", at("/audit/" + p.change), "client"},
		{"an issuance", at("/audit/" + p.issuance), p.issuance},
	}
}
