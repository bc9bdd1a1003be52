package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func clientImportCommand() *cobra.Command {
	var f *fieldFlags[registry.ClientSpec]
	var hash string
	var file string
	var piped, dry bool
	cmd := &cobra.Command{
		Use:   "import CLIENT-ID, or --file FILE",
		Short: "Register a client with the id and secret it has already",
		Long: `Import registers a client that exists elsewhere, so that its callers need not change anything. Its secret is asked
for at the terminal, read from standard input (--secret-stdin), or given as the hash that the other system keeps:

  sha256$DIGEST                         SHA-256, in 64 hexadecimal digits or base64
  $2a$… $2b$… $2y$…                     bcrypt
  pbkdf2-sha256$ITERATIONS$SALT$KEY     PBKDF2, salt and key in base64; also pbkdf2-sha512, pbkdf2-sha1
  $argon2id$v=19$m=…,t=…,p=…$SALT$KEY   Argon2, also $argon2i$
  $scrypt$ln=…,r=…,p=…$SALT$KEY         scrypt

and the same as Django, passlib, Werkzeug and ASP.NET Identity spell them.

A slow hash is replaced by a fast one when the secret is used for the first time. An imported secret may be weak, so
guesses at it are counted; rotate it when its callers can change.

A file has many: CSV whose first line names the fields, or JSON, one object a line. Fields are client_id, secret or hash,
and those of "tokenbooth apply"; lists are words with spaces between them, or lists in JSON. What a line leaves out is what
the flags say. When a line is refused nothing is imported, and all refusals are said; --dry-run says what would happen to each.`,
		Example: `  tokenbooth client import 0oa1b2c3 --name "Power BI" -p nql --secret-stdin < secret.txt
  tokenbooth client import legacy --name Legacy -p all --hash '$2b$10$…'`,
		Args: cobra.MaximumNArgs(1),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			if file != "" && len(args) == 0 {
				return e.importFile(ctx, file, dry, clientRows(e, f))
			}
			if file != "" || len(args) == 0 {
				return errors.New("CLIENT-ID is missing: name one client, or a --file of many")
			}
			c, err := newClient(e, f, args[0])
			if err != nil {
				return err
			}
			text, hash, err := e.importedSecret(ctx, args[0], hash, piped)
			if err != nil {
				return err
			}
			made, err := e.ImportClient(ctx, *c, text, hash)
			if err != nil {
				return err
			}
			return e.clientDone(ctx, made.ID, "Client %s (%s) of tenant %s is imported; its secret stays what it was.", made.ID, made.Name, made.Tenant)
		}),
	}
	cmd.Flags().StringVar(&hash, "hash", "", "`HASH` of the secret; - reads it from standard input")
	cmd.Flags().BoolVar(&piped, "secret-stdin", false, "read the secret from the first line of standard input")
	addImportFlags(cmd, &file, &dry)
	cmd.MarkFlagsMutuallyExclusive("hash", "secret-stdin", "file")
	f = flagsOf(cmd, registry.ClientFields)
	return cmd
}

// clientRows is how a line of a file becomes a client.
func clientRows(e *errand, f *fieldFlags[registry.ClientSpec]) importKind {
	return importKind{word: "client", key: "client_id", fields: fieldColumns(registry.ClientFields(e.now), "client_id", "secret", "hash"),
		do: func(ctx context.Context, a acts, r *importRow) error {
			c := e.tenant.NewClient(r.fields["client_id"])
			if err := putRow(e, f, r, &c.ClientSpec); err != nil {
				return err
			}
			_, err := a.ImportClient(ctx, c, oauth.Secret(r.fields["secret"]), r.fields["hash"])
			return err
		}}
}

// importedSecret returns the secret, or its hash. There is no flag with the secret itself: it would stand in the shell's history and
// in the list of processes.
func (e *errand) importedSecret(ctx context.Context, id, hash string, piped bool) (oauth.Secret, string, error) {
	switch {
	case hash == "-":
		text, err := e.piped("hash")
		return "", text.Reveal(), err
	case e.cmd.Flags().Changed("hash"):
		if hash == "" {
			return "", "", errors.New("--hash: it is empty; a shell takes $ for a variable unless the hash stands in 'single quotes'")
		}
		return "", hash, nil
	case piped:
		text, err := e.piped("secret")
		return text, "", err
	case e.terminal >= 0:
		text, err := e.hidden(ctx, fmt.Sprintf("Secret of client %s", id))
		return text, "", err
	}
	return "", "", errors.New("its secret is missing: give it on standard input with --secret-stdin, or its hash with --hash")
}
