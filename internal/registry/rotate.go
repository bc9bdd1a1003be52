package registry

import (
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// A client's secrets are in the order in which they were made. The last is the newest; one that it replaced may be live beside it, until
// the overlap is over.

// Rotate gives a client a new secret and lets the present ones work for overlap still, never longer than they would have. With two live
// secrets there is no room for a third. It is an edit for UpdateClient: whoever must know that nobody was faster looks at c.Rev first.
func (c *Client) Rotate(now time.Time, overlap time.Duration) (oauth.Secret, error) {
	if overlap < 0 || overlap > longestOverlap {
		return "", problem("overlap", "an overlap is 0 seconds to a year")
	}
	live := slices.DeleteFunc(slices.Clone(c.Credentials), func(cr Credential) bool { return !cr.Live(now) })
	if len(live) >= MaxLiveSecrets && overlap > 0 {
		return "", problem("overlap", "client %s has %d live secrets already: retire the old one or undo the rotation first, or rotate with an overlap of 0 to end both",
			c.ID, MaxLiveSecrets)
	}
	if overlap == 0 {
		live = nil
	}
	for i := range live {
		old, end := &live[i], now.Add(overlap)
		old.Replaced, old.Before = true, old.Expires
		if old.Expires.IsZero() || end.Before(old.Expires) {
			old.Expires = end
		}
	}
	text := secret.New(SecretPrefix)
	c.Credentials = append(live, Credential{ID: secret.NewID(now), Hash: secret.HashSecret(text), Created: now})
	return oauth.Secret(text), nil
}

// Retire ends an old secret now. The newest is what the client goes on with, and cannot be retired. It is an edit for UpdateClient.
func (c *Client) Retire(now time.Time, credential string) error {
	i := slices.IndexFunc(c.Credentials, func(cr Credential) bool { return cr.ID == credential })
	switch {
	case i < 0 || !c.Credentials[i].Live(now):
		return problem("credential", "client %s has no live secret %.64q; it may have ended already", c.ID, credential)
	case i == len(c.Credentials)-1:
		return problem("credential", "secret %s is the newest of client %s: rotate to replace it, or disable the client to end it", credential, c.ID)
	}
	c.Credentials = slices.Delete(slices.Clone(c.Credentials), i, i+1)
	return nil
}

// UndoRotation ends the newest secret now and gives the one that it replaced its earlier expiry back. It is an edit for UpdateClient.
func (c *Client) UndoRotation(now time.Time) error {
	newest := len(c.Credentials) - 1
	switch {
	case newest < 1 || !c.Credentials[newest-1].Replaced:
		return problem("credentials", "there is no rotation to undo: the old secret of client %s has ended, or it was never rotated", c.ID)
	case !c.Credentials[newest-1].Live(now):
		return problem("credentials", "the old secret of client %s ended at %s and does not come back; rotate once more instead", c.ID,
			c.Credentials[newest-1].Expires.UTC().Format(time.RFC3339))
	case !c.Credentials[newest].Live(now):
		return problem("credentials", "the new secret of client %s has ended already; rotate once more instead", c.ID)
	}
	c.Credentials = slices.Clone(c.Credentials[:newest])
	old := &c.Credentials[newest-1]
	old.Expires, old.Replaced, old.Before = old.Before, false, time.Time{}
	return nil
}
