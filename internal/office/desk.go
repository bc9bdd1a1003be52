package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Refused is the act of an event that tells of somebody who wanted to do what he may not.
const Refused = "operator.refuse"

// writeWithin bounds how long a refusal may take to be written down where that is waited for.
const writeWithin = 2 * time.Second

// Desk is one tenant, as one actor may use it. Office.At makes one; it is used for one request.
type Desk struct {
	office *Office
	who    *operator.Actor
	tenant string
}

// Tenant returns the tenant, to whoever has any role in it. Nobody may change it.
func (d *Desk) Tenant() (*registry.Tenant, error) {
	if d.who.Role(d.tenant) == "" {
		d.office.refused(d.who, d.tenant, "any")
		return nil, fmt.Errorf("%w to see tenant %s", operator.ErrDenied, d.tenant)
	}
	return d.found()
}

// May returns nil when the actor has a right at this desk, for whoever shows something about it before, or instead of, an act of this
// package. Like with those, that the actor has it not is written down.
func (d *Desk) May(right operator.Right) error { return d.may(right) }

// NoteTry writes down that the actor is about to ask for a token as a client, with a secret that was pasted in: what comes of it is in the
// record as the client's doing. Whoever may not change clients may not, either.
func (d *Desk) NoteTry(ctx context.Context, id string) error {
	if err := d.may(operator.ChangeClients); err != nil {
		return err
	}
	c, err := d.office.Registry.Client(ctx, d.tenant, id)
	if err != nil {
		return err
	}
	now := d.office.Now()
	e := audit.Event{ID: secret.NewID(now), Time: now, Tenant: d.tenant, Act: "client.try", Actor: d.who.By, Subject: "client:" + c.ID, Outcome: audit.Allowed,
		RequestID: d.who.RequestID, Source: d.who.Source}
	if err := d.office.Store.Put(ctx, audit.Record(e)); err != nil {
		return fmt.Errorf("write down a try: %w", err)
	}
	return nil
}

// may returns nil when the actor has a right at this desk, and the desk is there. Whoever may not learns nothing about that.
func (d *Desk) may(right operator.Right) error {
	if err := d.allowed(right); err != nil {
		return err
	}
	if d.office.real != nil && !slices.Contains(onPaper, right) {
		return ErrNotOnPaper
	}
	_, err := d.found()
	return err
}

// allowed returns nil when the actor has a right; that he has not is written down.
func (d *Desk) allowed(right operator.Right) error {
	err := d.who.May(right, d.tenant)
	if errors.Is(err, operator.ErrDenied) {
		d.office.refused(d.who, d.tenant, right)
	}
	return err
}

func (d *Desk) found() (*registry.Tenant, error) {
	if t, known := d.office.Registry.Tenant(d.tenant); known {
		return t, nil
	}
	return nil, fmt.Errorf("tenant %q: %w", d.tenant, registry.ErrNotFound)
}

// refused writes down that an actor wanted what he may not. Of a tenant that is not there nothing is kept but under the desk itself: whoever
// makes up names fills no records of theirs. What a tenant's program wanted elsewhere is that tenant's record: its name may be another
// program's there. That it could not be written changes nothing about the refusal.
func (o *Office) refused(who *operator.Actor, tenant string, right operator.Right) {
	for o.real != nil {
		o = o.real
	}
	now := o.Now()
	e := audit.Event{ID: who.RequestID, Time: now, Act: Refused, Actor: who.By, Outcome: audit.Refused, Reason: "no right to " + string(right),
		RequestID: who.RequestID, Source: who.Source, Detail: map[string]string{"right": string(right),
			"tenant": oauth.Unproven(tenant).String(), audit.CaseDetail: string(oauth.NoRight)}}
	if _, known := o.Registry.Tenant(tenant); known {
		e.Detail["tenant"] = tenant
		e.Tenant, e.Subject = tenant, "tenant:"+tenant
	}
	if who.Tenant != "" {
		e.Tenant = who.Tenant
	}
	if e.ID == "" {
		e.ID = secret.NewID(now)
	}
	if o.Refusals != nil {
		o.Refusals.Refused(e)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	if err := o.Store.Put(ctx, audit.Record(e)); errors.Is(err, store.ErrConflict) { // the request was refused something else before
		e.ID = secret.NewID(now)
		_ = o.Store.Put(ctx, audit.Record(e))
	}
}
