// Package office is what operators do: every act of the console, of the operators' API and of a remote command line is a method here,
// which first checks that the actor has the right to it, and then does it in the actor's name.
//
// It decides who may do what to whom, and nothing about how a thing is done: registry, keyring, issuer and operator do it, and write
// down who did. So a page or a route cannot forget the check, and what is refused for want of a right is an event in the audit record
// as well. The rights are package operator's; the one rule added here is that a client with a permission of the operators' API is an
// owner's business: whoever could make, change or rotate one could make himself an owner.
//
// A Desk is one tenant as one actor may use it, a Staff the register of operators. Neither keeps anything between calls, and neither
// shows a hash or a sealed secret: of what it returns, hashes say their kind alone. What it returns belongs to the caller.
//
// A change that names the revision its author has seen is refused with ErrChanged when another one is there, in whichever process on the
// store the other change was made. Whether a change could be made, a rehearsal says (Desk.Rehearsal): it writes nothing.
//
// All methods may be called concurrently. They return operator.ErrDenied and operator.ErrStale, registry.ErrNotFound,
// operator.ErrNotFound, ErrChanged, *registry.Problem with the field at fault, and *oauth.Error for what a key or token refuses; anything
// else is a fault of ours.
package office

import (
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Options are what an office works with.
type Options struct {
	Store      store.Store
	Registry   *registry.Registry
	Directory  *directory.Directory // of the clients of that registry
	Keys       *keyring.Keyring
	Issuer     *issuer.Issuer
	Operators  *operator.Operators
	Refusals   *audit.Log // keeps what was refused; nil: it is written on the spot
	JournalDir string     // of the journal of issuances
	Now        func() time.Time
	Settings   func() []Setting          // in force, in the order of the file; nil: none are known
	SignInLink func(oauth.Secret) string // spells the URL of a one-time link, which is a secret as much as the link is; nil: the link itself
}

// Office is where operators do what they may. Make one with New.
type Office struct {
	Options
	real *Office // of an office on paper (Desk.Rehearsal): the one it stands for
}

// New makes an office.
func New(o Options) *Office { return &Office{Options: o} }

// Tenants returns the tenants in which an actor has any role, by name.
func (o *Office) Tenants(who *operator.Actor) []*registry.Tenant {
	var seen []*registry.Tenant
	for _, t := range o.Registry.Tenants() {
		if who.Role(t.Name) != "" {
			seen = append(seen, t)
		}
	}
	return seen
}

// At returns the desk of a tenant as an actor may use it. It checks nothing yet: each method does.
func (o *Office) At(who *operator.Actor, tenant string) *Desk { return &Desk{o, who, tenant} }

// Operators returns the register of operators as an actor may use it. It checks nothing yet: each method does.
func (o *Office) Operators(who *operator.Actor) *Staff { return &Staff{o, who} }
