package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func clientUpdateCommand() *cobra.Command {
	var f *fieldFlags[registry.ClientSpec]
	cmd := &cobra.Command{
		Use:   "update CLIENT-ID",
		Short: "Change a client; what no flag names stays as it is",
		Long: `Update changes what its flags name and nothing else. Lists are replaced, not added to. To go back to the default say
--dialect any, --auth-method any, --allow-from any, --token-form default, --lifetime 0, --expires never. What a client
may do changes with the next token it asks for; to end its present tokens: tokenbooth token revoke --client CLIENT-ID.`,
		Example: `  tokenbooth client update q2tjLz0Rk7Wc1mYd --permission workflows,nql
  tokenbooth client update q2tjLz0Rk7Wc1mYd --expires 2027-01-31 --allow-from any`,
		Args:              want("CLIENT-ID"),
		ValidArgsFunction: completeFirst(completeClients),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			if !anyOwn(e.cmd) {
				return fmt.Errorf("nothing to change: say what, for example --name; all flags: %s --help", e.cmd.CommandPath())
			}
			if _, err := e.standingClient(ctx, args[0]); err != nil {
				return err
			}
			_, err := e.UpdateClient(ctx, args[0], "client.update", 0, func(c *registry.Client) error {
				return f.put(e, &c.ClientSpec)
			})
			if err != nil {
				return err
			}
			c, err := e.findClient(ctx, args[0])
			if err != nil {
				return err
			}
			return e.showClient(c)
		}),
	}
	f = flagsOf(cmd, registry.ClientFields)
	return cmd
}

// anyOwn reports whether a flag of the command itself was given, not only one of those it shares.
func anyOwn(cmd *cobra.Command) (given bool) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { given = given || f.Changed })
	return given
}
