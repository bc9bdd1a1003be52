package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func explainCommand() *cobra.Command {
	return addDeskFlags(addJSON(&cobra.Command{
		Use:   "explain REQUEST-ID",
		Short: "Say what became of a request: which check refused it, and what to do",
		Long: `Explain finds what became of a request by the id that its answer carried in X-Request-Id: for a refusal, at a token
endpoint or in front of an API, the check that failed with what was asked and what would have passed, and what to do
about it; else the token that was given out. It looks at all tenants unless one is named. What a gateway process
refused, that process knows: name its settings with -c.`,
		Example: `  tokenbooth explain 6Zk31ffa9c0Q7Tda
  tokenbooth explain -c gateway.yaml 6Zk31ffa9c0Q7Tda --json`,
		Args: want("REQUEST-ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := serverFlag(cmd); at != "" {
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
			k, err := openStore(s, clock(), opening{})
			if err != nil {
				return err
			}
			v, err := becameOf(cmd.Context(), k.store, s.journal(), tenants, args[0])
			if err := errors.Join(err, k.close()); err != nil {
				return err
			}
			return printerOf(cmd).explain(v)
		},
	}))
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
		return nil, unknownRequest(id)
	}
	return issued(i), nil
}

// explainElsewhere asks a server what became of a request.
func (e *errand) explainElsewhere(ctx context.Context, id string) error {
	found, err := e.Explain(ctx, id)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return unknownRequest(id)
	case err != nil:
		return err
	case found.Event != nil:
		v := &explanation{eventView: viewEvent(*found.Event)}
		v.conclude()
		return e.explain(v)
	}
	return e.explain(issued(found.Issuance))
}

func unknownRequest(id string) error {
	return fmt.Errorf("nothing is known of a request %q: it is neither among the refusals of the last %d days nor in the journal", id, audit.KeepRefusals/(24*time.Hour))
}

// issued tells of a request that was answered with a token.
func issued(i *audit.Issuance) *explanation {
	return &explanation{eventView: eventView{ID: i.RequestID, Tenant: i.Tenant, Time: i.Time.UTC(), Act: "token.issue", Actor: "client:" + i.ClientID, Subject: i.Subject,
		Outcome: audit.Allowed, RequestID: i.RequestID, Source: i.Source.String(), Detail: map[string]string{"dialect": i.Dialect, "grant": i.Grant,
			"scope": i.Scope, "token_id": i.TokenID, "expires": i.Expires.UTC().Format(time.RFC3339)}}}
}

// commands do what the advice of a refusal names. CLIENT, TENANT, NAME and USER stand for those of the event.
var commands = map[oauth.Code]string{
	oauth.InvalidClient:         "Look: tokenbooth client show -t TENANT CLIENT. A new secret: tokenbooth client rotate -t TENANT CLIENT",
	oauth.MissingCredentials:    "The contract: tokenbooth dialect show NAME",
	oauth.InvalidGrant:          "Look: tokenbooth user list -t TENANT",
	oauth.PasswordResetRequired: "With: tokenbooth user password -t TENANT USER",
	oauth.UnauthorizedClient:    "Look: tokenbooth client show -t TENANT CLIENT. Widen: tokenbooth client update -t TENANT CLIENT",
	oauth.BodylessNotAllowed:    "Allow it: tokenbooth client update -t TENANT CLIENT --bodyless",
	oauth.UnsupportedGrantType:  "The contract: tokenbooth dialect show NAME",
	oauth.InvalidScope:          "Grant it: tokenbooth client update -t TENANT CLIENT --permission …",
	oauth.InvalidRequest:        "The contract: tokenbooth dialect show NAME",
	office.TakenBack:            "Look: tokenbooth audit list -t TENANT",
	oauth.NoToken:               "The contract: tokenbooth dialect show NAME",
	oauth.InsufficientScope:     "Grant it: tokenbooth client update -t TENANT CLIENT --permission …",
	"not_found":                 "Those there are: tokenbooth tenant show TENANT",
	"method_not_allowed":        "Those there are: tokenbooth tenant show TENANT",
}

// plainID are the characters of ids that mean nothing to a shell.
const plainID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-"

// conclude says which check refused, and what helps, with the commands for it.
func (v *explanation) conclude() {
	why := office.Conclude(v.Act, v.Reason)
	client, _ := strings.CutPrefix(v.Actor, "client:")
	if client == "" || client[0] == '-' || strings.Trim(client, plainID) != "" { // whoever was refused chose it, and somebody will paste it into a shell
		client = "CLIENT-ID"
	}
	named := strings.NewReplacer("TENANT", v.Tenant, "CLIENT", client, "NAME", orElse(v.Detail["dialect"], "NAME"))
	v.Check, v.Advice = why.Check, strings.TrimSpace(why.Advice+" "+named.Replace(commands[why.Code]))
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
	return p.sheet(append(lines, line{"What to do", v.Advice}))
}
