// Command tokenbooth is the token desk of an API: it hands out API credentials, exchanges them for short-lived bearer tokens in the
// contract the callers already speak, renews them, and checks them at the door. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

func main() {
	closeMemory()
	os.Exit(run())
}

// run is main with an exit code, so that scripts in tests can be the command too.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		lipgloss.EnableLegacyWindowsANSI(f)
	}
	err := command().ExecuteContext(ctx)
	if err != nil {
		showError(os.Stderr, err)
	}
	switch {
	case errors.Is(err, errDrift):
		return driftStatus
	case errors.Is(err, sqlite.ErrBehind), errors.Is(err, sqlite.ErrDamaged):
		return lostStatus
	case err != nil:
		return 1
	}
	return 0
}

// lostStatus is the exit status when the database is not what was last written: starting again will not help, a person must look.
const lostStatus = 3

// showError writes an error as one plain block: settings errors carry an excerpt whose columns must stay where they are.
func showError(w io.Writer, err error) {
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(w, "tokenbooth: "+harmlessLines(err.Error()))
	}
}

// errSilent ends a command that has said already what is wrong.
var errSilent = errors.New("")

// command is the tree of subcommands, each in the file of its name.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenbooth",
		Short: "The token desk of an API",
		Long: `Tokenbooth hands out API credentials, exchanges them for short-lived bearer tokens in whatever contract the
callers already speak, renews them, takes them back, and checks them at the door.`,
		Example: `  tokenbooth demo                                  # everything at work, on this machine
  tokenbooth init                                  # write a settings file to start from
  tokenbooth serve -c tokenbooth.yaml
  tokenbooth client create -t acme --name Postman --permission workflows`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          onlyGroup,
	}
	root.PersistentFlags().StringP("config", "c", "", "settings `FILE` (default tokenbooth.yaml, or $TOKENBOOTH_CONFIG)")
	root.PersistentFlags().BoolP("help", "h", false, "show this help")
	root.Flags().BoolP("version", "v", false, "show the version")
	root.AddCommand(serveCommand(), initCommand(), demoCommand(), clientCommand(), userCommand(), operatorCommand(), tenantCommand(), keyCommand(),
		dialectCommand(), tokenCommand(), gatewayCommand(), healthcheckCommand(), explainCommand(), auditCommand(), applyCommand(), storeCommand(), backupCommand(), restoreCommand(), versionCommand())
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpFunc(showHelp)
	root.SetHelpCommand(helpCommand())
	return root
}
