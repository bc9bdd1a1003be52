package office

import (
	"errors"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/store/paper"
)

// ErrNotOnPaper says that an act cannot be rehearsed. Nothing was done.
var ErrNotOnPaper = errors.New("this cannot be rehearsed, and was not done")

// onPaper are the rights to what can be rehearsed: to read, and to change what is registered. Keys and tokens have no paper.
var onPaper = []operator.Right{operator.ReadClients, operator.ReadUsers, operator.ReadTokens, operator.ReadKeys, operator.ReadAudit, operator.ReadSettings,
	operator.ChangeClients, operator.DeleteClients, operator.ChangeUsers, operator.DeleteUsers}

// Rehearsal returns the same desk on paper, for whoever has any role in the tenant: what is done there obeys the same rules, what is done
// next finds it done, and nothing of it stays or is heard of anywhere. That somebody wanted what he may not is written down as ever.
// A search finds what is registered, not what was rehearsed; keys and tokens cannot be rehearsed (ErrNotOnPaper).
func (d *Desk) Rehearsal() (*Desk, error) {
	if _, err := d.Tenant(); err != nil {
		return nil, err
	}
	kept := paper.New(d.office.Store, d.office.Now)
	o := New(d.office.Options) // with the directory of what is registered
	o.Store, o.Registry, o.real = kept, d.office.Registry.OnPaper(kept), d.office
	return o.At(d.who, d.tenant), nil
}
