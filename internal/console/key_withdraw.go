package console

import (
	"net/http"

	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// keyWithdrawPage says what follows when a key is taken back, and asks.
type keyWithdrawPage struct {
	Key     keyRow
	Back    string
	Problem string
	Signs   bool // it is the key that signs
	Next    bool // it has not signed yet
	Short   string
}

func keyWithdraw(v *visit) error { return v.renderWithdraw(http.StatusOK, "") }

func (v *visit) renderWithdraw(status int, problem string) error {
	all, err := v.desk.Keys()
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == v.r.PathValue("key") {
			return v.render(status, "key_withdraw", "Withdraw a signing key", keyWithdrawPage{Key: keyRow{Public: k, Tag: keyStates[k.State].tag}, Back: v.path("keys"),
				Problem: problem, Signs: k.State == keyring.Active, Next: k.State == keyring.Next, Short: shortKey(k.ID)})
		}
	}
	return registry.ErrNotFound
}

// shortKey is the part of a key's id that is typed to confirm: enough not to take another.
func shortKey(id string) string { return id[:min(8, len(id))] }

func keyWithdrawNow(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kid := v.r.PathValue("key")
	if typed := form.Get("typed"); typed != shortKey(kid) && typed != kid {
		return v.renderWithdraw(http.StatusUnprocessableEntity, "That is not how the id of this key begins: write "+shortKey(kid)+".")
	}
	if err := v.desk.WithdrawKey(v.r.Context(), kid); err != nil {
		return v.keyFault(err)
	}
	return v.redirect(v.path("keys"), "The key is withdrawn. Every token it has signed is refused: here at once, elsewhere within seconds.")
}
