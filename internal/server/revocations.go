package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// Bounds of waiting for news.
const (
	longestWait = 30 * time.Second // of one request
	maxWaiting  = 1000             // at one time, of a tenant
)

// maxPlaces is how many processes behind one address a guard may keep apart.
const maxPlaces = 8

// place is how far a guard has read the feed of one epoch.
type place struct {
	epoch string
	after uint64
}

// revocations answers what has been taken back after a place, signed. A guard that has read all may wait for news (Prefer: wait, RFC
// 7240, section 4.3); when there are none, it gets an empty page, which proves by its time that there are none. Without waiting it may
// ask by If-None-Match whether there is more than it has.
func (h *Handler) revocations(t *Tenant) answer {
	d := &desk{h, t, issuer.FeedRefused, h.Metrics.askMeter(t.Name, "feed", false, "page", "unchanged", "gone")}
	gauge := h.Metrics.waiting.WithLabelValues(t.Name)
	count, _ := h.waiting.LoadOrStore(t.Name, new(atomic.Int64)) // outlives a change of settings, as those who wait do
	waiting := count.(*atomic.Int64)
	return func(w http.ResponseWriter, r *http.Request, known edge.Request) {
		began := time.Now()
		who, refusal := dialect.DecodeAsker(r)
		sentBy(&who, known)
		var at place
		if refusal == nil {
			at, refusal = readPlace(r, h.Feed.Epoch(t.Name))
		}
		if refusal != nil {
			if refusal.Code == oauth.MethodNotAllowed {
				w.Header().Set("Allow", "GET, HEAD")
			}
			d.misread(w, r, &who, refusal, began)
			return
		}
		if err := h.Issuer.MayFollow(r.Context(), who); err != nil {
			d.turnAway(w, r, &who, err, began)
			return
		}
		wait := preferredWait(r.Header)
		if page := h.Feed.Page(t.Name, at.epoch, at.after); wait > 0 && page.Epoch == at.epoch && page.After == at.after && len(page.Entries) == 0 {
			gauge.Set(float64(waiting.Add(1)))
			defer func() { gauge.Set(float64(waiting.Add(-1))) }()
			if waiting.Load() <= maxWaiting { // where so many wait already, one more is told at once that there is nothing new
				h.await(w, r, t.Name, at, wait)
			}
		}
		d.page(w, r, &who, at, wait, began)
	}
}

// await waits for news: until there are some, the time is over, the caller has gone or the server leaves.
func (h *Handler) await(w http.ResponseWriter, r *http.Request, tenant string, at place, wait time.Duration) {
	// The listener's bound of reading a request would end this one; a writer that has no deadlines, as in tests, has none to move.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait + readTime))
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(h.stay, cancel)()
	h.Feed.Wait(ctx, tenant, at.epoch, at.after)
}

// page answers with what follows a place.
func (d *desk) page(w http.ResponseWriter, r *http.Request, who *oauth.Asker, at place, wait time.Duration, began time.Time) {
	if r.Context().Err() != nil {
		d.meter.answered("gone", began)
		return
	}
	now := d.Issuer.Now() // before the page is read: it says that nothing else was taken back up to here
	page := d.Feed.Page(d.tenant.Name, at.epoch, at.after)
	tag := page.Epoch + "." + strconv.FormatUint(page.Sequence, 10)
	h := w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("ETag", quoted(tag))
	if wait == 0 && has(r.Header, tag) {
		w.WriteHeader(http.StatusNotModified)
		d.meter.answered("unchanged", began)
		return
	}
	page.Issuer, page.IssuedAt = d.tenant.Issuer, now
	signed, err := d.Sign(d.tenant.Name, revocation.Type, page.Claims())
	if err != nil {
		h.Del("ETag")
		d.turnAway(w, r, who, err, began)
		return
	}
	h.Set("Content-Type", "application/jwt")
	h.Set("Content-Length", strconv.Itoa(len(signed))) // a guard makes room for a page once
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(signed) // a caller that went away cannot be told
	d.meter.answered("page", began)
}

// readPlace reads how far a guard has read: places as in ETags, epoch.sequence, with commas between them, for it may have met other
// processes than this one. The one in our epoch counts; without it the feed begins at its beginning.
func readPlace(r *http.Request, epoch string) (at place, refusal *oauth.Error) {
	text := r.URL.Query().Get("after") // DecodeAsker has read the query: every parameter stands once
	if text == "" {
		return at, nil
	}
	known := strings.SplitN(text, ",", maxPlaces+1)
	for _, k := range known {
		e, number, _ := strings.Cut(k, ".")
		after, err := strconv.ParseUint(number, 10, 64)
		if err != nil || len(known) > maxPlaces {
			return place{}, oauth.Refuse(oauth.UnreadablePlace, "The parameter after is not a list of places like epoch.sequence.", "after is %q", oauth.Unproven(text))
		}
		if e == epoch {
			at = place{e, after}
		}
	}
	return at, nil
}

// preferredWait reads Prefer: wait=10, in seconds, no longer than longestWait. Preferences that cannot be read are ignored, and of two
// alike the first counts (RFC 7240, section 2).
func preferredWait(h http.Header) time.Duration {
	for _, line := range h["Prefer"] {
		for one := range strings.SplitSeq(line, ",") {
			one, _, _ = strings.Cut(one, ";")
			name, value, _ := strings.Cut(one, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 16)
			if err != nil {
				return 0
			}
			return min(time.Duration(seconds)*time.Second, longestWait)
		}
	}
	return 0
}
