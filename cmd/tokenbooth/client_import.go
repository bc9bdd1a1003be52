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
	var piped bool
	cmd := &cobra.Command{
		Use:   "import CLIENT-ID --name NAME --permission PERMISSION",
		Short: "Register a client with the id and secret it has already",
		Long: `Import registers a client that exists elsewhere, so that its callers need not change anything. Its secret is asked
for at the terminal, read from standard input (--secret-stdin), or given as the hash that the other system keeps:

  sha256$HEX                            SHA-256, 64 lower-case hexadecimal digits
  $2a$… $2b$… $2y$…                     bcrypt
  pbkdf2-sha256$ITERATIONS$SALT$KEY     PBKDF2, salt and key in base64; also pbkdf2-sha512
  $argon2id$v=19$m=…,t=…,p=…$SALT$KEY   Argon2id

A slow hash is replaced by a fast one when the secret is used for the first time. An imported secret may be weak, so
guesses at it are counted; rotate it when its callers can change.`,
		Example: `  tokenbooth client import 0oa1b2c3 --name "Power BI" -p nql --secret-stdin < secret.txt
  tokenbooth client import legacy --name Legacy -p all --hash '$2b$10$…'`,
		Args: want("CLIENT-ID"),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
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
	cmd.MarkFlagsMutuallyExclusive("hash", "secret-stdin")
	f = flagsOf(cmd, registry.ClientFields)
	return cmd
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
