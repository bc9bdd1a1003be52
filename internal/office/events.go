package office

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// longestRequestID is more than any request id of ours has, in bytes.
const longestRequestID = 64

// Events returns a page of the tenant's audit record, the newest first, and where to go on: "" at the end. more says that time ran out
// before the page was full. A Query without a Budget has one here.
func (d *Desk) Events(ctx context.Context, q audit.Query) (events []audit.Event, next string, more bool, err error) {
	if err := d.may(operator.ReadAudit); err != nil {
		return nil, "", false, err
	}
	return d.office.events(ctx, d.tenant, q)
}

func (o *Office) events(ctx context.Context, tenant string, q audit.Query) ([]audit.Event, string, bool, error) {
	q.Tenant = tenant
	if q.Budget <= 0 {
		q.Budget = lookFor
	}
	return audit.Search(ctx, o.Store, q)
}

// Event returns one event by its id, which for a refusal is the request id its caller was given.
func (d *Desk) Event(ctx context.Context, id string) (audit.Event, error) {
	if err := d.may(operator.ReadAudit); err != nil {
		return audit.Event{}, err
	}
	return d.office.event(ctx, d.tenant, id)
}

func (o *Office) event(ctx context.Context, tenant, id string) (audit.Event, error) {
	e, err := audit.Get(ctx, o.Store, tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("event %.64q: %w", id, registry.ErrNotFound)
	}
	return e, err
}

// Explanation is what is known about one request.
type Explanation struct {
	Event    *audit.Event    // what was refused or changed, or nil
	Issuance *audit.Issuance // the token that was given out, or nil
}

// Explain returns what is known about the request of that id: from the record of events, and from the journal of this process's machine.
// registry.ErrNotFound: nothing, or nothing of this tenant.
func (d *Desk) Explain(ctx context.Context, requestID string) (Explanation, error) {
	if err := d.may(operator.ReadAudit); err != nil {
		return Explanation{}, err
	}
	unknown := fmt.Errorf("request %.64q: %w", requestID, registry.ErrNotFound)
	if requestID == "" || len(requestID) > longestRequestID {
		return Explanation{}, unknown
	}
	var known Explanation
	e, err := d.office.event(ctx, d.tenant, requestID)
	switch {
	case err == nil:
		known.Event = &e
	case !errors.Is(err, registry.ErrNotFound):
		return Explanation{}, err
	}
	issued, err := audit.FindIssuance(d.office.JournalDir, requestID)
	if err != nil {
		return Explanation{}, err
	}
	if issued != nil && issued.Tenant == d.tenant {
		known.Issuance = issued
	}
	if known == (Explanation{}) {
		return Explanation{}, unknown
	}
	return known, nil
}
