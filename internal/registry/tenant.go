package registry

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/hostname"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Tenant is one customer of the token desk: its own hosts, issuer, keys, APIs and registrations. Tenants are declared in the
// settings; the fields are named there as they are here.
type Tenant struct {
	Name     string   `yaml:"name"`               // the first field of every key in the store: it never changes
	Title    string   `yaml:"title,omitempty"`    // for people
	Instance string   `yaml:"instance,omitempty"` // as a vendor shows it in the host name
	Region   string   `yaml:"region,omitempty"`
	Hosts    []string `yaml:"hosts"`  // host names without port; each belongs to one tenant
	Issuer   string   `yaml:"issuer"` // the iss of its tokens; never built from a request

	Dialects  []string   `yaml:"dialects,omitempty"`  // contracts it speaks, at the paths their files name
	Endpoints []Endpoint `yaml:"endpoints,omitempty"` // contracts at paths of its own

	Algorithm          string `yaml:"algorithm,omitempty"`            // of its signing keys: ES256 (default), EdDSA, RS256
	AllowPasswordGrant bool   `yaml:"allow_password_grant,omitempty"` // RFC 9700, section 2.4 says never: for legacy callers
	AllowBodylessToken bool   `yaml:"allow_bodyless_token,omitempty"` // a credential alone buys a token, where a dialect says so
	Disabled           bool   `yaml:"disabled,omitempty"`

	ClientRate Rate    `yaml:"client_rate,omitempty"` // token requests of each client
	Rate       Rate    `yaml:"rate,omitempty"`        // token requests of the whole tenant
	APIs       []API   `yaml:"apis,omitempty"`
	Follow     *Follow `yaml:"follow,omitempty"` // the tenant's tokens are issued elsewhere: it is only guarded here

	RotateKeysEvery time.Duration `yaml:"rotate_keys_every,omitempty"` // of its signing keys; zero: only by hand

	// OperatorsAPI: programs of operators may be registered here, as clients that hold permissions of the built-in API tokenbooth.
	OperatorsAPI bool `yaml:"operators_api,omitempty"`
}

// Follow says how a guard in another process knows what the issuer publishes and asks it about opaque tokens.
type Follow struct {
	ClientID         string        `yaml:"client_id"` // registered with the APIs it is the resource server of
	ClientSecretFile string        `yaml:"client_secret_file"`
	StaleAfter       time.Duration `yaml:"stale_after,omitempty"` // how old the last word from the issuer may be; zero: a minute
	WhenStale        string        `yaml:"when_stale,omitempty"`  // serve (default) or refuse

	// What is known is kept in the data folder, for a start while the issuer is away, and is good for SnapshotFor; zero: a day.
	SnapshotFor time.Duration `yaml:"snapshot_for,omitempty"`
	NoSnapshot  bool          `yaml:"no_snapshot,omitempty"`
}

// Endpoint is a contract at a path that its file does not name.
type Endpoint struct {
	Path    string `yaml:"path"`
	Dialect string `yaml:"dialect"`
	As      string `yaml:"as,omitempty"` // which of the dialect's own endpoints; its first when empty
}

// Rate is how many requests are let through: so many a second on average, so many at once. Zero is no limit.
type Rate struct {
	PerSecond float64 `yaml:"per_second"`
	Burst     int     `yaml:"burst"`
}

// API is a resource server, or one part of it: what its permissions are and which call needs which.
type API struct {
	Name        string       `yaml:"name"`
	Title       string       `yaml:"title,omitempty"`
	Audience    string       `yaml:"audience,omitempty"` // the aud of its tokens; the tenant's issuer when empty. APIs may share one
	Upstream    string       `yaml:"upstream"`           // where the gateway forwards to
	Dialect     string       `yaml:"dialect"`            // whose words it refuses in
	Refusals    string       `yaml:"refusals,omitempty"` // its own words: answer blocks of a dialect file
	Permissions []Permission `yaml:"permissions"`
	Routes      []Route      `yaml:"routes"`
	CORS        *CORS        `yaml:"cors,omitempty"` // which web pages may call it; none: what the API itself says

	builtIn bool // not declared: check has put it here
}

// CORS says which web pages of other origins may call an API (Fetch Standard, section 3.2).
type CORS struct {
	Origins       []string      `yaml:"origins"`                  // like https://app.example.com; "*" is all of them
	Headers       []string      `yaml:"headers,omitempty"`        // of requests, beside those that need no leave
	ExposeHeaders []string      `yaml:"expose_headers,omitempty"` // of answers, that a page may read
	MaxAge        time.Duration `yaml:"max_age,omitempty"`        // how long a browser may remember the leave
	Credentials   bool          `yaml:"credentials,omitempty"`
}

// Permission is a right a credential may hold.
type Permission struct {
	Name        string `yaml:"name"` // a word of the scope grammar
	Label       string `yaml:"label,omitempty"`
	Description string `yaml:"description,omitempty"`
}

// Route says what a call needs. What no route names is denied.
type Route struct {
	Method     string `yaml:"method"`
	Path       string `yaml:"path"` // {name} stands for one segment
	Permission string `yaml:"permission,omitempty"`
	Public     bool   `yaml:"public,omitempty"`   // anyone may call it
	Rate       Rate   `yaml:"rate,omitempty"`     // calls of each client, or of each address where the route is public
	MaxBody    int64  `yaml:"max_body,omitempty"` // bytes of a request; zero: no limit
}

// NewClient is a client of the tenant of which nothing was said yet. Every surface that registers one begins here and writes what was said
// over it, so what is left out has one default: it asks by client credentials, and without a body where the tenant allows that.
func (t *Tenant) NewClient(id string) Client {
	return Client{Tenant: t.Name, ID: id, ClientSpec: ClientSpec{Grants: []oauth.GrantType{oauth.ClientCredentials}, AllowBodylessToken: t.AllowBodylessToken}}
}

// Problem is a fault in what somebody registers, at the field that has it.
type Problem struct {
	Field, Text string
}

// Error renders the field and the fault.
func (p *Problem) Error() string { return p.Field + ": " + p.Text }

func problem(field, format string, args ...any) error {
	return &Problem{Field: field, Text: fmt.Sprintf(format, args...)}
}

// within puts the place that a problem was found in before its field.
func within(place string, err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return &Problem{Field: place + "." + p.Field, Text: p.Text}
	}
	return err
}

// check refuses a tenant that could not work. It fills in what may be left out.
func (t *Tenant) check() error {
	if !isName(t.Name) {
		return problem("name", "a tenant's name is 1 to 64 of a-z, 0-9 and -, not %q", t.Name)
	}
	iss, err := url.Parse(t.Issuer)
	if err != nil || iss.Host == "" || iss.Scheme != "https" && iss.Scheme != "http" || iss.RawQuery != "" || iss.Fragment != "" || iss.User != nil {
		return problem("issuer", "an issuer is a URL like https://login.example.com (RFC 8414, section 2), not %q", t.Issuer)
	}
	if t.Follow == nil && strings.Trim(iss.Path, "/") != "" {
		return problem("issuer", "an issuer has no path here: tenants are told apart by their hosts, so give this one a host of its own, like %s://%s.%s, not %q",
			iss.Scheme, t.Name, iss.Host, t.Issuer)
	}
	if len(t.Hosts) == 0 {
		return problem("hosts", "a tenant needs a host name to be found by")
	}
	for i, h := range t.Hosts {
		var ok bool
		if t.Hosts[i], ok = hostname.Canonical(h); !ok {
			return problem("hosts", "%q is no host name; one has neither port nor path", h)
		}
	}
	if err := t.checkFollow(); err != nil {
		return err
	}
	if t.RotateKeysEvery != 0 && t.RotateKeysEvery < shortestRotation {
		return problem("rotate_keys_every", "a key signs for at least %s, because its successor is announced for a quarter of an hour; not %s", shortestRotation, t.RotateKeysEvery)
	}
	if t.Algorithm == "" {
		t.Algorithm = "ES256"
	}
	if !slices.Contains([]string{"ES256", "EdDSA", "RS256"}, t.Algorithm) {
		return problem("algorithm", "keys are ES256, EdDSA or RS256, not %q", t.Algorithm)
	}
	if err := t.checkOperatorsAPI(); err != nil {
		return err
	}
	seen := map[string]string{}
	for i := range t.APIs {
		if err := t.APIs[i].check(t, seen); err != nil {
			return within(fmt.Sprintf("apis[%d]", i), err)
		}
	}
	return nil
}

// shortestRotation leaves room for the time a key is announced before it signs.
const shortestRotation = time.Hour

// longestSnapshot is as long as an access token may live: what was revoked before is over then.
const longestSnapshot = 14 * 24 * time.Hour

func (t *Tenant) checkFollow() error {
	f := t.Follow
	if f == nil {
		return nil
	}
	switch {
	case len(t.Dialects) > 0 || len(t.Endpoints) > 0:
		return problem("follow", "who follows an issuer elsewhere issues nothing itself: leave dialects and endpoints out")
	case t.RotateKeysEvery != 0:
		return problem("rotate_keys_every", "the keys of a tenant that is followed are rotated where its tokens are issued")
	case f.ClientID == "" || f.ClientSecretFile == "":
		return problem("follow", "it needs client_id and client_secret_file, of a client that is a resource server of the tenant's APIs")
	case f.StaleAfter < 0 || f.StaleAfter > 0 && f.StaleAfter < 10*time.Second:
		return problem("follow.stale_after", "the last word of the issuer counts for at least 10s, not %s", f.StaleAfter)
	case f.WhenStale != "" && f.WhenStale != "serve" && f.WhenStale != "refuse":
		return problem("follow.when_stale", "when the issuer is away a guard can serve or refuse, not %q", f.WhenStale)
	case f.SnapshotFor < 0 || f.SnapshotFor > longestSnapshot:
		return problem("follow.snapshot_for", "a snapshot is good for %s at most, not %s; to keep none say no_snapshot: true", longestSnapshot, f.SnapshotFor)
	case f.NoSnapshot && f.SnapshotFor != 0:
		return problem("follow.no_snapshot", "either a snapshot is kept or it is not: leave snapshot_for or no_snapshot out")
	}
	return nil
}

func (a *API) check(t *Tenant, seen map[string]string) error {
	if !isName(a.Name) {
		return problem("name", "an API's name is 1 to 64 of a-z, 0-9 and -, not %q", a.Name)
	}
	if a.Name == OperatorsAPIName && !a.builtIn {
		return problem("name", "%s is the name of the operators' API; say operators_api: true for it, and another name here", a.Name)
	}
	if a.Audience == "" {
		a.Audience = t.Issuer
	}
	for _, p := range a.Permissions {
		if p.Name == "" || strings.Contains(p.Name, " ") || !oauth.ValidScope(p.Name) {
			return problem("permissions", "a permission is one word of a scope (RFC 6749, section 3.3), not %q", p.Name)
		}
		if IsOperatorsPermission(p.Name) && !a.builtIn {
			return problem("permissions", "permission %s would look like one of the operators' API: none may start with %s", p.Name, OperatorsPrefix)
		}
		if other, twice := seen[p.Name]; twice {
			return problem("permissions", "permission %s belongs to API %s already", p.Name, other)
		}
		seen[p.Name] = a.Name
	}
	for i, r := range a.Routes {
		field := fmt.Sprintf("routes[%d]", i)
		switch {
		case !strings.HasPrefix(r.Path, "/") || r.Method == "":
			return problem(field, "a route is a method and a path that starts with /, not %q %q", r.Method, r.Path)
		case r.Public && r.Permission != "":
			return problem(field, "%s %s is public and needs %s: it can be one of the two", r.Method, r.Path, r.Permission)
		case r.MaxBody < 0 || r.Rate.PerSecond < 0 || r.Rate.Burst < 0:
			return problem(field, "%s %s: neither max_body nor rate can be less than 0", r.Method, r.Path)
		case r.Rate.Burst > 0 && r.Rate.PerSecond == 0:
			return problem(field, "%s %s: a rate has calls per_second; leave it out for no limit", r.Method, r.Path)
		case !r.Public && !a.has(r.Permission):
			return problem(field, "%s %s needs a permission of this API, or public: true; %q is none", r.Method, r.Path, r.Permission)
		}
	}
	return nil
}

func (a *API) has(permission string) bool {
	return slices.ContainsFunc(a.Permissions, func(p Permission) bool { return p.Name == permission })
}

// audiences returns the audiences of the APIs that permissions belong to, each once.
func (t *Tenant) audiences(permissions []string) []string {
	var out []string
	for i := range t.APIs {
		a := &t.APIs[i]
		if slices.ContainsFunc(permissions, a.has) && !slices.Contains(out, a.Audience) {
			out = append(out, a.Audience)
		}
	}
	return out
}

// Audiences returns who a token with these permissions is meant for (RFC 9068, section 3): the issuer itself where they belong to no API.
func (t *Tenant) Audiences(permissions []string) []string {
	if out := t.audiences(permissions); len(out) > 0 {
		return out
	}
	return []string{t.Issuer}
}

// DeclaredAPIs returns the tenant's APIs as the settings declare them, in their order: those that a gateway may stand in front of. The
// operators' API, which the desk answers itself, comes behind them in APIs and is left out here.
func (t *Tenant) DeclaredAPIs() []API {
	n := slices.IndexFunc(t.APIs, func(a API) bool { return a.Name == OperatorsAPIName })
	if n < 0 {
		n = len(t.APIs)
	}
	return t.APIs[:n:n]
}

// PermissionNames returns the names of all permissions of the declared APIs, in their order. Those of the operators' API are left out:
// whoever offers or gives everything there is must not make an operator by it.
func (t *Tenant) PermissionNames() []string {
	return permissionNames(t.DeclaredAPIs()...)
}

func permissionNames(apis ...API) []string {
	var names []string
	for _, a := range apis {
		for _, p := range a.Permissions {
			names = append(names, p.Name)
		}
	}
	return names
}

// checkPermissions refuses permissions that the tenant does not have, unless they were held before.
func (t *Tenant) checkPermissions(field string, wanted, held []string) error {
	for _, p := range wanted {
		there := slices.ContainsFunc(t.APIs, func(a API) bool { return a.has(p) })
		switch {
		case there || slices.Contains(held, p):
		case IsOperatorsPermission(p) && !t.OperatorsAPI:
			return problem(field, "tenant %s has no permission %q: its settings need operators_api: true", t.Name, p)
		case IsOperatorsPermission(p):
			return problem(field, "there is no permission %q of the operators' API; there are %s", p, strings.Join(permissionNames(t.operatorsAPI()), ", "))
		default:
			return problem(field, "tenant %s has no permission %q; it has %s", t.Name, p, strings.Join(t.PermissionNames(), ", "))
		}
	}
	return nil
}

// guards returns the audiences of APIs by their names, each once. An API that the settings name no more has none.
func (t *Tenant) guards(apis []string) []string {
	var out []string
	for i := range t.APIs {
		if a := &t.APIs[i]; slices.Contains(apis, a.Name) && !slices.Contains(out, a.Audience) {
			out = append(out, a.Audience)
		}
	}
	return out
}

// checkResourceServers refuses APIs that the tenant does not have, unless the client stood for them before.
func (t *Tenant) checkResourceServers(wanted, before []string) error {
	for _, name := range wanted {
		if !slices.ContainsFunc(t.APIs, func(a API) bool { return a.Name == name }) && !slices.Contains(before, name) {
			return problem("resource_servers", "tenant %s has no API %q", t.Name, name)
		}
	}
	return nil
}

func isName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
