package registry

import (
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// ClientSpec is what operators may write of a client, in the one form that the store, the operators' API and
// files of declarations have. What a registration may hold, Client.check says; how each field is named and
// spelt, ClientFields.
type ClientSpec struct {
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Permissions []string           `json:"permissions"`
	Grants      []oauth.GrantType  `json:"grants"`
	AuthMethods []oauth.AuthMethod `json:"auth_methods,omitempty"` // empty: basic and post
	Dialects    []string           `json:"dialects,omitempty"`     // empty: all its tenant speaks
	TokenForm   oauth.TokenForm    `json:"token_form,omitempty"`   // empty: the dialect's
	Lifetime    Span               `json:"lifetime,omitempty"`     // of access tokens; 0: the dialect's; never longer than that
	AllowFrom   []Network          `json:"allow_from,omitempty"`   // empty: from anywhere
	Expires     Until              `json:"expires,omitzero"`

	// ResourceServers are the APIs of its tenant, by name, that the client stands for: it may ask about any
	// token that is meant for one of them (RFC 7662, section 4), and may follow what the issuer revokes.
	ResourceServers []string `json:"resource_servers,omitempty"`

	AllowBodylessToken bool `json:"allow_bodyless_token,omitempty"`
	Disabled           bool `json:"disabled,omitempty"`
}

// ClientFields are the fields of a client, in the order in which people read them. Ends that count from now
// are read where now is not zero.
func ClientFields(now time.Time) []Field[ClientSpec] {
	type spec = ClientSpec
	type field = Field[spec]
	until := func(text string) (Until, error) { return ParseUntil(text, now) }
	return []field{
		textField(field{Name: "name", Flag: "name", Label: "Name",
			Help: "what people call it; the calling application's name serves best"},
			func(s *spec) *string { return &s.Name }),
		textField(field{Name: "description", Flag: "description", Label: "Description",
			Help: "who uses it, what for, and who to contact"},
			func(s *spec) *string { return &s.Description }),
		listField(field{Name: "permissions", Flag: "permission", Label: "Permissions", None: "none", Unset: "none",
			Help: "`NAME` of what it may do; repeat it, list with commas, or say all or none"},
			func(s *spec) *[]string { return &s.Permissions }, word),
		listField(field{Name: "grants", Flag: "grant", Label: "Grants", None: "none", Unset: "none",
			Help: "`GRANT` it may ask by: client_credentials, password, refresh_token"},
			func(s *spec) *[]oauth.GrantType { return &s.Grants }, word),
		listField(field{Name: "auth_methods", Flag: "auth-method", Label: "Client authentication", None: "any", Unset: "any method",
			Help: "`METHOD` it authenticates by: client_secret_basic, client_secret_post, or any"},
			func(s *spec) *[]oauth.AuthMethod { return &s.AuthMethods }, word),
		listField(field{Name: "dialects", Flag: "dialect", Label: "Dialects", None: "any", Unset: "all of the tenant",
			Help: "`DIALECT` it is pinned to, or any that the tenant speaks"},
			func(s *spec) *[]string { return &s.Dialects }, word),
		textField(field{Name: "token_form", Flag: "token-form", Label: "Token form", None: "default", Unset: "the dialect's",
			Help: "`FORM` of its tokens: jwt, opaque, uuid, or default: the dialect's"},
			func(s *spec) *oauth.TokenForm { return &s.TokenForm }),
		valueField(field{Name: "lifetime", Flag: "lifetime", Label: "Token lifetime", None: "default", Unset: "the dialect's",
			Help: "`TIME` its tokens live, like 10m; never longer than the dialect's, which is the default"},
			func(s *spec) *Span { return &s.Lifetime }, ParseSpan),
		listField(field{Name: "allow_from", Flag: "allow-from", Label: "Allowed IP addresses", None: "any", Unset: "anywhere",
			Help: "`NETWORK` or address it may ask from, like 192.0.2.0/24, or any"},
			func(s *spec) *[]Network { return &s.AllowFrom }, ParseNetwork),
		listField(field{Name: "resource_servers", Flag: "resource-server", Label: "Resource server for", None: "none",
			Help: "`API` it stands for: it may introspect tokens meant for it and follow revocations; or none"},
			func(s *spec) *[]string { return &s.ResourceServers }, word),
		switchField(field{Name: "allow_bodyless_token", Flag: "bodyless", Label: "Token requests without a body",
			Help: "allow token requests without a body, where the dialect has them"},
			func(s *spec) *bool { return &s.AllowBodylessToken }),
		valueField(field{Name: "expires", Flag: "expires", Label: "Expires", None: Never, Unset: Never,
			Help: "`WHEN` it ends: 90d, 2027-01-31 (to the end of that day), a time, or never"},
			func(s *spec) *Until { return &s.Expires }, until),
		switchField(field{Name: "disabled", Label: "Disabled", Help: "whether it gets no tokens and those it has are refused"},
			func(s *spec) *bool { return &s.Disabled }),
	}
}

// Spoken returns the names of the dialects that a tenant speaks, each once.
func (t *Tenant) Spoken() []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			names, seen[name] = append(names, name), true
		}
	}
	for _, d := range t.Dialects {
		add(d)
	}
	for _, e := range t.Endpoints {
		add(e.Dialect)
	}
	return names
}
