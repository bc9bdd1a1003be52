package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func explainCommand() *cobra.Command {
	return addTenantFlag(addJSON(&cobra.Command{
		Use:   "explain REQUEST-ID",
		Short: "Say what became of a request: which check refused it, and what to do",
		Long: `Explain finds what became of a request by the id that its answer carried in X-Request-Id: for a refusal, at a token
endpoint or in front of an API, the check that failed with what was asked and what would have passed, and what to do
about it; else the token that was given out. It looks at all tenants unless one is named. What a gateway process
refused, that process knows: name its settings with -c.`,
		Example: `  tokenbooth explain 6Zk31ffa9c0Q7Tda
  tokenbooth explain -c gateway.yaml 6Zk31ffa9c0Q7Tda --json`,
		Args: want("REQUEST-ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := serverFlag(cmd); at != "" {
				return elsewhere(cmd, at, tenantFlag(cmd), func(ctx context.Context, e *errand) error { return e.explainElsewhere(ctx, args[0]) })
			}
			s, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			tenants, err := tenantsNamed(s, tenantFlag(cmd))
			if err != nil {
				return err
			}
			if s.Store == "memory" {
				return s.fault("store", "what was refused is in the memory of the running process; its log has the reason under request_id")
			}
			k, err := openStore(s, clock())
			if err != nil {
				return err
			}
			v, err := becameOf(cmd.Context(), k.store, s.journal(), tenants, args[0])
			if err := errors.Join(err, k.close()); err != nil {
				return err
			}
			return printerOf(cmd).explain(v)
		},
	}))
}

// tenantsNamed returns the names of all tenants, or the one that is asked for.
func tenantsNamed(s *settings, name string) ([]string, error) {
	if name == "" {
		return s.tenantNames(), nil
	}
	t, err := pickTenant(s, name)
	if err != nil {
		return nil, err
	}
	return []string{t.Name}, nil
}

// explanation is an event with what follows from it.
type explanation struct {
	eventView
	Check  string `json:"check"`  // which check refused, with the clause it obeys
	Advice string `json:"advice"` // what to do
}

// becameOf looks a request up: first among the refusals and changes, those of no tenant included, then among the tokens given out.
func becameOf(ctx context.Context, s store.Store, journal string, tenants []string, id string) (*explanation, error) {
	for _, t := range append(tenants[:len(tenants):len(tenants)], "") {
		e, err := audit.Get(ctx, s, t, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v := &explanation{eventView: viewEvent(e)}
		v.conclude()
		return v, nil
	}
	i, err := audit.FindIssuance(journal, id)
	if err != nil {
		return nil, err
	}
	if i == nil || !slices.Contains(tenants, i.Tenant) {
		return nil, unknownRequest(id)
	}
	return issued(i), nil
}

// explainElsewhere asks a server what became of a request.
func (e *errand) explainElsewhere(ctx context.Context, id string) error {
	found, err := e.Explain(ctx, id)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return unknownRequest(id)
	case err != nil:
		return err
	case found.Event != nil:
		v := &explanation{eventView: viewEvent(*found.Event)}
		v.conclude()
		return e.explain(v)
	}
	return e.explain(issued(found.Issuance))
}

func unknownRequest(id string) error {
	return fmt.Errorf("nothing is known of a request %q: it is neither among the refusals of the last %d days nor in the journal", id, audit.KeepRefusals/(24*time.Hour))
}

// issued tells of a request that was answered with a token.
func issued(i *audit.Issuance) *explanation {
	return &explanation{eventView: eventView{ID: i.RequestID, Tenant: i.Tenant, Time: i.Time.UTC(), Act: "token.issue", Actor: "client:" + i.ClientID, Subject: i.Subject,
		Outcome: audit.Allowed, RequestID: i.RequestID, Source: i.Source.String(), Detail: map[string]string{"dialect": i.Dialect, "grant": i.Grant,
			"scope": i.Scope, "token_id": i.TokenID, "expires": i.Expires.UTC().Format(time.RFC3339)}}}
}

// conclusions say of each refusal which check it is and what helps. CLIENT and TENANT stand for those of the event.
var conclusions = map[oauth.Code]struct{ check, advice string }{
	oauth.InvalidClient: {"client authentication (RFC 6749, section 2.3)",
		"Compare the id, and which secrets are live, with: tokenbooth client show -t TENANT CLIENT. A secret that is lost or mistyped cannot be read back; a new one: tokenbooth client rotate -t TENANT CLIENT"},
	oauth.MissingCredentials: {"client authentication (RFC 6749, section 2.3)",
		"The request carried neither an Authorization header nor credentials in its body; the contract's own form: tokenbooth dialect show NAME"},
	oauth.InvalidGrant: {"the grant: password or refresh token (RFC 6749, section 5.2)",
		"A refresh token is good once and ends with its user's password; ask for a new one by signing in. Look at the user with: tokenbooth user list -t TENANT"},
	oauth.TOTPRequired:          {"the one-time code", "The password was right; send the code of the user's authenticator along."},
	oauth.PasswordResetRequired: {"the password", "The password was right and has to be replaced first: tokenbooth user password -t TENANT USER"},
	oauth.UnauthorizedClient: {"what the client may use (RFC 6749, section 5.2)",
		"See its grants and dialects with: tokenbooth client show -t TENANT CLIENT, and widen them with: tokenbooth client update -t TENANT CLIENT"},
	oauth.UnsupportedGrantType: {"the grant type (RFC 6749, section 5.2)", "See what the contract of the endpoint takes with: tokenbooth dialect show NAME"},
	oauth.InvalidScope: {"the scope (RFC 6749, section 3.3)",
		"Ask for no more than is held, or grant it: tokenbooth client update -t TENANT CLIENT --permission …"},
	oauth.InvalidRequest: {"the form of the request (RFC 6749, section 5.2)", "Compare it with the contract: tokenbooth dialect show NAME"},
	oauth.InvalidToken: {"the access token (RFC 6750, section 3.1)",
		"The caller needs a new token. When it has just got one: is it sent to the API it was issued for, and are both clocks right?"},
	oauth.NoToken:        {"the access token (RFC 6750, section 2)", "The call carried no token where this API looks for one: tokenbooth dialect show NAME says where."},
	oauth.MalformedToken: {"the form of the access token (RFC 6750, section 2.1)", "What was carried cannot be a token: look for quotes, line ends or a word too many."},
	oauth.InsufficientScope: {"the permission of the route (RFC 6750, section 3.1)",
		"Grant it, and the client's next token has it: tokenbooth client update -t TENANT CLIENT --permission …"},
	"not_found":          {"the routes", "No API of tenant TENANT declares this method and path; routes stand in the settings, and what none names is refused: tokenbooth tenant show TENANT"},
	"method_not_allowed": {"the methods of the route", "The path is declared, for other methods: tokenbooth tenant show TENANT"},
	"misdirected":        {"the host", "No tenant has this host name among its hosts in the settings."},
	"stranger":           {"who may ask for decisions", "Compare what the proxy sends and where it asks from with check in the settings: secret_file, peers, tls.client_ca."},
	"too_large":          {"the size of the request", "max_body of the route, in bytes, stands in the settings."},
	oauth.Throttled:      {"the limit of requests or of wrong guesses", "Wait as long as Retry-After says. Limits stand in the settings: rate, client_rate, routes."},
	oauth.CrossOrigin:    {"where a browser's request comes from", "Secrets do not belong in web pages: ask from a server."},
	oauth.Unavailable:    {"what the server could do at that moment", "Nothing was wrong with the request; the log has the fault under the same id."},
}

// plainID are the characters of ids that mean nothing to a shell.
const plainID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-"

// conclude reads the code that an event's reason begins with.
func (v *explanation) conclude() {
	code, _, _ := strings.Cut(v.Reason, ":")
	c, ok := conclusions[oauth.Code(code)]
	if !ok {
		c = conclusions[oauth.Code(code).Standard()]
	}
	client, _ := strings.CutPrefix(v.Actor, "client:")
	if client == "" || client[0] == '-' || strings.Trim(client, plainID) != "" { // whoever was refused chose it, and somebody will paste it into a shell
		client = "CLIENT-ID"
	}
	if strings.HasPrefix(v.Reason, "invalid_token: revoked: ") {
		c.advice = "It was taken back on purpose; by whom: tokenbooth audit list -t TENANT. The caller needs a new token."
	}
	if strings.HasPrefix(v.Act, "api.") && code == string(oauth.InvalidRequest) {
		c.check, c.advice = "the form of the call", "Two programs could read the call differently; what exactly, the reason says."
	}
	if strings.HasPrefix(v.Act, "api.") && code == string(oauth.CrossOrigin) {
		c.advice = "Name the page's origin in cors.origins of the API, in the settings."
	}
	if v.Act == "check.refuse" && code != "stranger" && code != "misdirected" {
		c.check, c.advice = "how a proxy asks", "It asks at /check, /check/nginx, /check/refusal or /check/envoy and describes the call by five headers X-Forwarded-…, each once: docs/guard.md."
	}
	v.Check, v.Advice = c.check, strings.NewReplacer("TENANT", v.Tenant, "CLIENT", client, "NAME", orElse(v.Detail["dialect"], "NAME")).Replace(c.advice)
}

func (p *printer) explain(v *explanation) error {
	if p.json {
		return p.object(v)
	}
	lines := []line{{"ID", v.ID}, {"Time", p.when(v.Time, "")}, {"Tenant", v.Tenant}, {"Act", v.Act}, {"Outcome", v.Outcome}, {"Check", v.Check}, {"Reason", v.Reason},
		{"Actor", v.Actor}, {"Subject", v.Subject}, {"Source", v.Source}}
	for _, name := range slices.Sorted(maps.Keys(v.Detail)) {
		lines = append(lines, line{name, v.Detail[name]})
	}
	return p.sheet(append(lines, line{"What to do", v.Advice}))
}
