package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func clientCreateCommand() *cobra.Command {
	var f *fieldFlags[registry.ClientSpec]
	var id string
	cmd := &cobra.Command{
		Use:   "create --name NAME --permission PERMISSION",
		Short: "Register a client and show its secret, once",
		Long: `Create registers a client and shows its id and secret, together with the command that buys a token with them. The
secret is shown this once: only its hash is kept.`,
		Example: `  tokenbooth client create -t acme --name Postman --permission workflows
  tokenbooth client create --name "Nightly export" -p nql,enrichment --expires 90d --allow-from 192.0.2.0/24 --json`,
		Args: want(),
		RunE: forTenant(func(ctx context.Context, e *errand, _ []string) error {
			c, err := newClient(e, f, id)
			if err != nil {
				return err
			}
			made, text, err := e.CreateClient(ctx, *c)
			if err != nil {
				return err
			}
			return e.showIssued(ctx, made, text, fmt.Sprintf("Client %s (%s) of tenant %s is registered.", made.ID, made.Name, made.Tenant))
		}),
	}
	cmd.Flags().StringVar(&id, "id", "", "`ID` it shall have (default one is drawn)")
	f = flagsOf(cmd, registry.ClientFields)
	return cmd
}

// newClient is a client as the flags describe it, with what is left out filled in.
func newClient(e *errand, f *fieldFlags[registry.ClientSpec], id string) (*registry.Client, error) {
	if !e.cmd.Flags().Changed("name") {
		return nil, errors.New("--name: say what people shall call it; the calling application's name serves best")
	}
	if err := needPermissions(e); err != nil {
		return nil, err
	}
	c := e.tenant.NewClient(id)
	return &c, f.put(e, &c.ClientSpec)
}

// issuedView is the one answer that has a secret in it.
type issuedView struct {
	ID       string `json:"client_id"`
	Secret   string `json:"client_secret"`
	Tenant   string `json:"tenant"`
	Dialect  string `json:"dialect"`   // the first its tenant speaks that it may ask in; empty: none
	TokenURL string `json:"token_url"` // where it asks
	Curl     string `json:"curl"`      // and how
	Client   facts  `json:"client"`
}

// showIssued shows a client with a secret that was just made. It cannot be shown again.
func (e *errand) showIssued(ctx context.Context, c *registry.Client, text oauth.Secret, what string) error {
	if fresh, err := e.Client(ctx, c.ID); err == nil {
		c = fresh // with the last uses of its other secret
	}
	v := issuedView{ID: c.ID, Secret: text.Reveal(), Tenant: c.Tenant, Client: viewClient(c, e.now)}
	dialects, err := e.dialects()
	if err != nil {
		dialects = nil // the client is there all the same, and its secret must be shown now or never
		e.note("there is no example command: %v", err)
	}
	ways := sheet.For(e.tenant, c, dialects)
	if len(ways) > 0 {
		v.Dialect, v.TokenURL, v.Curl = ways[0].Dialect, ways[0].URL, ways[0].Command(c.ID, text)
	}
	if e.json {
		return e.object(v)
	}
	err = errors.Join(e.say("%s\n", what), e.sheet([]line{{"  Client ID", v.ID}, {"  Client Secret", v.Secret}}),
		e.say("\nThe secret is shown this once: only its hash is kept."))
	switch {
	case len(c.ResourceServers) > 0 && len(c.Permissions) == 0:
		err = errors.Join(err, e.say("\nIt asks for no tokens; it may introspect and follow what is taken back. In the settings of a gateway:\n\n  follow: {client_id: %s, client_secret_file: FILE}", c.ID))
	case len(ways) > 0:
		err = errors.Join(err, e.say("\n%s\n\n%s", ways[0].About(), v.Curl))
	}
	return err
}
