// Package expiry warns before credentials end, in three ways: a calendar that operators subscribe to (Calendar), figures for a graph
// and its alarms (Gauges), and a webhook that is told of each credential 30, 7 and 1 days ahead (Notifier).
//
// It decides when a warning is due, that none is sent twice, and where a webhook may never lead. It does not decide what expires: that
// is package directory's answer. A notice that was sent is kept in the store until the credential has ended, so that processes that
// share a store send it once between them.
//
// Nothing that leaves this package has a secret or a hash in it: ids, names and times only. The address of a webhook may be a secret
// of its receiver, so it stands in no log and no event.
//
// Calendar is pure. Gauges and Notifier may be used concurrently. RFC 5545 (calendars), RFC 2104 (signatures), RFC 6890 (addresses).
package expiry

import (
	"encoding/hex"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// Entry is something that will end: a secret of a client, or the client itself.
type Entry struct {
	Tenant     string
	Client     string // its id
	Name       string // its name
	Credential string // the id of the secret; "": the client itself
	At         time.Time
	URL        string // of its page in the console; may be empty
}

// Of returns the entry of what a tenant's directory says will end.
func Of(tenant string, e directory.Expiry) Entry {
	return Entry{Tenant: tenant, Client: e.ID, Name: e.Name, Credential: e.Credential, At: e.At}
}

// key names what ends, whenever that is, in characters that stand for themselves everywhere. No part of it can be foreseen as another's:
// none of the parts has a NUL.
func (e *Entry) key(more string) string {
	digest := secret.Digest(e.Tenant + "\x00" + e.Client + "\x00" + e.Credential + "\x00" + more)
	return hex.EncodeToString(digest[:16])
}
