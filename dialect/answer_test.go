package dialect

import (
	"net/http/httptest"
	"strconv"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// refusal renders how a dialect spells a code: status and body.
func refusal(d *Dialect, code oauth.Code) string {
	w := httptest.NewRecorder()
	d.EncodeError(w, &oauth.Error{Code: code, Description: "Sorry."}, About{Realm: "acme", RequestID: "4fM2hRq8"})
	return strings.TrimSpace(strconv.Itoa(w.Code) + " " + w.Body.String())
}
