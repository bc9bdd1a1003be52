package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// declared is a file of declarations: the registrations that a tenant shall have, and tenants with theirs. A field of a registration that
// is nil was not declared, and is left as it is; an empty list was. A tenant is declared whole, or not at all.
type declared struct {
	Tenant  string           `yaml:"tenant"`
	Clients []declaredClient `yaml:"clients"`
	Users   []declaredUser   `yaml:"users"`
	Prune   bool             `yaml:"prune"`
	Tenants []declaredTenant `yaml:"tenants"`

	page *page
	at   string // where in the page, as in tenants[0].; empty: the page is all of it
}

// declaredTenant is a tenant that shall be, in the words of the settings, and its registrations.
type declaredTenant struct {
	registry.Tenant `yaml:",inline"`
	Clients         []declaredClient `yaml:"clients"`
	Users           []declaredUser   `yaml:"users"`
	Prune           bool             `yaml:"prune"`
}

// declaredClient is a client that shall be. A field that was not said is left as it is.
type declaredClient struct {
	ID                  string `yaml:"id"`
	registry.ClientSpec `yaml:",inline"`
	said                map[string]bool
}

// declaredUser is a user that shall be.
type declaredUser struct {
	Username          string `yaml:"username"`
	registry.UserSpec `yaml:",inline"`
	said              map[string]bool
}

// declaring is how declarations are decoded. An end that counts from now would be another one each time.
var declaring = append(slices.Clone(strictly), reading(registry.ParseNetwork),
	reading(func(text string) (registry.Span, error) {
		if text == defaultWord {
			return 0, nil
		}
		return registry.ParseSpan(text)
	}),
	reading(func(text string) (registry.Until, error) { return registry.ParseUntil(text, time.Time{}) }),
	reading(func(text string) (oauth.TokenForm, error) {
		if text == defaultWord {
			return "", nil
		}
		return oauth.TokenForm(text), nil
	}))

// defaultWord stands for what the dialect says.
const defaultWord = "default"

// reading decodes values that people write in a form of their own.
func reading[T any](parse func(string) (T, error)) yaml.DecodeOption {
	return yaml.CustomUnmarshaler(func(v *T, b []byte) (err error) {
		text := scalar(b)
		if *v, err = parse(text); err != nil {
			return &unfit{text, err.Error()}
		}
		return nil
	})
}

// given are the fields that stand in a file of declarations, by registration.
type given struct {
	Clients, Users []map[string]any
	Tenants        []struct{ Clients, Users []map[string]any }
}

// note keeps which fields were said.
func (d *declared) note(g given) {
	for i := range d.Clients {
		d.Clients[i].said = keysOf(g.Clients[i])
	}
	for i := range d.Users {
		d.Users[i].said = keysOf(g.Users[i])
	}
	for i := range d.Tenants {
		t := &d.Tenants[i]
		(&declared{Clients: t.Clients, Users: t.Users}).note(given{Clients: g.Tenants[i].Clients, Users: g.Tenants[i].Users})
	}
}

func keysOf(fields map[string]any) map[string]bool {
	said := map[string]bool{}
	for name := range fields {
		said[name] = true
	}
	return said
}

// calledElsewhere are words of the command line and of its JSON, and what a declaration calls the same.
var calledElsewhere = map[string]string{"client_id": "id", "lifetime_seconds": "lifetime, like 10m", "bodyless": "allow_bodyless_token",
	"state": "disabled, true or false", "enabled": "disabled", "auth_method": "auth_methods", "user_id": "username"}

// readDeclarations reads a file of declarations, or standard input where it is called -.
func readDeclarations(cmd *cobra.Command, file string) (*declared, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read declarations: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := textFrom(file, in)
	if err != nil {
		return nil, fmt.Errorf("read declarations: %w", err)
	}
	return parseDeclarations(file, text)
}

// parseDeclarations decodes and checks a file of declarations, as far as that can be done without knowing what is registered.
func parseDeclarations(file string, text []byte) (*declared, error) {
	p := &page{file: file, text: text, holds: "the declarations", start: "tokenbooth apply --help shows some", field: "field",
		fields: reflect.TypeFor[declared](), meant: calledElsewhere}
	if err := p.safely(p.noSecrets); err != nil {
		return nil, err
	}
	d := &declared{}
	if err := p.decode(d, declaring...); err != nil {
		return nil, err
	}
	d.page = p // a document that is null has made all of d empty
	var g given
	if err := p.safely(func() error { return yaml.Unmarshal(text, &g) }); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.note(g)
	if err := p.safely(p.plainValues); err != nil {
		return nil, err
	}
	if err := errors.Join(d.checkClients(), d.checkUsers()); err != nil {
		return nil, err
	}
	return d, d.checkTenants()
}

// checkTenants refuses what stands in two places.
func (d *declared) checkTenants() error {
	seen := map[string]bool{}
	for i := range d.Tenants {
		of := d.of(i)
		switch {
		case seen[of.Tenant]:
			return d.page.fault(of.at+"name", fmt.Sprintf("tenant %s is declared twice", of.Tenant))
		case of.Tenant != "" && of.Tenant == d.Tenant:
			return d.page.fault("tenant", fmt.Sprintf("tenant %s is declared under tenants too: its clients and users belong there", of.Tenant))
		}
		seen[of.Tenant] = true
		if err := errors.Join(of.checkClients(), of.checkUsers(), d.noPasswords(i)); err != nil {
			return err
		}
	}
	return nil
}

// noPasswords refuses a tenant with a password in a URL, without showing it.
func (d *declared) noPasswords(i int) error {
	for j, a := range d.Tenants[i].APIs {
		field := fmt.Sprintf("%s.apis[%d].upstream", tenantPlace(i), j)
		if u, err := url.Parse(a.Upstream); err == nil && u.User != nil {
			place := d.page.file
			if t := d.page.find(field); t != nil {
				place = fmt.Sprintf("%s:%d:%d", place, t.Position.Line, t.Position.Column)
			}
			return fmt.Errorf("%s: %s: no secret belongs into this file, and none into a URL", place, field)
		}
	}
	return nil
}

// of is what is declared of the clients and users of one of the tenants.
func (d *declared) of(i int) *declared {
	t := &d.Tenants[i]
	return &declared{Tenant: t.Name, Clients: t.Clients, Users: t.Users, Prune: t.Prune, page: d.page, at: tenantPlace(i) + "."}
}

// onlyTenants reports whether nothing is declared beside tenants.
func (d *declared) onlyTenants() bool {
	return len(d.Tenants) > 0 && d.Tenant == "" && d.Clients == nil && d.Users == nil && !d.Prune
}

// noSecrets refuses a file with a secret in it. Such a file is kept where many can read it, and the message goes to a log: it does not
// show the line.
func (p *page) noSecrets() error {
	if len(p.text) > maxSettings {
		return nil // decoding says so
	}
	all := lexer.Tokenize(string(p.text))
	for i, t := range all[:max(len(all)-1, 0)] {
		if all[i+1].Type == token.MappingValueType && slices.Contains([]string{"secret", "secrets", "client_secret", "password", "hash", "totp", "totp_secret"}, t.Value) {
			return fmt.Errorf("%s:%d:%d: %s: no secret belongs into this file; what apply registers gets one, which is shown once", p.file, t.Position.Line, t.Position.Column, t.Value)
		}
	}
	return nil
}

// plainValues refuses a field that is there without a value, which could mean nothing or everything, and a number that YAML would read
// otherwise than it is written: an id 007 would be another.
func (p *page) plainValues() error {
	file, err := parser.ParseBytes(p.text, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	for _, doc := range file.Docs {
		for _, n := range ast.Filter(ast.NullType, doc) {
			if ofTenant(n) {
				return p.faultAt(n.GetToken(), "here is no value: give one, or leave the field out")
			}
			return p.faultAt(n.GetToken(), "here is no value: leave the field out to leave it as it is; [] is an empty list")
		}
		for _, kind := range []ast.NodeType{ast.FloatType, ast.IntegerType} {
			for _, n := range ast.Filter(kind, doc) {
				if kind == ast.FloatType && ofTenant(n) && strings.HasSuffix(n.GetPath(), ".per_second") {
					continue
				}
				if i, whole := n.(*ast.IntegerNode); !whole || fmt.Sprint(i.Value) != n.GetToken().Value {
					return p.faultAt(n.GetToken(), "YAML reads this as a number; put it into quotes, so that it stays what is written")
				}
			}
		}
	}
	return nil
}

// ofTenant reports whether a value is a tenant's own, and not one of its clients' or users'.
func ofTenant(n ast.Node) bool {
	inside, ok := strings.CutPrefix(n.GetPath(), "$.tenants[")
	_, field, _ := strings.Cut(inside, "].")
	return ok && !strings.HasPrefix(field, "clients") && !strings.HasPrefix(field, "users")
}

func (d *declared) checkClients() error {
	seen := map[string]bool{}
	for i := range d.Clients {
		c, place := &d.Clients[i], d.clientPlace(i)
		if c.ID == "" {
			return d.page.fault(place+".id", "which client is it? A declaration is matched by its id")
		}
		if seen[c.ID] {
			return d.page.fault(place+".id", fmt.Sprintf("client %s is declared twice", c.ID))
		}
		seen[c.ID] = true
	}
	return nil
}

func (d *declared) checkUsers() error {
	seen := map[string]bool{}
	for i := range d.Users {
		u, place := &d.Users[i], d.userPlace(i)
		canonical, ok := registry.CanonicalName(u.Username)
		if u.Username == "" {
			return d.page.fault(place+".username", "which user is it? A declaration is matched by its user name")
		}
		if !ok {
			return d.page.fault(place+".username", fmt.Sprintf("%q has spaces or control characters, or is not 1 to 254 bytes; an e-mail address serves best", u.Username))
		}
		if seen[canonical] {
			return d.page.fault(place+".username", fmt.Sprintf("user %s is declared twice", canonical))
		}
		seen[canonical] = true
		u.Username = canonical
	}
	return nil
}

func (d *declared) clientPlace(i int) string { return fmt.Sprintf("%sclients[%d]", d.at, i) }
func (d *declared) userPlace(i int) string   { return fmt.Sprintf("%susers[%d]", d.at, i) }
func tenantPlace(i int) string               { return fmt.Sprintf("tenants[%d]", i) }

// pickTenant finds the tenant that the file or the flag names; both may, if it is the same.
func (d *declared) pickTenant(s *settings, flag string) (*registry.Tenant, error) {
	if err := d.sameTenant(flag); err != nil {
		return nil, err
	}
	switch {
	case d.Tenant == "" && flag == "" && len(s.Tenants) > 1:
		return nil, fmt.Errorf("%s has %d tenants: say which with tenant: NAME in %s, or with --tenant NAME; there are %s", s.file, len(s.Tenants), d.page.file, strings.Join(sorted(s.tenantNames()), ", "))
	case d.Tenant == "":
		return pickTenant(s, flag)
	}
	t, err := pickTenant(s, d.Tenant)
	if err != nil {
		return nil, d.page.fault("tenant", err.Error())
	}
	return t, nil
}

// sameTenant refuses declarations for another tenant than the flag says.
func (d *declared) sameTenant(flag string) error {
	if d.Tenant == "" || flag == "" || flag == d.Tenant {
		return nil
	}
	return d.page.fault("tenant", fmt.Sprintf("these are declarations for tenant %s, and --tenant says %s", d.Tenant, flag))
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
