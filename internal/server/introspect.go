package server

import (
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
)

// introspect answers what is known of a token (RFC 7662, section 2).
func (h *Handler) introspect(t *Tenant) answer {
	d := &desk{h, t, issuer.IntrospectRefused, h.Metrics.askMeter(t.Name, "introspect", true, "active", "inactive")}
	return func(w http.ResponseWriter, r *http.Request, known edge.Request) {
		began := time.Now()
		q, refusal := dialect.DecodeQuery(r)
		sentBy(&q.Asker, known)
		if refusal != nil {
			d.misread(w, r, &q.Asker, refusal, began)
			return
		}
		in, err := h.Issuer.Present(r.Context(), q)
		if err != nil {
			d.turnAway(w, r, &q.Asker, err, began)
			return
		}
		dialect.EncodeIntrospection(w, &in)
		outcome := "inactive"
		if in.Active {
			outcome = "active"
		}
		d.meter.answered(outcome, began)
	}
}
