package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

func restoreCommand() *cobra.Command {
	var accept, overwrite bool
	var identity string
	cmd := &cobra.Command{
		Use:   "restore [FILE]",
		Short: "Put a backup in the place of the database, or accept an older one",
		Long: `Restore reads a backup through and puts it in the place of the database. The server must be stopped. One that is there is moved aside, with
--overwrite only. With --accept it takes the database that is there for the latest, although its mark knows better.

A restored database knows nothing of what was done after the backup: revoked tokens, spent refresh tokens, disabled clients and old secrets
would be good again. So every token that was issued so far is refused from now on, of every tenant; clients ask, and people sign in, anew.
What came back otherwise is listed, as far as the audit record of the old database and the journal tell: see to it before you start the server.`,
		Example: "  tokenbooth restore monday.db\n  tokenbooth restore monday.db.age --identity key.txt --overwrite\n  tokenbooth restore --accept",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if accept == (len(args) == 1) {
				return errors.New("name a backup to restore, or say --accept to take the database that is there as it is")
			}
			s, err := storedSettings(cmd)
			if err == nil {
				err = s.stopped("restore")
			}
			if err != nil {
				return err
			}
			r := restoring{settings: s, printer: printerOf(cmd), old: s.database()}
			if accept {
				return r.accept(cmd.Context())
			}
			if exists(r.old) && !overwrite {
				return fmt.Errorf("%s is there; say --overwrite to move it aside", r.old)
			}
			fresh, err := r.fetch(cmd.Context(), args[0], identity)
			if err != nil {
				return err
			}
			return r.replace(cmd.Context(), fresh, args[0])
		},
	}
	cmd.Flags().BoolVar(&accept, "accept", false, "take the database that is there as it is")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "restore though there is a database; it is moved aside")
	cmd.Flags().StringVar(&identity, "identity", "", "`FILE` with the identity of age that opens an encrypted backup")
	return cmd
}

// restoring is one restore.
type restoring struct {
	*printer
	settings *settings
	old      string // the database that was there before, for what it still tells
}

// fetch copies a backup beside where it will be, and sees that it is whole.
func (r *restoring) fetch(ctx context.Context, file, identity string) (fresh string, err error) {
	if err := os.MkdirAll(r.settings.Data, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	fresh = r.settings.database() + ".restored"
	if err = unpack(file, identity, fresh); err != nil {
		err = fmt.Errorf("read the backup: %w", err)
	} else if err = sqlite.Check(ctx, fresh, nil); err != nil {
		err = fmt.Errorf("%s is no whole backup: %w", file, err)
	}
	if err != nil {
		_ = os.Remove(fresh)
	}
	return fresh, err
}

// replace moves what is there aside, puts what was fetched from a file in its place, and accepts it. The mark stays: until then no server
// starts.
func (r *restoring) replace(ctx context.Context, fresh, file string) error {
	defer os.Remove(fresh)
	db := r.settings.database()
	aside := filepath.Join(r.settings.Data, "replaced-"+time.Now().UTC().Format("20060102T150405Z"))
	if err := os.Mkdir(aside, 0o700); err != nil {
		return fmt.Errorf("move the database aside: %w", err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(db+suffix, filepath.Join(aside, storeFile+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("move the database aside: %w", err)
		}
	}
	r.old = filepath.Join(aside, storeFile)
	if err := os.Rename(fresh, db); err != nil {
		return fmt.Errorf("put the backup in its place: %w", err)
	}
	if err := r.say("%s is in the place of the database; what was there is in %s.", file, aside); err != nil {
		return err
	}
	return r.accept(ctx)
}

// unpack copies a backup, encrypted or not.
func unpack(file, identity, to string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	begin := make([]byte, 3)
	if _, err := io.ReadFull(in, begin); err != nil {
		return fmt.Errorf("%s is no backup: %w", file, err)
	}
	if bytes.Equal(begin, []byte("age")) {
		if identity == "" {
			return fmt.Errorf("%s is encrypted: name the file that opens it with --identity", file)
		}
		return decrypt(file, identity, to)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return copyNew(in, to)
}

// accept takes the database for the latest, refuses every token of before, and lists what came back.
func (r *restoring) accept(ctx context.Context) error {
	s := r.settings
	last := time.Time{}
	err := sqlite.Rows(s.database(), store.Event, func(rec store.Record) error {
		if e, err := audit.Parse(rec); err == nil && e.Time.After(last) {
			last = e.Time
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, seen, err := sqlite.Accept(s.database(), s.path(s.Mark), wallClock()())
	if err != nil {
		return err
	}
	d, err := openDesk(ctx, s, opening{serve: true})
	if err != nil {
		return err
	}
	for _, t := range s.Tenants {
		if t.Follow == nil {
			err = errors.Join(err, d.issuer().RevokeTenant(ctx, author(), t.Name))
		}
	}
	if err = errors.Join(err, d.close()); err != nil {
		return fmt.Errorf("refuse the tokens of before: %w", err)
	}
	if err := r.say("Every token that was issued so far is refused from now on, of every tenant."); err != nil {
		return err
	}
	return r.list(last, seen)
}

// list says what the database no longer knows of.
func (r *restoring) list(last, seen time.Time) error {
	if err := r.say("The database knows of what was done until %s; the last write was at %s.", r.when(last, "nothing"), r.when(seen, "an unknown time")); err != nil {
		return err
	}
	var rows [][]string
	if r.old != r.settings.database() && exists(r.old) {
		err := sqlite.Rows(r.old, store.Event, func(rec store.Record) error {
			if e, err := audit.Parse(rec); err == nil && e.Time.After(last) && e.Outcome != audit.Refused {
				rows = append(rows, []string{e.Time.UTC().Format(time.RFC3339), e.Tenant, e.Act, e.Subject, e.Actor})
			}
			return nil
		})
		if err != nil {
			if err := r.say("The old database could not be read to its end: there may have been more than is listed here (%v).", err); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	if len(rows) > 0 {
		if err := r.say("\nDone since, and undone by this:"); err != nil {
			return err
		}
		if err := r.table("", []string{"TIME", "TENANT", "ACTION", "TARGET", "ACTOR"}, rows); err != nil {
			return err
		}
	}
	counts, err := audit.IssuedSince(r.settings.journal(), last)
	if err != nil || len(counts) == 0 {
		return err
	}
	var issued [][]string
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b [2]string) int { return strings.Compare(a[0]+"/"+a[1], b[0]+"/"+b[1]) }) {
		issued = append(issued, []string{k[0], k[1], fmt.Sprint(counts[k])})
	}
	if err := r.say("\nTokens issued since, by the journal:"); err != nil {
		return err
	}
	return r.table("", []string{"TENANT", "CLIENT", "TOKENS"}, issued)
}
