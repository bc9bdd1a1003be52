package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func explainCommand() *cobra.Command {
	var name string
	cmd := addDeskFlags(addJSON(&cobra.Command{
		Use:   "explain REQUEST-ID",
		Short: "Say what became of a request: which check refused it, and what to do",
		Long: `Explain finds what became of a request by the id that its answer carried in X-Request-Id: for a refusal or a fault, at a
token endpoint or in front of an API, the check that failed with what was asked and what would have passed, and what to
do about it; else the token that was given out. Calls that passed are not recorded one by one; of those it says when
they came and where else to look. It looks at all tenants unless one is named. What a gateway process refused, that
process knows: name its settings with -c.

A name that nobody has, such as a secret in the place of the client id, is kept unreadable. With --name, explain says
whether a name is the one that was sent; give - to type it on standard input. That takes the key-encryption key, so it
works where the data folder is.`,
		Example: `  tokenbooth explain 6Zk31ffa9c0Q7Tda
  tokenbooth explain 6Zk31ffa9c0Q7Tda --name q2tjLz0Rk7Wc1mYd
  tokenbooth explain -c gateway.yaml 6Zk31ffa9c0Q7Tda --json`,
		Args: want("REQUEST-ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := serverFlag(cmd); at != "" {
				if cmd.Flags().Changed("name") {
					return errors.New("--name: comparing takes the key-encryption key, which leaves no server; run explain where the data folder is")
				}
				return elsewhere(cmd, at, tenantFlag(cmd), func(ctx context.Context, e *errand) error { return e.explainElsewhere(ctx, args[0]) })
			}
			s, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			tenants, err := tenantsNamed(s, tenantFlag(cmd))
			if err != nil {
				return err
			}
			if s.Store == "memory" {
				return s.fault("store", "what was refused is in the memory of the running process; its log has the reason under request_id")
			}
			k, err := openStore(s, wallClock(), watchClock(), opening{})
			if err != nil {
				return err
			}
			v, err := becameOf(cmd.Context(), k.store, s.journal(), tenants, args[0])
			if err := errors.Join(err, k.close()); err != nil {
				return err
			}
			if cmd.Flags().Changed("name") {
				if err := v.compare(cmd, s, name); err != nil {
					return err
				}
			}
			return printerOf(cmd).explain(v)
		},
	}))
	cmd.Flags().StringVar(&name, "name", "", "say whether `NAME` is the one that was sent and that nobody has; - reads it from standard input")
	return cmd
}

// compare says whether a name is one that the event keeps unreadable.
func (v *explanation) compare(cmd *cobra.Command, s *settings, name string) error {
	if name == fromInput {
		text, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the name: %w", err)
		}
		name = strings.TrimRight(text, "\r\n")
	}
	kek, err := keyEncryptionKey(s)
	if err != nil {
		return err
	}
	sealer, err := secret.NewSealer(kek)
	if err != nil {
		return err
	}
	veil, kept := audit.NewVeil(sealer), false
	for _, text := range append(slices.Collect(maps.Values(v.Detail)), v.Actor) {
		for word := range strings.FieldsSeq(text) {
			veiled, same := veil.Fits(word, oauth.Unproven(name))
			kept, v.NameSent = kept || veiled, v.NameSent || same
		}
	}
	if !kept {
		return fmt.Errorf("--name: request %s sent no name that nobody has; those it sent are shown as they are", v.ID)
	}
	v.compared = true
	return nil
}

// tenantsNamed returns the names of all tenants, or the one that is asked for.
func tenantsNamed(s *settings, name string) ([]string, error) {
	if name == "" {
		return s.tenantNames(), nil
	}
	t, err := pickTenant(s, name)
	if err != nil {
		return nil, err
	}
	return []string{t.Name}, nil
}

// explanation is an event with what follows from it.
type explanation struct {
	eventView
	Check  string `json:"check"`  // which check refused, with the clause it obeys
	Advice string `json:"advice"` // what to do

	NameSent bool `json:"name_sent,omitempty"` // --name is the name that was sent
	compared bool
}

// becameOf looks a request up: first among the refusals and changes, those of no tenant included, then among the tokens given out.
func becameOf(ctx context.Context, s store.Store, journal string, tenants []string, id string) (*explanation, error) {
	for _, t := range append(tenants[:len(tenants):len(tenants)], "") {
		e, err := audit.Get(ctx, s, t, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v := &explanation{eventView: viewEvent(e)}
		v.conclude()
		return v, nil
	}
	i, err := audit.FindIssuance(journal, id)
	if err != nil {
		return nil, err
	}
	if i == nil || !slices.Contains(tenants, i.Tenant) {
		return nil, unrecorded(id)
	}
	return issued(i), nil
}

// explainElsewhere asks a server what became of a request.
func (e *errand) explainElsewhere(ctx context.Context, id string) error {
	found, err := e.Explain(ctx, id)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return unrecorded(id)
	case err != nil:
		return err
	case found.Event != nil:
		v := &explanation{eventView: viewEvent(*found.Event)}
		v.conclude()
		return e.explain(v)
	}
	return e.explain(issued(found.Issuance))
}

// unrecorded says of a request of which nothing is kept what its id alone leaves: when it came, and where else to look.
func unrecorded(id string) error {
	made, ok := secret.MadeAt(id)
	now := wallClock()()
	if !ok || made.After(now) || made.Before(now.Add(-audit.KeepRefusals)) {
		return fmt.Errorf("nothing is known of a request %q: it is neither among the refusals of the last %d days nor in the journal",
			id, audit.KeepRefusals/(24*time.Hour))
	}
	return fmt.Errorf("nothing is recorded of request %s, which came at %s: it was neither refused nor given a token here, so as a rule it is a call that "+
		"passed, and the API's log has it under the same X-Request-Id. A fault of the token desk is in the server's log under request_id; what a "+
		"gateway process refused, that process knows: name its settings with -c", id, made.Format(time.RFC3339))
}

// issued tells of a request that was answered with a token.
func issued(i *audit.Issuance) *explanation {
	return &explanation{eventView: eventView{ID: i.RequestID, Tenant: i.Tenant, Time: i.Time.UTC(), Act: "token.issue", Actor: "client:" + i.ClientID, Subject: i.Subject,
		Outcome: audit.Allowed, RequestID: i.RequestID, Source: i.Source.String(), Detail: map[string]string{"dialect": i.Dialect, "grant": i.Grant,
			"scope": i.Scope, "token_id": i.TokenID, "expires": i.Expires.UTC().Format(time.RFC3339)}}}
}

func (p *printer) explain(v *explanation) error {
	if p.json {
		return p.object(v)
	}
	lines := []line{{"ID", v.ID}, {"Time", p.when(v.Time, "")}, {"Tenant", v.Tenant}, {"Act", v.Act}, {"Outcome", v.Outcome}, {"Check", v.Check}, {"Reason", v.Reason},
		{"Actor", v.Actor}, {"Subject", v.Subject}, {"Source", v.Source}}
	for _, name := range slices.Sorted(maps.Keys(v.Detail)) {
		lines = append(lines, line{name, v.Detail[name]})
	}
	if v.compared {
		lines = append(lines, line{"Name", nameSaid[v.NameSent]})
	}
	return p.sheet(append(lines, line{"What to do", v.Advice}))
}

var nameSaid = map[bool]string{true: "this is the name that was sent", false: "this is not the name that was sent"}
