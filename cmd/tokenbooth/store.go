package main

import (
	"fmt"

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
