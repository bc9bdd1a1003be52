package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

func storeCommand() *cobra.Command {
	return group("store", "See that the database is whole, and mend it",
		"The database is one file in the data folder. A backup of it can be checked here as well.", storeCheckCommand(), storeRepairCommand(), storeCompactCommand())
}

func storeCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read the whole database and say what is damaged",
		Long: `Check reads every page and every row, compares each with what was written, and sees that none is missing. Of a copy it says
when the database was in use and its log is not there. It takes some ten seconds for each gigabyte and holds a running server up by nothing. FILE is another copy, a backup for example. Either is a file on this machine,
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
				file = s.database()
			}
			if err := sqlite.Check(cmd.Context(), file, nil); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), file+" is whole.")
			return err
		},
	}
}

func storeCompactCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Give the room of removed rows back to the disk",
		Long: `Compact writes the database anew without the room that removed rows have left. The server must be stopped: nothing could be written
meanwhile, some ten seconds for each gigabyte. As much room as the database has is needed for as long.`,
		Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := storedSettings(cmd)
			if err == nil {
				err = s.stopped("compact")
			}
			if err != nil {
				return err
			}
			if err := sqlite.Check(cmd.Context(), s.database(), nil); err != nil {
				return err
			}
			before, after, err := sqlite.Compact(s.database())
			if err != nil {
				return err
			}
			return printerOf(cmd).say("%s had %d MiB and has %d MiB.", s.database(), before>>20, after>>20)
		},
	}
}

// stopped refuses what must not be done beside a server.
func (s *settings) stopped(what string) error {
	if n := len(alive(s.serving())); n > 0 {
		return fmt.Errorf("a server is at work on %s: stop it, then %s", s.Data, what)
	}
	return nil
}
