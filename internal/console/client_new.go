package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// clientNewPage is the form for new credentials.
type clientNewPage struct {
	Fields *clientFields
	List   string // address of the list
}

// maxFormToken bounds the token of a form, in bytes.
const maxFormToken = 64

func clientNew(v *visit) error {
	return v.clientNewPage(http.StatusOK, newClientForm(v.tenant), v.Door.NewID())
}

// clientNewPage shows the form. token becomes the id of the client, so a form that is sent twice, by a double click or a reload, makes
// one client: the store refuses the second, whichever process it reaches.
func (v *visit) clientNewPage(status int, f *clientForm, token string) error {
	p := &clientNewPage{Fields: v.fields(f, nil), List: v.path("clients")}
	p.Fields.Token = token
	return v.render(status, "client_new", "New OAuth client credentials", p)
}

func clientCreate(v *visit) error {
	if err := v.desk.May(operator.ChangeClients); err != nil { // before the form: whoever may not is told so, and not what is wrong with it
		return err
	}
	in, err := v.form()
	if err != nil {
		return err
	}
	f := readClientForm(in)
	token := in.Get("form")
	if !isFormToken(token) {
		return errForm
	}
	c := v.tenant.NewClient(token)
	if err := f.put(v.tenant, &c, v.Now()); err != nil {
		return v.clientAgain(f, token, err)
	}
	made, text, err := v.desk.CreateClient(v.r.Context(), c)
	if err != nil {
		return v.clientAgain(f, token, err)
	}
	return v.credentials(made, text, true)
}

// clientAgain shows the form with its problem beside what was typed. A client that has the form's id is this form's.
func (v *visit) clientAgain(f *clientForm, token string, err error) error {
	problem, ok := errors.AsType[*registry.Problem](err)
	if ok && problem.Field == "id" {
		if _, err := v.desk.Client(v.r.Context(), token); err != nil {
			return err
		}
		return v.redirect(v.path("clients", token), "This form was sent before, and made these credentials. Their secret was on the answer to the first; if nobody saved it, rotate it.")
	}
	if !f.hasProblem(err) {
		return err
	}
	return v.clientNewPage(http.StatusUnprocessableEntity, f, token)
}

// hasProblem takes the problems of the form out of an error; any other error has none.
func (f *clientForm) hasProblem(err error) bool {
	if all, ok := errors.AsType[problems](err); ok {
		f.Problems = all
		return true
	}
	f.Problems = problems{}
	f.Problems.note(err)
	return len(f.Problems) > 0
}

// fieldOf is the field of a problem; one inside a list is at the list.
func fieldOf(p *registry.Problem) string {
	field, _, _ := strings.Cut(p.Field, "[")
	return field
}

// isFormToken reports whether a text looks like one of NewID's. Whoever sends another chooses the client's id, which is no harm: an import
// does, too.
func isFormToken(s string) bool {
	return s != "" && len(s) <= maxFormToken && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == ""
}
