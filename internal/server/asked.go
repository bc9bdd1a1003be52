package server

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Where each tenant answers requests about tokens.
const (
	IntrospectPath = "/oauth2/introspect"  // what is known of one (RFC 7662)
	RevokePath     = "/oauth2/revoke"      // takes one back (RFC 7009)
	FeedPath       = "/oauth2/revocations" // all that has been taken back, for guards that follow it
)

// own returns what a tenant's paths do, but for its token endpoints.
func (h *Handler) own(t *Tenant) map[string]answer {
	paths := map[string]answer{}
	for path, docs := range t.resources() {
		paths[path] = resource(docs)
	}
	if h.Issuer == nil {
		return paths
	}
	paths[metadataPath] = public(constant(rendered(t.describe())), "application/json")
	paths[openIDPath] = public(h.openID(t), "application/json")
	paths[JWKSPath] = h.keys(t)
	paths[IntrospectPath] = h.introspect(t)
	paths[RevokePath] = h.revoke(t)
	paths[FeedPath] = h.revocations(t)
	return paths
}

// Paths returns the paths that a server with an issuer answers for the tenant by itself, in byte order: neither a route of an API nor,
// beside those that are one already, a token endpoint can be at any of them.
func (t *Tenant) Paths() []string {
	paths := []string{metadataPath, openIDPath, JWKSPath, IntrospectPath, RevokePath, FeedPath}
	paths = slices.AppendSeq(paths, maps.Keys(t.Endpoints))
	paths = slices.AppendSeq(paths, maps.Keys(t.resources()))
	slices.Sort(paths)
	return slices.Compact(paths)
}

// desk is one of the endpoints that are about tokens: how it says no.
type desk struct {
	*Handler
	tenant *Tenant
	act    string // of its refusals, in the audit record
	meter  *askMeter
}

// turnAway answers a request that got no further, for a refusal or a fault of ours, in the words of the standard, and writes the one
// line about it.
func (d *desk) turnAway(w http.ResponseWriter, r *http.Request, who *oauth.Asker, err error, began time.Time) {
	refusal := d.explain(who.RequestID, err)
	d.Log.LogAttrs(context.Background(), slog.LevelInfo, d.act, slog.String("request_id", who.RequestID), slog.String("tenant", who.Tenant),
		slog.String("client", refusal.Client), slog.String("code", string(refusal.Code)), slog.String("case", string(refusal.Case)), slog.String("reason", refusal.Reason),
		slog.String("source", who.From()))
	dialect.Standard().EncodeError(w, refusal, dialect.About{RequestID: who.RequestID, Path: r.URL.Path, Realm: d.tenant.Issuer})
	d.meter.answered(string(refusal.Code), began)
}

// misread is turnAway for what could not even be read; nobody else has recorded it yet.
func (d *desk) misread(w http.ResponseWriter, r *http.Request, who *oauth.Asker, refusal *oauth.Error, began time.Time) {
	d.Issuer.NoteAsked(d.act, who, refusal)
	d.turnAway(w, r, who, refusal, began)
}

// sentBy fills in what the surface knows of who asks.
func sentBy(who *oauth.Asker, known edge.Request) {
	who.Tenant, who.RequestID, who.Caller = known.Tenant, known.ID, known.Caller
}

func quoted(tag string) string { return `"` + tag + `"` }

// has reports whether the caller has what a tag stands for (RFC 9110, section 13.1.2).
func has(h http.Header, tag string) bool {
	for _, line := range h["If-None-Match"] {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == quoted(tag) {
				return true
			}
		}
	}
	return false
}
