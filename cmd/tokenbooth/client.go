package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func clientCommand() *cobra.Command {
	return addDeskFlags(group("client", "Register the programs that ask for tokens",
		`A client is a program that asks for tokens: an id, up to two live secrets, and what they may do. Every change is
written with its author; a running server on the same store has heard of it when the command answers.`,
		clientCreateCommand(), clientImportCommand(), clientListCommand(), clientShowCommand(), clientUpdateCommand(),
		clientRotateCommand(), clientRetireCommand(), clientUndoRotationCommand(), clientAbleCommand(false), clientAbleCommand(true), clientDeleteCommand()))
}

func clientListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the clients of a tenant",
		Args:  want(),
		RunE: forTenant(func(ctx context.Context, e *errand, _ []string) error {
			views := []facts{}
			var rows [][]string
			for after, more := "", true; more; more = after != "" {
				page, err := e.FindClients(ctx, directory.Search{After: after, Limit: pageOf})
				if err != nil {
					return err
				}
				after = page.Next
				for _, c := range page.Clients {
					views = append(views, viewClient(c, e.now))
					live, used := liveSecrets(c, e.now)
					rows = append(rows, []string{c.ID, c.Name, strings.Join(c.Permissions, " "), fmt.Sprint(live), c.State(e.now),
						e.when(used, "never"), e.when(c.Expires.Time, "never")})
				}
			}
			if e.json {
				return e.object(views)
			}
			return e.table("There are no clients yet. Register one with: tokenbooth client create --name NAME --permission all",
				[]string{"CLIENT ID", "NAME", "PERMISSIONS", "SECRETS", "STATE", "LAST USED", "EXPIRES"}, rows)
		}),
	}
}

func clientShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show CLIENT-ID",
		Short:             "Show one client: what it may do, and its secrets' ages and last uses",
		Args:              want("CLIENT-ID"),
		ValidArgsFunction: completeFirst(completeClients),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			c, err := e.findClient(ctx, args[0])
			if err != nil {
				return err
			}
			return e.showClient(c)
		}),
	}
}

// clientAbleCommand is enable, or disable.
func clientAbleCommand(disable bool) *cobra.Command {
	cmd := &cobra.Command{Use: "enable CLIENT-ID", Short: "Let a disabled client ask for tokens again; its old tokens stay dead"}
	if disable {
		cmd.Use, cmd.Short = "disable CLIENT-ID", "Stop a client and its tokens until it is enabled again"
	}
	cmd.Args, cmd.ValidArgsFunction = want("CLIENT-ID"), completeFirst(completeClients)
	cmd.RunE = forTenant(func(ctx context.Context, e *errand, args []string) error {
		if _, err := e.standingClient(ctx, args[0]); err != nil {
			return err
		}
		if _, err := e.DisableClient(ctx, args[0], 0, disable); err != nil {
			return err
		}
		said := "Client %s is enabled."
		if disable {
			said = "Client %s is disabled: it gets no token, and what it has is worth nothing."
		}
		return e.clientDone(ctx, args[0], said, args[0])
	})
	return cmd
}

func clientDeleteCommand() *cobra.Command {
	return addYes(&cobra.Command{
		Use:               "delete CLIENT-ID",
		Short:             "End a client for good",
		Long:              "Delete ends a client for good: its secrets are forgotten, its tokens are worth nothing, and its id is never given again.",
		Args:              want("CLIENT-ID"),
		ValidArgsFunction: completeFirst(completeClients),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			c, err := e.standingClient(ctx, args[0])
			if err != nil {
				return err
			}
			err = e.confirm(ctx, fmt.Sprintf("Client %s (%s) of tenant %s will be gone for good, and its id with it.", c.ID, c.Name, e.tenant.Name))
			if err != nil {
				return err
			}
			if err := e.DeleteClient(ctx, c.ID, 0); err != nil {
				return err
			}
			return e.clientDone(ctx, c.ID, "Client %s is deleted.", c.ID)
		}),
	})
}

// clientDone says what has been done to a client; a program gets the client.
func (e *errand) clientDone(ctx context.Context, id, format string, args ...any) error {
	if !e.json {
		return e.say(format, args...)
	}
	c, err := e.Client(ctx, id)
	if err != nil {
		return err
	}
	return e.object(viewClient(c, e.now))
}

// findClient returns a client, deleted ones too. Whoever misspells one is told which was meant.
func (e *errand) findClient(ctx context.Context, id string) (*registry.Client, error) {
	c, err := e.Client(ctx, id)
	if !errors.Is(err, registry.ErrNotFound) {
		return c, err
	}
	page, err := e.FindClients(ctx, directory.Search{Limit: pageOf})
	if err != nil {
		return nil, err
	}
	var names []string
	idOf := map[string]string{}
	for _, c := range page.Clients {
		if strings.EqualFold(c.Name, id) {
			return nil, fmt.Errorf("tenant %s has no client with the id %q, but one of that name; its id is %s", e.tenant.Name, id, c.ID)
		}
		names = append(names, c.ID, c.Name)
		idOf[c.Name] = c.ID
	}
	hint := didYouMean(id, names)
	if n := nearest(id, names); idOf[n] != "" {
		hint = fmt.Sprintf("; did you mean %s (%s)?", idOf[n], n)
	}
	if hint == "" {
		hint = "; list them with: tokenbooth client list -t " + e.tenant.Name
	}
	return nil, fmt.Errorf("tenant %s has no client with the id %q%s", e.tenant.Name, id, hint)
}

// standingClient returns a client that can still be changed.
func (e *errand) standingClient(ctx context.Context, id string) (*registry.Client, error) {
	c, err := e.findClient(ctx, id)
	if err == nil && c.Deleted {
		err = fmt.Errorf("client %s was deleted at %s and cannot come back: register a new one", id, e.when(c.Updated, "an unknown time"))
	}
	return c, err
}
