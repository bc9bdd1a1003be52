package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

func auditCommand() *cobra.Command {
	return addDeskFlags(group("audit", "See who did what, and who was refused",
		`The audit record has every change of a registration with its author, for good, and every refusal with its reason, for
90 days. Each tenant has its own, and so has the desk itself. Tokens that were given out stand in the journal, one file a day in the data folder. What became of one request
tokenbooth explain says.`,
		auditListCommand()))
}

// eventView is an event as it is shown. These names are a promise to programs.
type eventView struct {
	ID        string            `json:"id"`
	Tenant    string            `json:"tenant"`
	Time      time.Time         `json:"time"`
	Act       string            `json:"act"`
	Actor     string            `json:"actor"`
	Subject   string            `json:"subject"`
	Outcome   string            `json:"outcome"` // allowed or refused
	Reason    string            `json:"reason"`
	RequestID string            `json:"request_id"`
	Source    string            `json:"source"`
	Detail    map[string]string `json:"detail"`
	Changes   []audit.Change    `json:"changes"` // the fields that it changed
}

func viewEvent(e audit.Event) eventView {
	v := eventView{ID: e.ID, Tenant: e.Tenant, Time: e.Time.UTC(), Act: e.Act, Actor: e.Actor, Subject: e.Subject, Outcome: e.Outcome, Reason: e.Reason,
		RequestID: e.RequestID, Source: e.Source, Detail: e.Detail, Changes: filledIn(e.Changes)}
	if v.Detail == nil {
		v.Detail = map[string]string{}
	}
	return v
}

// auditFlags are what audit list can be asked.
type auditFlags struct {
	client, actor, before string
	refusals, desk        bool
	limit                 int
}

func auditListCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List changes and refusals, the newest first",
		Example: `  tokenbooth audit list -t acme --refusals
  tokenbooth audit list --client q2tjLz0Rk7Wc1mYd --limit 10
  tokenbooth audit list --actor cli: --json
  tokenbooth audit list --desk`,
		Args: want(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.desk {
				return forStaff(func(ctx context.Context, e *staffed, _ []string) error { return f.list(ctx, e, "", e.printer) })(cmd, args)
			}
			return forTenant(func(ctx context.Context, e *errand, _ []string) error {
				return f.list(ctx, e, e.tenant.Name, e.printer)
			})(cmd, args)
		},
	}
	cmd.Flags().StringVar(&f.client, "client", "", "only what `CLIENT-ID` did or what was done to it")
	cmd.Flags().StringVar(&f.actor, "actor", "", "only what was done by `ACTOR`, or by any that starts so: cli:root, client:ID, user:")
	cmd.Flags().BoolVar(&f.refusals, "refusals", false, "only what was refused")
	cmd.Flags().BoolVar(&f.desk, "desk", false, "of the desk itself, and of no tenant: operators, and who signed in to the console")
	cmd.Flags().StringVar(&f.before, "before", "", "only what is older than the event with this `ID`")
	cmd.Flags().IntVarP(&f.limit, "limit", "n", 50, "`HOW-MANY` at most")
	completeFlag(cmd, "client", completeClients)
	return cmd
}

// check refuses what cannot be asked.
func (f *auditFlags) check(cmd *cobra.Command) error {
	switch {
	case f.limit < 1 || f.limit > store.MaxLimit:
		return fmt.Errorf("--limit: a page has 1 to %d events, not %d; go on with --before ID", store.MaxLimit, f.limit)
	case f.desk && f.client != "":
		return errors.New("--client: clients are of a tenant, and the record of the desk itself (--desk) has none; leave one of them out")
	case f.desk && tenantFlag(cmd) != "":
		return errors.New("--tenant: the record of the desk itself (--desk) is of no tenant; leave one of them out")
	}
	return nil
}

// list shows the events that were asked for, of a tenant or, under no name, of the desk.
func (f *auditFlags) list(ctx context.Context, r recorded, tenant string, p *printer) error {
	events, err := f.find(ctx, r, tenant)
	if err != nil {
		return err
	}
	views := []eventView{}
	var rows [][]string
	for _, ev := range events {
		v := viewEvent(ev)
		views = append(views, v)
		rows = append(rows, []string{p.when(v.Time, ""), v.Act, v.Outcome, v.Actor, v.Subject, v.Reason, v.ID})
	}
	if p.json {
		return p.object(views)
	}
	return p.table("There are no such events.", []string{"TIME", "ACT", "OUTCOME", "ACTOR", "SUBJECT", "REASON", "ID"}, rows)
}

// find returns the newest events that were asked for. A client's are those done to it and those done by it.
func (f *auditFlags) find(ctx context.Context, r recorded, tenant string) ([]audit.Event, error) {
	q := audit.Query{Actor: f.actor, Before: f.before, Limit: f.limit}
	if f.refusals {
		q.Outcome = audit.Refused
	}
	if f.client == "" {
		return collect(ctx, r, q)
	}
	who := "client:" + f.client
	q.Subject = who
	all, err := collect(ctx, r, q)
	if err != nil {
		return nil, err
	}
	q.Subject, q.Actor = "", ""
	for _, q.ActorIs = range []string{who, operator.ByProgram(tenant, f.client)} {
		if !strings.HasPrefix(q.ActorIs, f.actor) {
			continue
		}
		did, err := collect(ctx, r, q)
		if err != nil {
			return nil, err
		}
		for _, ev := range did {
			if ev.Subject != who { // those are there already
				all = append(all, ev)
			}
		}
	}
	slices.SortFunc(all, func(a, b audit.Event) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(len(all), f.limit)], nil
}

// collect asks on until there are as many events as the query wants, or no more.
func collect(ctx context.Context, r recorded, q audit.Query) (all []audit.Event, err error) {
	for limit := q.Limit; len(all) < limit; q.Limit = limit - len(all) {
		page, next, _, err := r.Events(ctx, q)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); next == "" {
			break
		}
		q.Before = next
	}
	return all, nil
}
