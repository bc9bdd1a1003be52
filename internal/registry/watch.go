package registry

import "time"

// Watcher is told what happens to clients, by whoever makes it happen, once it has happened and before he goes on. It notes what it is told,
// and reads nothing from the store before it returns. Its methods may be called concurrently.
type Watcher interface {
	// Changed says that a client is not what it was, by a change of this process or of another. Requests for tokens make such changes and
	// wait for it: it is done at once.
	Changed(tenant, id string)

	// Missed says that any client may have changed, since changes of other processes may have gone unheard. It is done at once, too.
	Missed()

	// Used says when a secret of a client was used last. It comes when that is written down (WriteUses), which may be kept waiting.
	Used(tenant, id string, at time.Time)

	// Replaced says that there are other tenants now (SetTenants).
	Replaced()
}

// Watch lets a watcher be told from now on. It is called before anything else is done with the registry.
func (r *Registry) Watch(w Watcher) { r.watchers = append(r.watchers, w) }
