package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// clientEditPage is the form of a client. When somebody was faster it shows what they wrote beside what was typed.
type clientEditPage struct {
	Client  *registry.Client
	Detail  string
	Fields  *clientFields
	Changed *office.Changed // somebody was faster
	By      string          // their name
	ByYou   bool
	Beside  []beside
}

// beside is one field as two people have it.
type beside struct{ Field, Yours, Theirs string }

func clientEdit(v *visit) error {
	c, err := v.standingClient()
	if err != nil {
		return err
	}
	if !v.mayChange(c.Permissions) { // a form that nobody would take
		return operator.ErrDenied
	}
	return v.clientEditPage(http.StatusOK, c, formOfClient(c), nil)
}

func (v *visit) clientEditPage(status int, c *registry.Client, f *clientForm, changed *office.Changed) error {
	p := &clientEditPage{Client: c, Detail: v.path("clients", c.ID), Fields: v.fields(f, c), Changed: changed}
	if changed != nil {
		p.By, p.ByYou = v.nameOf(changed.By), changed.By == v.actor.By
		p.Beside = f.compare(c)
		f.Rev = c.Rev // who has seen what the other wrote may save over it
	}
	return v.render(status, "client_edit", "Edit "+c.Name, p)
}

func clientSave(v *visit) error {
	in, err := v.form()
	if err != nil {
		return err
	}
	f := readClientForm(in)
	if f.Rev == 0 { // the form always has one: without it a lost update would go unseen
		return errForm
	}
	ctx, id := v.r.Context(), v.r.PathValue("id")
	saved, err := v.desk.UpdateClient(ctx, id, "client.update", f.Rev, func(c *registry.Client) error { return f.put(v.tenant, c, v.Now()) })
	if err == nil {
		return v.redirect(v.path("clients", saved.ID), "Saved.")
	}
	changed, lost := errors.AsType[*office.Changed](err)
	if !f.hasProblem(err) && !lost {
		return err
	}
	c, failed := v.standingClient()
	if failed != nil {
		return failed
	}
	if lost {
		return v.clientEditPage(http.StatusConflict, c, f, changed)
	}
	return v.clientEditPage(http.StatusUnprocessableEntity, c, f, nil)
}

// compare lays what was typed beside what is kept, where the two differ.
func (f *clientForm) compare(c *registry.Client) (out []beside) {
	theirs := formOfClient(c)
	theirs.Ends = endText(c.Expires.Time)
	yours := *f
	switch f.Ends {
	case endsOn:
		yours.Ends = "the end of " + f.EndsOn
	case endsKeep:
		yours.Ends = theirs.Ends
	case endsNever:
	default:
		yours.Ends = "in " + f.Ends + " days"
	}
	list := func(words []string) string { return strings.Join(slices.Sorted(slices.Values(words)), ", ") }
	bodyless := map[bool]string{true: "yes", false: "no"}
	for _, b := range []beside{
		{"Name", yours.Name, theirs.Name}, {"Description", yours.Description, theirs.Description},
		{"Permissions", list(yours.Permissions), list(theirs.Permissions)}, {"Grants", list(yours.Grants), list(theirs.Grants)},
		{"Ends", yours.Ends, theirs.Ends}, {"Token lifetime", yours.Lifetime, theirs.Lifetime}, {"Allowed IP addresses", yours.AllowFrom, theirs.AllowFrom},
		{"Client authentication", list(yours.AuthMethods), list(theirs.AuthMethods)}, {"Dialects", list(yours.Dialects), list(theirs.Dialects)},
		{"Token format", yours.TokenForm, theirs.TokenForm}, {"Resource server for", list(yours.Servers), list(theirs.Servers)},
		{"Requests without a body", bodyless[yours.Bodyless], bodyless[theirs.Bodyless]},
	} {
		if b.Yours != b.Theirs {
			out = append(out, b)
		}
	}
	return out
}

func endText(t time.Time) string {
	if t.IsZero() {
		return endsNever
	}
	return t.UTC().Format("2 Jan 2006, 15:04:05 UTC")
}
