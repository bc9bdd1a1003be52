package bearer

import (
	"net/http"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// ResourceMetadata serves what a client without a token needs to know to get one (RFC 9728, section 2): the API's name, which is the
// first audience, its issuer and, if given, the scopes that it has. It belongs at /.well-known/oauth-protected-resource and the path of
// that name (section 3.1); Speech.Metadata is its URL.
func (v *Verifier) ResourceMetadata(scopes ...string) http.Handler {
	doc := oauth.AppendJSON([]byte(`{"resource":`), v.o.Audiences[0])
	doc = oauth.AppendJSON(append(doc, `,"authorization_servers":[`...), v.o.Issuer)
	doc = append(doc, ']')
	for n, s := range scopes {
		if n == 0 {
			doc = append(doc, `,"scopes_supported":[`...)
		} else {
			doc = append(doc, ',')
		}
		doc = oauth.AppendJSON(doc, s)
	}
	if len(scopes) > 0 {
		doc = append(doc, ']')
	}
	doc = append(doc, `,"bearer_methods_supported":["header"]}`+"\n"...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=900")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(doc) // a caller that went away cannot be told
	})
}
