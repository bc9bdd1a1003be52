package console

import (
	"fmt"
	"net/netip"
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
		f.Lifetime = spanText(time.Duration(c.Lifetime) * time.Second)
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
	for _, d := range f.Dialects { // one that the settings took away since may stay
		if !slices.Contains(dialectsOf(t), d) && !slices.Contains(c.Dialects, d) {
			return &registry.Problem{Field: "dialects", Text: fmt.Sprintf("this tenant does not speak %q", d)}
		}
	}
	c.Name, c.Description, c.TokenForm = f.Name, f.Description, oauth.TokenForm(f.TokenForm)
	if mayBodyless(t, c) { // else the form does not ask
		c.AllowBodylessToken = f.Bodyless
	}
	c.Permissions, c.Dialects, c.ResourceServers = f.Permissions, f.Dialects, f.Servers
	c.Grants, c.AuthMethods = words[oauth.GrantType](f.Grants), words[oauth.AuthMethod](f.AuthMethods)
	if len(f.Grants) == 0 {
		return &registry.Problem{Field: "grants", Text: "choose at least one: a client that may ask in no way cannot be used"}
	}
	var err error
	if c.Lifetime, err = readLifetime(f.Lifetime); err != nil {
		return err
	}
	if c.AllowFrom, err = readNetworks(f.AllowFrom); err != nil {
		return err
	}
	c.Expires, err = f.expires(c.Expires, now)
	return err
}

// mayBodyless reports whether the form of a client asks if its credential alone gets a token: where the tenant allows that, or once did.
func mayBodyless(t *registry.Tenant, c *registry.Client) bool {
	return t.AllowBodylessToken || c.AllowBodylessToken
}

// expires reads when the client ends; before is when it would have ended so far.
func (f *clientForm) expires(before, now time.Time) (time.Time, error) {
	switch f.Ends {
	case endsKeep:
		return before, nil
	case endsNever, "":
		return time.Time{}, nil
	case endsOn:
		day, err := time.Parse(time.DateOnly, f.EndsOn)
		if err != nil {
			return time.Time{}, &registry.Problem{Field: "expires", Text: "give the last day as year-month-day, like 2027-01-31"}
		}
		if end := day.AddDate(0, 0, 1); end.After(now) {
			return end, nil
		}
		return time.Time{}, &registry.Problem{Field: "expires", Text: f.EndsOn + " is over already; choose a day to come"}
	}
	for _, days := range soonEnds {
		if f.Ends == strconv.Itoa(days) {
			return endOf(now, days), nil
		}
	}
	return time.Time{}, &registry.Problem{Field: "expires", Text: "choose one of these"}
}

// endOf is the end of the day, in UTC, that is so many days after now.
func endOf(now time.Time, days int) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, days+1)
}

// readLifetime reads how long tokens live, like 15m or 900; nothing is the dialect's own.
func readLifetime(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d%time.Second != 0 || d <= 0 {
		return 0, &registry.Problem{Field: "lifetime", Text: "give a time like 15m, 1h or 900 (seconds); leave it empty for the dialect's own"}
	}
	return int64(d / time.Second), nil
}

// maxNetworks bounds a list that is looked through at each request for a token.
const maxNetworks = 100

// readNetworks reads networks and single addresses, one a line or with commas between.
func readNetworks(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		p, err := netip.ParsePrefix(w)
		if addr, single := netip.ParseAddr(w); single == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, &registry.Problem{Field: "allow_from", Text: fmt.Sprintf("%.60q is neither an address nor a network like 192.0.2.0/24 or 2001:db8::/32", w)}
		case p != p.Masked():
			return nil, &registry.Problem{Field: "allow_from", Text: fmt.Sprintf("%s has bits beyond its length; write %s for the network, or %s for the one address", w, p.Masked(), p.Addr())}
		case len(out) == maxNetworks:
			return nil, &registry.Problem{Field: "allow_from", Text: fmt.Sprintf("%d networks at most; a larger network may cover several", maxNetworks)}
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
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

// dialectsOf are the dialects of a tenant.
func dialectsOf(t *registry.Tenant) []string {
	names := slices.Clone(t.Dialects)
	for _, e := range t.Endpoints {
		if !slices.Contains(names, e.Dialect) {
			names = append(names, e.Dialect)
		}
	}
	return names
}

// spanText spells a time like 15m or 36h, in the form that readLifetime reads.
func spanText(d time.Duration) string {
	text := d.String()
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
