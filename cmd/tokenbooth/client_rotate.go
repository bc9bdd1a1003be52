package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func clientRotateCommand() *cobra.Command {
	var overlap string
	cmd := &cobra.Command{
		Use:   "rotate CLIENT-ID",
		Short: "Give a client a new secret; the present one works for a while still",
		Long: `Rotate makes a new secret and shows it, once. The present one goes on working for the overlap, so that its callers can
change without a gap; last uses show when they have. With --overlap 0 it ends at once: for a secret that has leaked.`,
		Example: `  tokenbooth client rotate q2tjLz0Rk7Wc1mYd
  tokenbooth client rotate q2tjLz0Rk7Wc1mYd --overlap 0 --yes`,
		Args:              want("CLIENT-ID"),
		ValidArgsFunction: completeFirst(completeClients),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			wait, err := span("--overlap", overlap)
			if err != nil {
				return err
			}
			c, err := e.standingClient(ctx, args[0])
			if err != nil {
				return err
			}
			if wait == 0 {
				err = e.confirm(ctx, fmt.Sprintf("Every caller with the present secret of client %s (%s) will be refused at once.", c.ID, c.Name))
			}
			if err != nil {
				return err
			}
			made, text, err := e.RotateSecret(ctx, c.ID, 0, wait)
			if err != nil {
				return err
			}
			old := "The old one is worth nothing from now on."
			if n := len(made.Credentials); n > 1 {
				old = fmt.Sprintf("The old one works until %s.", e.when(made.Credentials[n-2].Expires, ""))
			}
			return e.showIssued(ctx, made, text, fmt.Sprintf("Client %s (%s) of tenant %s has a new secret. %s", made.ID, made.Name, made.Tenant, old))
		}),
	}
	cmd.Flags().StringVar(&overlap, "overlap", "24h", "`TIME` the present secret works still; 0 ends it at once")
	return addYes(cmd)
}
