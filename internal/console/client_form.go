package console

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Choices of when a client ends. The first keeps an end that was set before to its exact moment, which a date could not.
const (
	endsKeep  = "keep"
	endsNever = "never"
	endsOn    = "on"
)

// soonEnds are the ends offered beside a date of one's own, in days.
var soonEnds = []int{90, 365}

// clientForm is what somebody typed about a client, as it was typed: a fault is shown beside the text that has it. Only what stands
// here can be written by the form; a parameter of another name is not read.
type clientForm struct {
	Rev                                                 uint64 // of the client it began with; 0: a new one
	Name, Description, Lifetime, TokenForm              string
	Ends, EndsOn, AllowFrom                             string
	Bodyless                                            bool
	Permissions, Grants, AuthMethods, Dialects, Servers []string

	NoPermissions bool // said of a client that shall have none

	Problems problems
}

// problems is what is wrong with a form, by field.
type problems map[string]string

// Error says that there is something; what it is stands in the form.
func (p problems) Error() string { return fmt.Sprintf("%d fields of the form have a problem", len(p)) }

// note keeps the first problem of each field.
func (p problems) note(err error) {
	if one, ok := errors.AsType[*registry.Problem](err); ok && p[fieldOf(one)] == "" {
		p[fieldOf(one)] = one.Text
	}
}

// formOrder are the fields of the form from top to bottom.
var formOrder = []string{"name", "description", "permissions", "expires", "grants", "allow_from", "lifetime", "token_form", "auth_methods", "dialects",
	"resource_servers"}

// fieldProblem is a problem with the field it is at, for a list of all of them.
type fieldProblem struct{ Field, Label, Text string }

// InOrder are the problems from top to bottom; those of no field of the form stand last.
func (p problems) InOrder() (all []fieldProblem) {
	labels := map[string]string{}
	for _, f := range registry.ClientFields(time.Time{}) {
		labels[f.Name] = f.Label
	}
	for _, field := range formOrder {
		if p[field] != "" {
			all = append(all, fieldProblem{field, labels[field], p[field]})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(formOrder, field) {
			all = append(all, fieldProblem{"", field, p[field]})
		}
	}
	return all
}

// First is the field that the page puts the focus on: the topmost with a problem.
func (p problems) First() string {
	if all := p.InOrder(); len(all) > 0 {
		return all[0].Field
	}
	return ""
}

// newClientForm is what a new client's form shows first: what a client of the tenant has of which nothing was said.
func newClientForm(t *registry.Tenant) *clientForm {
	c := t.NewClient("")
	return formOfClient(&c)
}

// formOfClient is what the form of a client shows first.
func formOfClient(c *registry.Client) *clientForm {
	f := &clientForm{Rev: c.Rev, Name: c.Name, Description: c.Description, TokenForm: string(c.TokenForm), Bodyless: c.AllowBodylessToken,
		Permissions: c.Permissions, Grants: texts(c.Grants), AuthMethods: texts(c.AuthMethods), Dialects: c.Dialects, Servers: c.ResourceServers,
		Ends: endsNever}
	if c.Lifetime > 0 {
		f.Lifetime = c.Lifetime.String()
	}
	if !c.Expires.IsZero() {
		f.Ends = endsKeep
	}
	var nets []string
	for _, p := range c.AllowFrom {
		nets = append(nets, p.String())
	}
	f.AllowFrom = strings.Join(nets, "\n")
	return f
}

// readClientForm reads what was typed.
func readClientForm(in url.Values) *clientForm {
	f := &clientForm{Name: strings.TrimSpace(in.Get("name")), Description: lines(in.Get("description")), Lifetime: strings.TrimSpace(in.Get("lifetime")),
		TokenForm: in.Get("token_form"), Ends: in.Get("ends"), EndsOn: in.Get("ends_on"), AllowFrom: lines(in.Get("allow_from")),
		Bodyless: in.Get("bodyless") == "yes", Permissions: once(in["permission"]), Grants: once(in["grant"]), AuthMethods: once(in["auth_method"]),
		Dialects: once(in["dialect"]), Servers: once(in["resource_server"]), NoPermissions: in.Get("no_permissions") == "yes"}
	f.Rev, _ = strconv.ParseUint(in.Get("rev"), 10, 64)
	return f
}

// put writes what was typed into a client. The error is problems, with all of them: then nothing is to be registered.
func (f *clientForm) put(t *registry.Tenant, c *registry.Client, now time.Time) error {
	before, found := *c, problems{}
	c.Name, c.Description, c.TokenForm = f.Name, f.Description, oauth.TokenForm(f.TokenForm)
	if mayBodyless(t, c) { // else the form does not ask
		c.AllowBodylessToken = f.Bodyless
	}
	c.Permissions, c.Dialects, c.ResourceServers = f.Permissions, f.Dialects, f.Servers
	c.Grants, c.AuthMethods = words[oauth.GrantType](f.Grants), words[oauth.AuthMethod](f.AuthMethods)
	for _, field := range registry.ClientFields(now) { // those that have a form of their own
		var words []string
		switch field.Name {
		case "lifetime":
			words = []string{f.Lifetime}
		case "allow_from":
			words = strings.FieldsFunc(f.AllowFrom, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
		default:
			continue
		}
		found.note(field.Set(&c.ClientSpec, words))
	}
	found.note(f.putEnd(c, now))
	if f.wantsNothing(t, &before) {
		found["permissions"] = "Choose at least one permission, or confirm below that this client needs none."
	}
	if before.Rev == 0 {
		before = registry.Client{}
	}
	for _, p := range t.Problems(*c, &before, now) {
		found.note(p)
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// wantsNothing reports whether somebody has to be asked if a client shall really have no permission: Enter in the first field sends the form.
func (f *clientForm) wantsNothing(t *registry.Tenant, before *registry.Client) bool {
	hadNone := before.Rev > 0 && len(before.Permissions) == 0
	return len(f.Permissions) == 0 && len(f.Servers) == 0 && !f.NoPermissions && !hadNone && len(t.PermissionNames()) > 0
}

// mayBodyless reports whether the form of a client asks if its credential alone gets a token: where the tenant allows that, or once did.
func mayBodyless(t *registry.Tenant, c *registry.Client) bool {
	return t.AllowBodylessToken || c.AllowBodylessToken
}

// putEnd writes when the client ends.
func (f *clientForm) putEnd(c *registry.Client, now time.Time) (err error) {
	switch f.Ends {
	case endsKeep:
	case endsNever, "":
		c.Expires = registry.Until{}
	case endsOn:
		if c.Expires, err = registry.ParseUntil(f.EndsOn, time.Time{}); err != nil || c.Expires.IsZero() {
			return &registry.Problem{Field: "expires", Text: "Enter the last day as year-month-day, like 2027-01-31."}
		}
	default:
		days, err := strconv.Atoi(f.Ends)
		if err != nil || !slices.Contains(soonEnds, days) {
			return &registry.Problem{Field: "expires", Text: "Choose one of these."}
		}
		c.Expires = endOf(now, days)
	}
	return nil
}

// endOf is the end of the day, in UTC, that is so many days after now.
func endOf(now time.Time, days int) registry.Until {
	return registry.EndOfDay(now.AddDate(0, 0, days))
}

// holdsOperatorsAPI reports whether a client is an operator's program.
func holdsOperatorsAPI(permissions []string) bool {
	return slices.ContainsFunc(permissions, registry.IsOperatorsPermission)
}

// mayChange reports whether buttons are worth showing that change a client that holds these permissions.
func (v *visit) mayChange(permissions []string) bool {
	return v.offers(operator.ChangeClients) && !slices.ContainsFunc(permissions, func(p string) bool { return !v.mayGrant(p) })
}

// mayGrant reports whether a permission is worth offering.
func (v *visit) mayGrant(permission string) bool {
	switch {
	case registry.IsDeskPermission(permission):
		return v.offers(operator.GrantDesk)
	case registry.IsOperatorsPermission(permission):
		return v.offers(operator.GrantOperatorsAPI)
	}
	return true
}

func texts[T ~string](list []T) []string { return words[string](list) }

func words[To, From ~string](list []From) []To {
	var out []To
	for _, w := range list {
		out = append(out, To(w))
	}
	return out
}

// once returns the words of a list that are not empty, each once.
func once(list []string) []string {
	var out []string
	for _, w := range list {
		if w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// lines gives typed text the line ends of this system: browsers send CR LF (HTML, section 4.10.22).
func lines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
