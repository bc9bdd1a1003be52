package console

import (
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

	Problems map[string]string // by field
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
		Dialects: once(in["dialect"]), Servers: once(in["resource_server"])}
	f.Rev, _ = strconv.ParseUint(in.Get("rev"), 10, 64)
	return f
}

// put writes what was typed into a client. What cannot be read is a problem at its field, and then nothing is to be registered.
func (f *clientForm) put(t *registry.Tenant, c *registry.Client, now time.Time) error {
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
		if err := field.Set(&c.ClientSpec, words); err != nil {
			return err
		}
	}
	return f.putEnd(c, now)
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
			return &registry.Problem{Field: "expires", Text: "give the last day as year-month-day, like 2027-01-31"}
		}
	default:
		days, err := strconv.Atoi(f.Ends)
		if err != nil || !slices.Contains(soonEnds, days) {
			return &registry.Problem{Field: "expires", Text: "choose one of these"}
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
