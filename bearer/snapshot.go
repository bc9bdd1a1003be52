package bearer

import (
	"bufio"
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenbooth/tokenbooth/revocation"
)

// A snapshot is what was last known of an issuer, in a file, so that a guard that starts while its issuer is away is no worse off than one
// that goes on running. It is one line of JSON (snapshotHead), entries of 32 bytes each, and an HMAC-SHA-256 over all of that, keyed by
// the client's secret: the guard cannot sign as the issuer does, and the issuer's signatures do not protect the keys that check them. So
// who can write to the folder and does not know the secret can take the file away, or put an older one of this guard in its place;
// that is why it is no good beyond Remote.SnapshotAge.

const (
	snapshotForm   = "tokenbooth snapshot 1"
	defaultKept    = 24 * time.Hour
	longestKept    = 14 * 24 * time.Hour
	saveEach       = time.Second // between two savings at least, where something has changed
	saveAnyway     = time.Minute // where nothing has: how old the knowledge is stands in the file
	saveRest       = 20          // times what the last saving took, at least, before the next
	maxHeader      = 2 * maxDocument
	snapshotMACTag = "tokenbooth bearer snapshot"
)

// snapshotHead is the first line of a snapshot.
type snapshotHead struct {
	Form    string `json:"form"`
	Issuer  string `json:"issuer"`
	Client  string `json:"client_id"`
	Fresh   int64  `json:"fresh"` // microseconds since 1970: when all that was revoked was known; no snapshot replaces a fresher one
	Keys    string `json:"keys"`  // the key set as it was read
	Entries int    `json:"entries"`
}

// snapshot is a file that was read and found to be ours.
type snapshot struct {
	snapshotHead
	keys    map[string]Key
	entries []revocation.Entry
}

func (h *snapshotHead) at() time.Time { return time.UnixMicro(h.Fresh) }

// sealing returns what a snapshot's HMAC is made with: a key for this use, this issuer and this client alone.
func (r *Remote) sealing() ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(r.ClientSecret.Reveal()), []byte(r.Issuer), snapshotMACTag+"\n"+r.ClientID, sha256.Size)
}

// writeSnapshot replaces the file, durably and at once.
func (r *Remote) writeSnapshot(h snapshotHead, entries []byte) (err error) {
	key, err := r.sealing()
	if err != nil {
		return err
	}
	first, err := json.Marshal(h)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(r.Snapshot), ".snapshot-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	mac, out := hmac.New(sha256.New, key), bufio.NewWriter(f)
	both := io.MultiWriter(out, mac)
	for _, part := range [][]byte{append(first, '\n'), entries} {
		if _, err = both.Write(part); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	_, err = out.Write(mac.Sum(nil))
	if err = errors.Join(err, out.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), r.Snapshot); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(r.Snapshot))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// readSnapshot reads the file. Nothing in it is believed before its HMAC was compared. fs.ErrNotExist: there is none.
func (r *Remote) readSnapshot() (*snapshot, error) {
	f, err := os.Open(r.Snapshot)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = maxHeader + (maxEntries+1)*revocation.EntrySize
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > most:
		return nil, errTooLarge
	}
	key, err := r.sealing()
	if err != nil {
		return nil, err
	}
	return openSnapshot(text, key)
}

var errForeign = errors.New("it is damaged, was written by somebody else, or under another client secret")

// openSnapshot checks the HMAC of a snapshot and reads it.
func openSnapshot(text, key []byte) (*snapshot, error) {
	if len(text) < sha256.Size {
		return nil, errForeign
	}
	body, sum := text[:len(text)-sha256.Size], text[len(text)-sha256.Size:]
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(body) // cannot fail
	if !hmac.Equal(sum, mac.Sum(nil)) {
		return nil, errForeign
	}
	first, rest, _ := bytes.Cut(body, []byte{'\n'})
	s := &snapshot{}
	if err := json.Unmarshal(first, &s.snapshotHead); err != nil || s.Form != snapshotForm {
		return nil, errors.New("it is of a form that this version does not know")
	}
	var err error
	if s.keys, err = readKeySet(s.Keys); err != nil {
		return nil, err
	}
	if s.entries, err = revocation.Unpack(rest); err != nil || len(s.entries) != s.Entries {
		return nil, errForeign
	}
	return s, nil
}

// restore takes in the snapshot, where there is one that is good. It is not asked for again: from here on the issuer is.
func (i *Issuer) restore() {
	if i.r.Snapshot == "" {
		return
	}
	s, err := i.r.readSnapshot()
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = i.usable(s)
	}
	if err != nil {
		i.r.Log.Warn("the snapshot is not used", "issuer", i.r.Issuer, "file", i.r.Snapshot, "error", err.Error())
		return
	}
	now := i.r.Now()
	i.set.Add(s.at(), s.entries...) // by the time it was written: this clock may be wrong
	i.keys.Store(&keySet{keys: s.keys, text: s.Keys, read: s.at(), age: minKeyAge})
	i.dropKeys()
	i.learn(s.at())
	i.r.Log.Info("began with a snapshot of what the issuer published", "issuer", i.r.Issuer, "age", now.Sub(s.at()).Round(time.Second), "revocations", len(s.entries))
}

// usable says why a snapshot of ours is of no use now, or nothing.
func (i *Issuer) usable(s *snapshot) error {
	age := i.r.Now().Sub(s.at())
	switch {
	case s.Issuer != i.r.Issuer || s.Client != i.r.ClientID:
		return fmt.Errorf("it is of the client %.64q of %.200q", s.Client, s.Issuer)
	case age > i.r.SnapshotAge:
		return fmt.Errorf("what it says was known %v ago, and %v is the limit", age.Round(time.Second), i.r.SnapshotAge)
	case age < -leeway:
		return fmt.Errorf("what it says was known %v from now: this clock is behind, and how old it is cannot be told", (-age).Round(time.Second))
	}
	return nil
}

// keepSnapshot writes the file whenever there is something to say, and a last time in the end.
func (i *Issuer) keepSnapshot() {
	var last snapshotHead
	var version uint64
	rest := saveEach
	for going := true; going; {
		going = i.pause(rest, nil)
		began := time.Now()
		h, ok := i.head()
		now := i.set.Version()
		changed := now != version || h.Keys != last.Keys
		if !ok || h.Fresh <= last.Fresh || !changed && h.at().Sub(last.at()) < saveAnyway && going || i.watch.Ahead() > 0 {
			rest = saveEach
			continue
		}
		err := i.save(h)
		i.troubles.note(i.r.Now(), troubleSnapshot, err)
		if err == nil {
			last, version = h, now
		}
		rest = max(saveEach, saveRest*time.Since(began))
	}
}

// head describes what is known now; ok: it was read in full once.
func (i *Issuer) head() (h snapshotHead, ok bool) {
	fresh, keys := i.fresh.Load(), i.keys.Load()
	if fresh == nil || keys == nil {
		return h, false
	}
	return snapshotHead{Form: snapshotForm, Issuer: i.r.Issuer, Client: i.r.ClientID, Fresh: fresh.UnixMicro(), Keys: keys.text}, true
}

// save writes a snapshot, unless the file has a fresher one, as of another process that follows for the same folder.
func (i *Issuer) save(h snapshotHead) error {
	entries := revocation.Pack(i.set.Entries())
	h.Entries = len(entries) / revocation.EntrySize
	if there, err := i.r.readSnapshot(); err == nil && there.Fresh >= h.Fresh && i.usable(there) == nil {
		return nil
	}
	if err := i.r.writeSnapshot(h, entries); err != nil {
		return fmt.Errorf("the snapshot %s could not be written: %w", i.r.Snapshot, err)
	}
	return nil
}
