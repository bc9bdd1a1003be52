package console

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// maxPicked bounds how many are taken back at once: a page of them, and some.
const maxPicked = 200

// tokensRevokePage asks before the picked ones are taken back.
type tokensRevokePage struct {
	Picked         []string // as the form names them
	IDs            []string
	Chains, Opaque int
	Back           string
}

// pickOf names a chain or a token in a form.
func pickOf(kind revocation.Kind, id string) string {
	if kind == revocation.Family {
		return "chain:" + id
	}
	return "token:" + id
}

func readPick(text string) (kind revocation.Kind, id string, ok bool) {
	what, id, _ := strings.Cut(text, ":")
	kind, ok = map[string]revocation.Kind{"chain": revocation.Family, "token": revocation.Token}[what]
	return kind, id, ok && id != "" && len(id) <= 256
}

// tokensRevoke takes back what was picked from a list. The first time it asks, naming what it will do.
func tokensRevoke(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := v.desk.May(operator.RevokeTokens); err != nil {
		return err
	}
	p := tokensRevokePage{Back: v.path("tokens")}
	picked := form["pick"]
	if only := form.Get("only"); only != "" {
		picked = []string{only}
	}
	if len(picked) > maxPicked {
		return errForm
	}
	for _, text := range picked {
		kind, id, ok := readPick(text)
		if !ok {
			return errForm
		}
		p.Picked, p.IDs = append(p.Picked, text), append(p.IDs, id)
		if kind == revocation.Family {
			p.Chains++
		} else {
			p.Opaque++
		}
	}
	switch {
	case len(picked) == 0:
		return v.redirect(p.Back, "Nothing was picked: tick the boxes of those to take back.")
	case form.Get("sure") != "yes":
		return v.render(http.StatusOK, "tokens_revoke", "Take tokens back", p)
	}
	return v.revokePicked(&p)
}

func (v *visit) revokePicked(p *tokensRevokePage) error {
	gone := 0
	for _, text := range p.Picked {
		kind, id, _ := readPick(text)
		r, err := v.desk.RevokeID(v.r.Context(), kind, id)
		if err != nil {
			return fmt.Errorf("take back %s, after %d of %d: %w", text, gone, len(p.Picked), err)
		}
		if r.ID != "" {
			gone++
		}
	}
	done := "Taken back: " + num(gone) + "."
	if rest := len(p.Picked) - gone; rest > 0 {
		done += " " + plural(rest, "other had", "others had") + " ended already."
	}
	return v.redirect(p.Back, done)
}
