package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/clock"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// kept is an open store.
type kept struct {
	store  store.Store
	broken func() error // why nothing can be written until a restart, or nil
	tight  func() bool  // the disk is full, and what room there is is for taking back
	close  func() error
	probe  func(ctx context.Context, within time.Duration) error // whether it can be written; nothing is, where something was within so long
}

// desk is what is kept, and those who decide about it: what serve answers with, and what the other commands work on.
type desk struct {
	kept
	settings  *settings
	now       func() time.Time
	clocks    *clock.Watch
	opened    time.Time // before anything was read
	sealer    *secret.Sealer
	feed      *feed.Feed
	hashing   *limit.Lanes // of all passwords, whoever gives or sets one
	registry  *registry.Registry
	directory *directory.Directory
	keys      *keyring.Keyring
}

// opening is how a store is opened: by a command, unless it says more.
type opening struct {
	create bool                          // make what is not there
	serve  bool                          // tokens are decided by it
	over   func(store.Store) store.Store // what everybody works through; nil: the store itself
}

// openDesk opens the store and whoever works on it. Where nothing may be made, nothing is: the store is opened before the key is.
func openDesk(ctx context.Context, s *settings, how opening) (*desk, error) {
	d := &desk{settings: s, now: s.now(), clocks: watchClock(), hashing: limit.NewLanes(s.lane())}
	keep := func() (err error) { d.kept, err = openStore(s, d.now, d.clocks, how); return err }
	steps := []func() error{keep, d.unseal}
	if how.create {
		steps = []func() error{d.unseal, keep}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, errors.Join(err, d.release())
		}
	}
	if how.over != nil {
		d.store = how.over(d.store)
	}
	d.opened = d.now()
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *desk) unseal() error {
	kek, err := keyEncryptionKey(d.settings)
	if err == nil {
		d.sealer, err = secret.NewSealer(kek)
	}
	return err
}

// release closes the store if it has been opened.
func (d *desk) release() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}

func (d *desk) open(ctx context.Context) (err error) {
	if d.feed, err = feed.Open(ctx, feed.Options{Store: d.store, Now: d.clocks.Safe}); err != nil {
		return err
	}
	if err := d.feed.SetTenants(ctx, d.settings.tenantNames()); err != nil {
		return err
	}
	d.registry, err = registry.New(registry.Options{Store: d.store, Sealer: d.sealer, Now: d.now, Tenants: d.settings.Tenants, Feed: d.feed,
		Hash: d.hashing.Operators.Set})
	if err != nil {
		return err
	}
	d.directory = directory.New(d.registry, d.sealer, d.now)
	d.keys, err = keyring.Open(ctx, keyring.Options{Store: d.store, Sealer: d.sealer, Now: d.now, Tenants: keyTenants(d.settings), Feed: d.feed})
	return err
}

// storeFile is the database in the data folder.
const storeFile = "tokenbooth.db"

// openStore opens the engine that the settings name, and lets the watch know when it was last used.
func openStore(s *settings, now func() time.Time, clocks *clock.Watch, how opening) (kept, error) {
	if s.Store == "memory" {
		none := func() error { return nil }
		always := func(context.Context, time.Duration) error { return nil }
		return kept{memory.New(now), none, func() bool { return false }, none, always}, nil
	}
	if how.create {
		if err := os.MkdirAll(s.Data, 0o700); err != nil {
			return kept{}, fmt.Errorf("make the data folder: %w", err)
		}
	}
	db, err := sqlite.Open(sqlite.Options{Path: s.database(), Now: now, Safe: clocks.Safe, Mark: s.path(s.Mark), Create: how.create, Serve: how.serve})
	if err != nil {
		return kept{}, err
	}
	clocks.Remember(db.Seen())
	return kept{db, db.Err, db.Tight, db.Close, db.Probe}, nil
}

// database is the file that a store of these settings is kept in.
func (s *settings) database() string { return filepath.Join(s.Data, storeFile) }

// keyTenants says for whom there are signing keys, and how long a retired one must be kept: as long as any token it may have signed.
func keyTenants(s *settings) []keyring.Tenant {
	const longest = 14*24*time.Hour + time.Minute // of any dialect, and the skew guards allow
	var out []keyring.Tenant
	for _, t := range s.Tenants {
		out = append(out, keyring.Tenant{Name: t.Name, Algorithm: keyring.Algorithm(t.Algorithm), Retain: longest})
	}
	return out
}

// keyEncryptionKey reads the key that everything sealed in the store is sealed under, from the environment or its file, or makes the file.
func keyEncryptionKey(s *settings) ([]byte, error) {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	key, file, err := readKey(s)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return makeKey(file)
	}
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 && s.KeyFile == "" { // a file of ours; where others put theirs, they decide
		if err := os.Chmod(file, 0o600); err != nil {
			return nil, fmt.Errorf("%s can be read by others than its owner: %w", file, err)
		}
	}
	return key, nil
}

// readKey reads the key-encryption key. It is nil where none is there and none has to be; file is where it is then to be made.
func readKey(s *settings) (key []byte, file string, err error) {
	if text := os.Getenv("TOKENBOOTH_KEY_ENCRYPTION_KEY"); text != "" {
		key, err = parseKey("$TOKENBOOTH_KEY_ENCRYPTION_KEY", text)
		return key, "", err
	}
	file = filepath.Join(s.Data, "key-encryption-key")
	if s.KeyFile != "" {
		file = s.path(s.KeyFile)
	}
	db := s.database()
	sealed := s.Store == "sqlite" && exists(db) // looked at first: another process that starts now makes the key before the database
	text, err := readText(file)
	if errors.Is(err, fs.ErrNotExist) {
		if sealed {
			return nil, file, fmt.Errorf("%s is sealed under a key-encryption key, and %s is not there; restore it, or name it with key_encryption_key_file", db, file)
		}
		return nil, file, nil
	}
	if err != nil {
		return nil, file, fmt.Errorf("read the key-encryption key: %w", err)
	}
	key, err = parseKey(file, string(text))
	return key, file, err
}

func parseKey(place, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s: a key-encryption key is 32 bytes in base64; make one with: (umask 077; head -c 32 /dev/urandom | base64 >FILE)", place)
	}
	return key, nil
}

// makeKey makes the key file, durably, before anything is sealed under the key. Of two processes that start at once, one makes it.
func makeKey(file string) ([]byte, error) {
	key := secret.Nonce()
	temporary, err := os.CreateTemp(filepath.Dir(file), ".key-*") // made with mode 0600
	if err != nil {
		return nil, fmt.Errorf("make the key-encryption key: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = io.WriteString(temporary, base64.StdEncoding.EncodeToString(key[:])+"\n")
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Link(temporary.Name(), file)
	}
	if errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the key-encryption key: %w", err)
		}
		return parseKey(file, string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("make the key-encryption key: %w", err)
	}
	return key[:], nil
}

// loadDialects returns the built-in dialects and those of the settings, by name.
func loadDialects(s *settings) (map[string]*dialect.Dialect, error) {
	all := map[string]*dialect.Dialect{}
	for _, d := range dialect.Builtin() {
		all[d.Name] = d
	}
	for i, file := range s.Dialects {
		file = s.path(file)
		text, err := readText(file)
		if err != nil {
			return nil, s.fault(fmt.Sprintf("dialects[%d]", i), err.Error())
		}
		d, err := dialect.Parse(file, string(text))
		if err != nil {
			return nil, err
		}
		if all[d.Name] != nil {
			return nil, s.fault(fmt.Sprintf("dialects[%d]", i), "there is a dialect "+d.Name+" already")
		}
		all[d.Name] = d
	}
	return all, nil
}

func (s *settings) tenantNames() (names []string) {
	for i := range s.Tenants {
		names = append(names, s.Tenants[i].Name)
	}
	return names
}

// journal is the folder of the journal of issuances.
func (s *settings) journal() string { return filepath.Join(s.Data, "journal") }

// lane bounds the hashing of passwords: as many at once as there are processors, unless the settings say otherwise.
func (s *settings) lane() (workers, queue int) {
	workers, queue = s.Hashing.Workers, s.Hashing.Queue
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if queue <= 0 {
		queue = 64
	}
	return workers, queue
}

// author is who a command on this machine acts for, in the audit record.
func author() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if v := os.Getenv(name); v != "" {
			return "cli:" + v
		}
	}
	return fmt.Sprintf("cli:uid-%d", os.Getuid())
}

// newLog makes the log: coloured lines on a terminal, JSON for everything else.
func newLog(w io.Writer, l logging) (*slog.Logger, error) {
	var level slog.Level
	if l.Level != "" {
		if err := level.UnmarshalText([]byte(l.Level)); err != nil {
			return nil, fmt.Errorf("log.level: a level is debug, info, warn or error, not %q", l.Level)
		}
	}
	return slog.New(spare(logHandler(w, l.Format, level))), nil
}
