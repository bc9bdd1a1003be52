package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// demoBy is who registers the demo's clients and users, in the audit record.
const demoBy = "demo"

// demoVars are the values of the demo, in the order they are written in.
type demoVars struct {
	names  []string
	values map[string]string
	link   string // signs in to the console, once: it is shown and written nowhere
}

func (v *demoVars) set(name, value string) {
	if _, known := v.values[name]; !known {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

// shell renders the values as variables that a POSIX shell hands on to the programs it starts.
func (v *demoVars) shell() string {
	var b strings.Builder
	for _, n := range v.names {
		fmt.Fprintf(&b, "export %s='%s'\n", n, strings.ReplaceAll(v.values[n], "'", quotedQuote))
	}
	return b.String()
}

// quotedQuote is a quote within quotes, for a shell.
const quotedQuote = `'\''`

// screen is what the demo's screen is filled with.
func (v *demoVars) screen(data string) map[string]string {
	filled := map[string]string{"Data": data, "SignInLink": v.link, "Program": os.Args[0]} // as it was started, so that it can be pasted
	for n, value := range v.values {
		filled[n] = value
	}
	if u, err := url.Parse(v.values["TB_PUBLIC_URL"]); err == nil {
		filled["Host"], filled["Port"] = u.Hostname(), u.Port()
	}
	return filled
}

// seedDemo registers the demo's clients and users, unless an earlier run did, and returns all values. Secrets are shown once and
// not kept by the registry, so the demo keeps them itself, in a private file beside its database.
func (b *booth) seedDemo(ctx context.Context, p demoPlaces) (*demoVars, error) {
	v := &demoVars{values: map[string]string{}}
	v.set("TB_PUBLIC_URL", "http://"+p.Host+":"+p.Port)
	v.set("TB_OPERATOR_URL", "http://"+p.Operators)
	kept, err := readVars(filepath.Join(b.settings.Data, "credentials.env"))
	if err != nil {
		return nil, err
	}
	all := []string{"remote-actions", "enrichment", "data-management", "workflows", "campaigns", "nql", "spark"}
	seeds := []struct {
		tenant, id, secret, name string
		permissions              []string
		grants                   []oauth.GrantType
	}{
		{"demo", "NEXTHINK_CLIENT_ID", "NEXTHINK_CLIENT_SECRET", "Nexthink integration", all, nil},
		{"demo", "NEXTHINK_NQL_CLIENT_ID", "NEXTHINK_NQL_CLIENT_SECRET", "Nexthink, NQL only", []string{"nql"}, nil},
		{"demo", "DADI_CLIENT_ID", "DADI_SECRET", "DADI test client", []string{"collections"}, nil},
		{"acme", "ACME_CLIENT_ID", "ACME_CLIENT_SECRET", "Acme integration", all, nil},
		{"demo", "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET", "Standard OAuth 2.0 client", append([]string{"me", "collections"}, all...),
			[]oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}},
	}
	for _, s := range seeds {
		if _, err := b.desk.registry.Client(ctx, s.tenant, kept[s.id]); err == nil {
			v.set(s.id, kept[s.id])
			v.set(s.secret, kept[s.secret])
		} else if !errors.Is(err, registry.ErrNotFound) {
			return nil, err
		} else {
			t, _ := b.desk.registry.Tenant(s.tenant)
			c := t.NewClient("")
			c.Name, c.Description, c.Permissions = s.name, "Made by the demo.", s.permissions
			if s.grants != nil {
				c.Grants = s.grants
			}
			made, text, err := b.desk.registry.CreateClient(ctx, demoBy, c)
			if err != nil {
				return nil, err
			}
			v.set(s.id, made.ID)
			v.set(s.secret, text.Reveal())
		}
	}
	v.set("NEXTHINK_BASIC", base64.StdEncoding.EncodeToString([]byte(v.values["NEXTHINK_CLIENT_ID"]+":"+v.values["NEXTHINK_CLIENT_SECRET"])))
	if err := b.seedUser(ctx, v, kept, registry.User{Username: "demoaccount@example.com", UserSpec: registry.UserSpec{Name: "John Doe"}}, "NEXUDUS", false); err != nil {
		return nil, err
	}
	if err := b.seedUser(ctx, v, kept, registry.User{Username: "jane.roe@example.com", UserSpec: registry.UserSpec{Name: "Jane Roe"}}, "NEXUDUS_TOTP", true); err != nil {
		return nil, err
	}
	if v.link, err = b.seedOperator(ctx); err != nil {
		return nil, err
	}
	v.set("ACME_LOGIN_URL", "http://acme-login.eu.localhost:"+p.Port)
	v.set("ACME_API_URL", "http://acme.api.eu.localhost:"+p.Port)
	return v, writeWhole(filepath.Join(b.settings.Data, "credentials.env"), v.shell())
}

// demoOperator is who signs in to the demo's console.
const demoOperator = "operator@demo.localhost"

// seedOperator registers the demo's operator, unless an earlier run did, and makes a link that signs in once: there is no password before
// somebody sets one.
func (b *booth) seedOperator(ctx context.Context) (link string, err error) {
	who, err := b.operators.ByName(ctx, demoOperator)
	if errors.Is(err, operator.ErrNotFound) {
		who, err = b.operators.Create(ctx, demoBy, operator.Operator{Username: demoOperator, Name: "Demo operator",
			Roles: map[string]operator.Role{operator.All: operator.Owner}})
	}
	if err != nil {
		return "", err
	}
	text, _, err := b.operators.Invite(ctx, demoBy, who.ID, day, true)
	if err != nil {
		return "", err
	}
	return b.office.SignInLink(text), nil
}

// seedUser registers a user of the demo, with one-time codes if asked for; when the password of an earlier run is lost, it sets a new one.
func (b *booth) seedUser(ctx context.Context, v *demoVars, kept map[string]string, u registry.User, prefix string, totp bool) error {
	reg := b.desk.registry
	u.Tenant, u.Permissions = "demo", []string{"me"}
	v.set(prefix+"_USERNAME", u.Username)
	password := kept[prefix+"_PASSWORD"]
	_, err := reg.UserByName(ctx, u.Tenant, u.Username)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return err
	}
	if err == nil && password != "" {
		v.set(prefix+"_PASSWORD", password)
		if totp {
			v.set(prefix+"_SECRET", kept[prefix+"_SECRET"])
		}
		return nil
	}
	password = secret.New("demo")
	v.set(prefix+"_PASSWORD", password)
	if totp {
		code, _, err := secret.NewTOTP("Tokenbooth", u.Username)
		if err != nil {
			return err
		}
		u.TOTP = reg.SealTOTP(code)
		v.set(prefix+"_SECRET", code)
	}
	if err != nil { // nobody of that name yet
		_, err = reg.CreateUser(ctx, demoBy, u, oauth.Secret(password))
		return err
	}
	_, err = reg.UpdateUser(ctx, demoBy, "user.totp", u.Tenant, u.Username, func(is *registry.User) error { is.TOTP = u.TOTP; return nil })
	if err != nil {
		return err
	}
	return reg.SetPassword(ctx, demoBy, u.Tenant, u.Username, oauth.Secret(password))
}

// readVars reads what shell wrote; no file is no values.
func readVars(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the demo's credentials: %w", err)
	}
	defer f.Close()
	vars := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "='"); ok {
			vars[strings.TrimPrefix(name, "export ")] = strings.ReplaceAll(strings.TrimSuffix(value, "'"), quotedQuote, "'")
		}
	}
	return vars, nil
}
