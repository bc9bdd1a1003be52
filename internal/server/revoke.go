package server

import (
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
)

// revoke takes a token back (RFC 7009, section 2). Success is answered when it is durable, and for what never was a token as well.
func (h *Handler) revoke(t *Tenant) answer {
	d := &desk{h, t, issuer.RevokeRefused, h.Metrics.askMeter(t.Name, "revoke", true, "done")}
	return func(w http.ResponseWriter, r *http.Request, known edge.Request) {
		began := time.Now()
		q, refusal := dialect.DecodeQuery(r)
		sentBy(&q.Asker, known)
		if refusal != nil {
			d.misread(w, r, &q.Asker, refusal, began)
			return
		}
		if err := h.Issuer.Revoke(r.Context(), q); err != nil {
			d.turnAway(w, r, &q.Asker, err, began)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
		d.meter.answered("done", began)
	}
}
