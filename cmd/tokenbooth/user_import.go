package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func userImportCommand() *cobra.Command {
	var f userFlags
	var hash, file string
	var dry bool
	cmd := &cobra.Command{
		Use:   "import USERNAME --hash HASH, or --file FILE",
		Short: "Register users with the hashes of their passwords",
		Long: `Import registers people who exist elsewhere, so that they go on with the passwords they have. Of those only hashes are
taken, as the other system keeps them: bcrypt, PBKDF2, scrypt or Argon2, in the form of PHC, passlib, Django, Werkzeug or
ASP.NET Identity (version 3). The first sign-in with a password replaces its hash by Argon2id. A hash that would take too
much to check is refused.

A file has many: CSV whose first line names the fields, or JSON, one object a line. Fields are username, hash, name,
permissions, must_reset and disabled; permissions are words with spaces between them, or a list in JSON. When a line is
refused nothing is imported, and all refusals are said; --dry-run says what would happen to each line.`,
		Example: `  tokenbooth user import jane.roe@example.com -p me --hash 'pbkdf2_sha256$600000$…'
  tokenbooth user import -t acme --file users.csv --dry-run`,
		Args: cobra.MaximumNArgs(1),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			if (file == "") == (len(args) == 0) {
				return errors.New("name one user with --hash, or a --file of many")
			}
			if file != "" {
				return e.importFile(ctx, file, dry, userRows(e, f.fields))
			}
			return f.importOne(ctx, e, args[0], hash)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&hash, "hash", "", "`HASH` of the password; - reads it from standard input")
	f.fields = flagsOf(cmd, userFields)
	addImportFlags(cmd, &file, &dry)
	cmd.MarkFlagsMutuallyExclusive("hash", "file")
	return cmd
}

func (f *userFlags) importOne(ctx context.Context, e *errand, username, hash string) error {
	if hash == "-" {
		text, err := e.piped("hash")
		if err != nil {
			return err
		}
		hash = text.Reveal()
	}
	if hash == "" {
		return errors.New("--hash: it is missing; a shell takes $ for a variable unless the hash stands in 'single quotes'")
	}
	if err := needPermissions(e); err != nil {
		return err
	}
	u := registry.User{Tenant: e.tenant.Name, Username: username}
	if err := f.fields.put(e, &u.UserSpec); err != nil {
		return err
	}
	made, err := e.ImportUser(ctx, u, hash)
	if err != nil {
		return err
	}
	return e.userDone(ctx, made, fmt.Sprintf("User %s of tenant %s is imported; the password stays what it was.", made.Username, made.Tenant))
}

// userRows is how a line of a file becomes a user.
func userRows(e *errand, f *fieldFlags[registry.UserSpec]) importKind {
	return importKind{word: "user", key: "username", fields: fieldColumns(registry.UserFields(), "username", "hash"),
		do: func(ctx context.Context, a acts, r *importRow) error {
			u := registry.User{Tenant: e.tenant.Name, Username: r.fields["username"]}
			if err := putRow(e, f, r, &u.UserSpec); err != nil {
				return err
			}
			_, err := a.ImportUser(ctx, u, r.fields["hash"])
			return err
		}}
}
