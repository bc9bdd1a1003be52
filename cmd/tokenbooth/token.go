package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

func tokenCommand() *cobra.Command {
	return addDeskFlags(group("token", "Look at tokens and take them back",
		`A token that is taken back is refused within seconds wherever it is checked: by the running server, and by gateways and
APIs that follow the revocation feed.`,
		tokenIntrospectCommand(), tokenRevokeCommand()))
}

// fromInput is the argument that says: the token stands on standard input, where neither the shell's history nor the list of processes
// shows it.
const fromInput = "-"

// tokenArgument reads the token of a command line.
func (e *errand) tokenArgument(arg string) (string, error) {
	if arg != fromInput {
		return arg, nil
	}
	text, err := e.piped("token")
	return text.Reveal(), err
}

// tokenView is what may be seen of a token. These names are a promise to programs; those of RFC 7662, section 2.2 mean what they mean
// there.
type tokenView struct {
	Active      bool       `json:"active"`
	Form        string     `json:"form,omitempty"` // jwt, opaque or uuid
	ID          string     `json:"jti,omitempty"`
	Issuer      string     `json:"iss,omitempty"`
	Subject     string     `json:"sub,omitempty"`
	ClientID    string     `json:"client_id,omitempty"`
	Username    string     `json:"username,omitempty"`
	Scope       string     `json:"scope,omitempty"`
	Permissions []string   `json:"permissions,omitempty"`
	Audience    []string   `json:"aud,omitempty"`
	IssuedAt    *time.Time `json:"iat,omitempty"`
	Expires     *time.Time `json:"exp,omitempty"`
	Family      string     `json:"sid,omitempty"` // the chain of refresh tokens it came from
	KeyID       string     `json:"kid,omitempty"`
}

func tokenIntrospectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "introspect TOKEN",
		Short: "Say whether an access token is good, and what it says",
		Long: `Introspect checks an access token as the gateway would: is it one of the tenant's, has it neither expired nor been taken
back, may its client and its user still act? Give - to read the token from standard input.`,
		Example: `  tokenbooth token introspect -t acme - <token.txt`,
		Args:    want("TOKEN"),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			text, err := e.tokenArgument(args[0])
			if err != nil {
				return err
			}
			in, err := e.Introspect(ctx, oauth.Secret(text))
			if err != nil {
				return err
			}
			return e.showToken(&in)
		}),
	}
}

func (e *errand) showToken(in *oauth.Introspection) error {
	v := tokenView{Active: in.Active, Form: string(in.Form), ID: in.ID, Issuer: in.Issuer, Subject: in.Subject, ClientID: in.ClientID, Username: in.Username,
		Scope: in.Scope, Permissions: in.Permissions, Audience: in.Audience, IssuedAt: orNull(in.IssuedAt), Expires: orNull(in.Expires), Family: in.Family, KeyID: in.KeyID}
	if e.json {
		return e.object(v)
	}
	if !v.Active {
		return e.say("The token is not active: tenant %s did not issue it, or it has expired, or it was taken back.", e.tenant.Name)
	}
	return e.sheet([]line{{"Active", "yes"}, {"Form", v.Form}, {"Token ID", v.ID}, {"Issuer", v.Issuer}, {"Subject", v.Subject}, {"Client ID", v.ClientID},
		{"Username", v.Username}, {"Scope", v.Scope}, {"Permissions", strings.Join(v.Permissions, " ")}, {"Audience", strings.Join(v.Audience, " ")},
		{"Issued", e.when(in.IssuedAt, "")}, {"Expires", e.when(in.Expires, "")}, {"Chain", v.Family}, {"Signing key", v.KeyID}})
}

// revokeFlags say what to take back, where it is not one token.
type revokeFlags struct {
	client, user string
	all          bool
}

func tokenRevokeCommand() *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke [TOKEN]",
		Short: "Take back a token, or all tokens of a client, of a user, or of the tenant",
		Long: `Revoke takes a token back: an access token, or a refresh token with every access token that came from its chain. Give - to
read it from standard input. --client, --user and --all take back all that was issued up to now; new tokens can be had
at once, so to keep somebody out disable the client or the user. All that a signing key has signed: tokenbooth key
withdraw.`,
		Example: `  tokenbooth token revoke -t acme - <token.txt
  tokenbooth token revoke -t acme --client q2tjLz0Rk7Wc1mYd
  tokenbooth token revoke -t acme --user ada@acme.example
  tokenbooth token revoke -t acme --all --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%q is one argument too many: one TOKEN at a time", args[1])
			}
			return nil
		},
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			if len(args) == 1 && args[0] == "" {
				return errors.New("the TOKEN is empty")
			}
			return f.revoke(ctx, e, strings.Join(args, ""))
		}),
	}
	cmd.Flags().StringVar(&f.client, "client", "", "all tokens of `CLIENT-ID`")
	cmd.Flags().StringVar(&f.user, "user", "", "all tokens of the user of this `NAME`")
	cmd.Flags().BoolVar(&f.all, "all", false, "all tokens of the tenant")
	completeFlag(cmd, "client", completeClients)
	completeFlag(cmd, "user", completeUsers)
	return addYes(cmd)
}

func (f *revokeFlags) revoke(ctx context.Context, e *errand, token string) error {
	given := 0
	for _, is := range []bool{token != "", f.client != "", f.user != "", f.all} {
		if is {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("say what to take back, one of: TOKEN, --client ID, --user NAME, --all; see %s --help", e.cmd.CommandPath())
	}
	name := e.tenant.Name
	switch {
	case f.client != "":
		if err := e.RevokeClientTokens(ctx, f.client); err != nil {
			return err
		}
		return e.say("All tokens of client %s are taken back; it can ask for new ones.", f.client)
	case f.user != "":
		if err := e.RevokeUserTokens(ctx, f.user); err != nil {
			return err
		}
		return e.say("All tokens of user %s are taken back; the user can sign in again.", f.user)
	case f.all:
		if err := e.confirm(ctx, fmt.Sprintf("Every token of tenant %s will be refused; its callers have to ask for new ones.", name)); err != nil {
			return err
		}
		if err := e.RevokeAll(ctx); err != nil {
			return err
		}
		return e.say("All tokens of tenant %s are taken back.", name)
	}
	text, err := e.tokenArgument(token)
	if err != nil {
		return err
	}
	was, err := e.RevokeToken(ctx, oauth.Secret(text))
	switch {
	case err != nil:
		return err
	case was.ID == "":
		return fmt.Errorf("nothing to take back: tenant %s did not issue this token, or it has expired, or it was taken back before", name)
	case was.Kind == revocation.Family:
		return e.say("The refresh token of client %s is taken back, and every access token that came from its chain %s.", was.ClientID, was.ID)
	}
	return e.say("Token %s of client %s is taken back.", was.ID, was.ClientID)
}
