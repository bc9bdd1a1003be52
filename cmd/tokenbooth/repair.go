package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

func storeRepairCommand() *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use:   "repair [BACKUP]",
		Short: "Put the last backup in the place of a damaged database",
		Long: `Repair reads the database through. When it is damaged or gone, it puts the newest backup of the schedule (the setting backup) that is
whole in its place, or the one named here; a database that is whole stays. The server must be stopped.

From there on it is like restore: the damaged one is moved aside, every token that was issued so far is refused, and what was done after
the backup is listed, as far as the audit record of the damaged database and the journal tell.`,
		Example: "  tokenbooth store repair\n  tokenbooth store repair /mnt/backup/monday.db.age --identity key.txt",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := storedSettings(cmd)
			if err == nil {
				err = s.stopped("repair")
			}
			if err != nil {
				return err
			}
			r := restoring{settings: s, printer: printerOf(cmd), old: s.database()}
			fault := sqlite.Check(cmd.Context(), s.database(), nil)
			switch {
			case fault == nil:
				return r.say("%s is whole: there is nothing to repair.", s.database())
			case !errors.Is(fault, sqlite.ErrDamaged) && !errors.Is(fault, sqlite.ErrMissing):
				return fault // which says what to do: a backup is not it
			}
			backups := args
			if len(backups) == 0 {
				if backups, err = s.backups(); err != nil {
					return err
				}
			}
			if err := r.say("%v", fault); err != nil {
				return err
			}
			return r.repair(cmd.Context(), backups, identity)
		},
	}
	cmd.Flags().StringVar(&identity, "identity", "", "`FILE` with the identity of age that opens encrypted backups")
	return cmd
}

// backups are those of the schedule, the newest first.
func (s *settings) backups() (files []string, err error) {
	if s.Backup == nil {
		return nil, errors.New("no setting says where backups are: name one, with: tokenbooth store repair BACKUP")
	}
	there, err := backupsIn(s.path(s.Backup.To))
	if err != nil {
		return nil, err
	}
	for _, k := range there {
		files = append(files, k.file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no backup in %s: name one, with: tokenbooth store repair BACKUP", s.path(s.Backup.To))
	}
	return files, nil
}

// repair restores the first of the backups that is whole.
func (r *restoring) repair(ctx context.Context, backups []string, identity string) error {
	for _, file := range backups {
		if strings.HasSuffix(file, sealedEnd) && identity == "" {
			return fmt.Errorf("%s is encrypted: name the file that opens it with --identity", file)
		}
		fresh, err := r.fetch(ctx, file, identity)
		if err == nil {
			return r.replace(ctx, fresh, file)
		}
		if err := errors.Join(ctx.Err(), r.say("%v", err)); err != nil {
			return err
		}
	}
	return errors.New("none of the backups can be used: the database stays as it is")
}
