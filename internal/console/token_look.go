package console

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// maxToken bounds a token that is looked at, in bytes; none of ours comes near.
const maxToken = 16 << 10

// tokenPage says what is known about one token that somebody pasted. Its text is nowhere on the page but in the form that takes it back.
type tokenPage struct {
	Problem   string
	In        oauth.Introspection
	Token     string // for the form; "": nothing to take back
	Verdicts  []guardVerdict
	Passes    int
	ClientURL string
	UserURL   string
	KeyURL    string
	MayRevoke bool
	Back      string
	FormName  string
	Holds     []string // permissions, or the words of its scope
	Sure      string   // what is wrong with the confirmation
	Client    string
}

func tokensLook(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	return v.renderToken(http.StatusOK, bareToken(form.Get("token")), "")
}

// bareToken takes off what is copied along with a token.
func bareToken(typed string) string {
	bare := strings.Trim(text.Pasted(typed), `"',`)
	for _, before := range []string{"Authorization:", "authorization:", "Bearer ", "bearer "} {
		bare = strings.TrimSpace(strings.TrimPrefix(bare, before))
	}
	return bare
}

func (v *visit) renderToken(status int, text, sure string) error {
	p := tokenPage{Back: v.path("tokens"), MayRevoke: v.offers(operator.RevokeTokens), Sure: sure}
	switch {
	case text == "":
		p.Problem = "Paste a token into the field first."
	case len(text) > maxToken || strings.ContainsAny(text, " \t\r\n"):
		p.Problem = "This cannot be a token: one is a single word without spaces or line ends, and shorter than 16 KiB."
	}
	if p.Problem != "" {
		return v.render(http.StatusUnprocessableEntity, "token_look", "One token", p)
	}
	in, err := v.desk.Introspect(v.r.Context(), oauth.Secret(text))
	if err != nil {
		return err
	}
	p.In, p.Token = in, text
	if in.Active {
		p.describe(v)
	}
	return v.render(status, "token_look", "One token", p)
}

// describe fills in what is known of an active token.
func (p *tokenPage) describe(v *visit) {
	in := &p.In
	p.FormName = map[oauth.TokenForm]string{oauth.JWT: "JWT, signed", oauth.Opaque: "opaque", oauth.UUID: "UUID"}[in.Form]
	p.Verdicts = guardVerdicts(v.tenant, *in)
	for _, g := range p.Verdicts {
		if g.Passes {
			p.Passes++
		}
	}
	p.Holds = in.Permissions
	if in.Permissions == nil {
		for word := range oauth.ScopeWords(in.Scope) {
			p.Holds = append(p.Holds, word)
		}
	}
	p.Client = in.ClientID
	if !oauth.IsLabel(in.ClientID) {
		p.ClientURL = v.path("clients", in.ClientID)
		if c, err := v.desk.Client(v.r.Context(), in.ClientID); err == nil {
			p.Client = titleOf(c.Name, c.ID)
		}
	}
	if in.Username != "" {
		p.UserURL = v.path("users", in.Username)
	}
	if in.KeyID != "" {
		p.KeyURL = v.path("keys") + "#key-" + in.KeyID
	}
}

// tokensTakeBack takes back the token that was pasted, of whatever kind: an access token alone, a refresh token with its chain.
func tokensTakeBack(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	text := bareToken(form.Get("token"))
	if form.Get("sure") != "yes" {
		return v.renderToken(http.StatusUnprocessableEntity, text, "Tick the box first: what is taken back is never given back.")
	}
	gone, err := v.desk.RevokeToken(v.r.Context(), oauth.Secret(text))
	if err != nil {
		return err
	}
	done := "It was worth nothing before: there was nothing to take back."
	switch gone.Kind {
	case revocation.Token:
		done = "The access token is taken back. Guards that follow the feed refuse it within seconds."
	case revocation.Family:
		done = "The chain of refresh tokens has ended, and with it all access tokens that came from it."
	}
	return v.redirect(v.path("tokens"), done)
}
