package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

func storeCommand() *cobra.Command {
	return group("store", "See that the database is whole",
		"The database is one file in the data folder. Whoever copies it as a backup can check the copy here as well.", storeCheckCommand())
}

func storeCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read the whole database and say what is damaged",
		Long: `Check reads every page and every row, and compares each with what was written. It takes some ten seconds for each
gigabyte and holds a running server up by nothing. FILE is another copy, a backup for example. Either is a file on this machine,
whatever $TOKENBOOTH_SERVER says.`,
		Example: "  tokenbooth store check\n  tokenbooth store check backup/tokenbooth.db",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := ""
			if len(args) == 1 {
				file = args[0]
			} else {
				s, err := settingsOf(cmd)
				if err != nil {
					return err
				}
				if s.Store == "memory" {
					return s.fault("store", "a store in memory has no file to check")
				}
				file = filepath.Join(s.Data, storeFile)
			}
			if err := checkStore(cmd.Context(), file); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), file+" is whole.")
			return err
		},
	}
}

// checkStore checks a database that is there; opening one that is not would make it.
func checkStore(ctx context.Context, file string) error {
	if !exists(file) {
		return fmt.Errorf("there is no database %s", file)
	}
	db, err := sqlite.Open(sqlite.Options{Path: file, Now: clock(), Create: true})
	if err != nil {
		return err
	}
	return errors.Join(db.Check(ctx), db.Close())
}
