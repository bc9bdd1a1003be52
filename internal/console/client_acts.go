package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// act reads the form of a button: what it is about, by that name in the address, and the revision its author has seen.
func (v *visit) act(name string) (in url.Values, id string, rev uint64, err error) {
	if in, err = v.form(); err != nil {
		return nil, "", 0, err
	}
	rev, err = strconv.ParseUint(in.Get("rev"), 10, 64)
	if err != nil || rev == 0 { // each of our forms has one
		return nil, "", 0, errForm
	}
	return in, v.r.PathValue(name), rev, nil
}

// clientAct does what a button on the client's page asks for, and says on that page what was done.
func (v *visit) clientAct(done string, do func(in url.Values, id string, rev uint64) error) error {
	in, id, rev, err := v.act("id")
	if err != nil {
		return err
	}
	if err := do(in, id, rev); err != nil {
		return v.again(err)
	}
	return v.redirect(v.path("clients", id), done)
}

func clientDisable(v *visit) error {
	return v.clientAct("Disabled. Its tokens are refused from now on, and it gets no new ones.", func(_ url.Values, id string, rev uint64) error {
		_, err := v.desk.DisableClient(v.r.Context(), id, rev, true)
		return err
	})
}

func clientEnable(v *visit) error {
	return v.clientAct("Enabled. Tokens from before stay refused; it asks for new ones.", func(_ url.Values, id string, rev uint64) error {
		_, err := v.desk.DisableClient(v.r.Context(), id, rev, false)
		return err
	})
}

func clientRevokeTokens(v *visit) error {
	return v.clientAct("All tokens of this client that were issued so far are refused from now on.", func(_ url.Values, id string, _ uint64) error {
		return v.desk.RevokeClientTokens(v.r.Context(), id)
	})
}

func clientDelete(v *visit) error {
	in, id, rev, err := v.act("id")
	if err != nil {
		return err
	}
	c, err := v.standingClient()
	if err != nil {
		return err
	}
	if typed := strings.TrimSpace(in.Get("typed")); typed != strings.TrimSpace(c.Name) {
		if err := v.desk.May(operator.DeleteClients); err != nil {
			return err
		}
		return v.clientPage(http.StatusUnprocessableEntity, &registry.Problem{Field: "typed", Text: "That is not its name. Nothing was deleted."}, typed)
	}
	if err := v.desk.DeleteClient(v.r.Context(), id, rev); err != nil {
		return v.again(err)
	}
	return v.redirect(v.path("clients"), c.Name+" is deleted, and its tokens are refused. Its id is never given again.")
}

func clientRotate(v *visit) error {
	in, id, rev, err := v.act("id")
	if err != nil {
		return err
	}
	chosen := in.Get("overlap")
	span, err := time.ParseDuration(chosen)
	if err != nil || !slices.ContainsFunc(overlaps, func(o [3]string) bool { return o[0] == chosen }) {
		if err := v.desk.May(operator.ChangeClients); err != nil {
			return err
		}
		return v.clientPage(http.StatusUnprocessableEntity, &registry.Problem{Field: "overlap", Text: "choose one of these"}, "")
	}
	c, text, err := v.desk.RotateSecret(v.r.Context(), id, rev, span)
	switch {
	case errors.Is(err, office.ErrChanged):
		return v.redirect(v.path("clients", id), "Nothing was rotated: the client was changed since you loaded its page, perhaps by this very form, sent twice. "+
			"Look at its secrets before you rotate again.")
	case err != nil:
		return v.again(err)
	}
	return v.credentials(c, text, false)
}

func clientRetire(v *visit) error {
	return v.clientAct("The old secret has ended.", func(in url.Values, id string, rev uint64) error {
		_, err := v.desk.RetireSecret(v.r.Context(), id, rev, in.Get("credential"))
		return err
	})
}

func clientUndoRotation(v *visit) error {
	return v.clientAct("Undone: the new secret has ended, the old one goes on as before.", func(_ url.Values, id string, rev uint64) error {
		_, err := v.desk.UndoRotation(v.r.Context(), id, rev)
		return err
	})
}

// clientDropPermissions takes permissions from a client that it has not used. What it has used since the page was loaded stays.
func clientDropPermissions(v *visit) error {
	in, id, rev, err := v.act("id")
	if err != nil {
		return err
	}
	use, err := v.desk.Usage(v.r.Context(), id)
	if err != nil {
		return err
	}
	now := v.Now()
	drop := slices.DeleteFunc(once(in["permission"]), func(p string) bool { return now.Sub(use.Permissions[p]) < unusedFor })
	dropped := 0
	_, err = v.desk.UpdateClient(v.r.Context(), id, "client.update", rev, func(c *registry.Client) error {
		held := len(c.Permissions)
		c.Permissions = slices.DeleteFunc(slices.Clone(c.Permissions), func(p string) bool { return slices.Contains(drop, p) })
		dropped = held - len(c.Permissions)
		return nil
	})
	if err != nil {
		return v.again(err)
	}
	return v.redirect(v.path("clients", id), "Dropped "+plural(dropped, "permission")+". Edit the client to give one back.")
}
