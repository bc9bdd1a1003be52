package console

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// tokensEndPage asks before every token of one client or one user is ended.
type tokensEndPage struct {
	Client, ClientID string // the client's name and id; "": it is about a user
	User             string
	Back             string
}

func tokensEnd(v *visit) error {
	p := tokensEndPage{Back: v.path("tokens")}
	in := v.r.URL.Query()
	if id := in.Get("client"); id != "" {
		c, err := v.desk.Client(v.r.Context(), id)
		if err != nil {
			return err
		}
		p.Client, p.ClientID = titleOf(c.Name, c.ID), c.ID
		return v.render(http.StatusOK, "tokens_end", "End all tokens of a client", p)
	}
	u, err := v.desk.User(v.r.Context(), in.Get("user"))
	if err != nil {
		return err
	}
	p.User = u.Username
	return v.render(http.StatusOK, "tokens_end", "End all tokens of a user", p)
}

func tokensEndNow(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	client, user := form.Get("client"), form.Get("user")
	switch {
	case client != "":
		err = v.desk.RevokeClientTokens(v.r.Context(), client)
	case user != "":
		err = v.desk.RevokeUserTokens(v.r.Context(), user)
	default:
		err = registry.ErrNotFound
	}
	if err != nil {
		return err
	}
	return v.redirect(v.path("tokens"), "All tokens issued so far are ended. New ones can be asked for.")
}

// tokensEndAllPage asks for the tenant's name before everything that it issued is worth nothing.
type tokensEndAllPage struct {
	Name, Title string
	Problem     string
	Back        string
}

func tokensEndAll(v *visit) error { return v.renderEndAll(http.StatusOK, "") }

func (v *visit) renderEndAll(status int, problem string) error {
	return v.render(status, "tokens_end_all", "End all tokens of the tenant", tokensEndAllPage{v.tenant.Name, titleOf(v.tenant.Title, v.tenant.Name), problem, v.path("tokens")})
}

func tokensEndAllNow(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if strings.TrimSpace(form.Get("typed")) != v.tenant.Name {
		return v.renderEndAll(http.StatusUnprocessableEntity, "That is not the tenant's name: write "+v.tenant.Name+".")
	}
	if err := v.desk.RevokeAll(v.r.Context()); err != nil {
		return err
	}
	return v.redirect(v.path("tokens"), "Every token that was issued so far is ended. Clients and users can ask for new ones.")
}
