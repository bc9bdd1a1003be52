package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// clientRetireCommand ends an overlap early.
func clientRetireCommand() *cobra.Command {
	return addYes(&cobra.Command{
		Use:   "retire CLIENT-ID",
		Short: "End the old secret of a rotation now, before its overlap is over",
		Long: `Retire ends the secret that a rotation has replaced, which would work for the rest of the overlap. tokenbooth client
show says when each secret was used last, and from where.`,
		Args:              want("CLIENT-ID"),
		ValidArgsFunction: completeFirst(completeClients),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			c, err := e.standingClient(ctx, args[0])
			if err != nil {
				return err
			}
			last := len(c.Credentials) - 1
			if last < 1 || !c.Credentials[last-1].Live(e.now) {
				return fmt.Errorf("client %s has one live secret: there is no old one to end", c.ID)
			}
			old := &c.Credentials[last-1]
			if err := e.confirm(ctx, fmt.Sprintf("Callers with the old secret of client %s (%s) will be refused at once: %s.", c.ID, c.Name, e.describeSecret(old))); err != nil {
				return err
			}
			if _, err := e.RetireSecret(ctx, c.ID, c.Rev, old.ID); err != nil {
				return err
			}
			return e.clientDone(ctx, c.ID, "The old secret of client %s is worth nothing from now on.", c.ID)
		}),
	})
}

// clientUndoRotationCommand takes a rotation back.
func clientUndoRotationCommand() *cobra.Command {
	return addYes(&cobra.Command{
		Use:   "undo-rotation CLIENT-ID",
		Short: "Take a rotation back: the new secret ends, the old one goes on as before",
		Long: `Undo-rotation is for a rotation that was a mistake, while both secrets work still: the new one ends at once, and the old
one gets the expiry back that it had.`,
		Args:              want("CLIENT-ID"),
		ValidArgsFunction: completeFirst(completeClients),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			c, err := e.standingClient(ctx, args[0])
			if err != nil {
				return err
			}
			if err := e.confirm(ctx, fmt.Sprintf("Callers with the new secret of client %s (%s) will be refused at once.", c.ID, c.Name)); err != nil {
				return err
			}
			if _, err := e.UndoRotation(ctx, c.ID, c.Rev); err != nil {
				return err
			}
			return e.clientDone(ctx, c.ID, "The rotation of client %s is taken back.", c.ID)
		}),
	})
}
