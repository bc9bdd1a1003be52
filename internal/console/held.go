package console

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// heldPage keeps a form that came too long after the last proof: its fields wait on the page while its author proves who they are in
// another tab, and are sent again from here. Nothing of it is kept on our side.
type heldPage struct {
	To     string      // where the form goes
	Again  string      // where its author proves who they are
	Fields []heldField // as they were sent
	Typed  []heldField // those worth reading
}

type heldField struct{ Name, Value string }

// unread are fields that a form brings along, or that confirm an act: what is lost with them is nothing, or to be thought over once more.
var unread = []string{"rev", "form", "typed", "overlap", "credential"}

// secretFields are never sent back to a browser.
var secretFields = []string{"password", "repeated", "app", "code", "secret"}

// prove asks for a proof before what was asked for. Where something was typed that would be lost on the way, it is held.
func (v *visit) prove() {
	page := v.held()
	if page == nil {
		v.leadTo("/sign-in/again")
		return
	}
	if err := v.render(http.StatusForbidden, "held", "Not done yet", page); err != nil {
		v.Log.Error("cannot render a held form", "request_id", v.id, "error", err)
		v.leadTo("/sign-in/again")
	}
}

// held returns the page for a form with something in it that is worth holding, else nil.
func (v *visit) held() *heldPage {
	form, err := v.form()
	if err != nil || v.r.Method != http.MethodPost {
		return nil
	}
	page := &heldPage{To: v.r.URL.EscapedPath(), Again: "/sign-in/again?" + url.Values{"next": {"/confirmed"}}.Encode()}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if slices.Contains(secretFields, name) && form.Get(name) != "" {
			return nil
		}
		for _, value := range form[name] {
			page.Fields = append(page.Fields, heldField{name, value})
			if value != "" && !slices.Contains(unread, name) {
				page.Typed = append(page.Typed, heldField{strings.NewReplacer("_", " ", ":", " at ", "*", "everything").Replace(name), value})
			}
		}
	}
	if len(page.Typed) == 0 {
		return nil
	}
	return page
}

// confirmed is where a proof in another tab ends.
func confirmed(v *visit) error {
	return v.render(http.StatusOK, "confirmed", "Go back to your form", nil)
}
