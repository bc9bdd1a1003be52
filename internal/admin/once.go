package admin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How long an answer can be asked for again, how long a request can be under way, and how long the second one waits for the first.
const (
	keepAnswer = time.Hour
	underWay   = time.Minute
	waitFirst  = 5 * time.Second
	lookAgain  = 20 * time.Millisecond
)

// takesKey names the operations that make a secret or a registration, as the contract does.
var takesKey = map[string]bool{
	"POST /v1/tenants/{tenant}/clients":               true,
	"POST /v1/tenants/{tenant}/clients/import":        true,
	"POST /v1/tenants/{tenant}/clients/{id}/rotate":   true,
	"POST /v1/tenants/{tenant}/users":                 true,
	"POST /v1/tenants/{tenant}/users/import":          true,
	"POST /v1/tenants/{tenant}/users/{username}/totp": true,
	"POST /v1/operators":                              true,
	"POST /v1/operators/{operator}/invite":            true,
}

// answer is the stored form of an answer, sealed under a label that has the Idempotency-Key in it: whoever has the store and the
// key-encryption key still cannot read a secret from it. Until it is Done the request is under way, or nobody will ever know how it ended.
type answer struct {
	Request []byte      `json:"request"` // digest of the role that was answered, and of the body
	Begun   time.Time   `json:"begun"`
	Done    bool        `json:"done,omitempty"`
	Status  int         `json:"status,omitempty"`
	Header  http.Header `json:"header,omitempty"`
	Body    []byte      `json:"body,omitempty"`
}

// place is where an answer is kept.
type place struct {
	tenant, id, label string
}

// once answers a request that has an Idempotency-Key: the first time by doing it, later as it was answered then. Of two at the same
// moment the store lets one write first; the other waits for it.
func (a *api) once(w http.ResponseWriter, r *http.Request, c *call, pattern, text string) error {
	key, err := parseKey(text)
	if err != nil {
		return err
	}
	if isRehearsal(r) { // which spends no key: what could be done then may be done under it
		a.mux.ServeHTTP(w, r)
		return nil
	}
	name := strings.Join([]string{c.actor.By, pattern, r.URL.Path, key}, "\x00") // whichever way its names are escaped
	id := secret.Digest(name)
	at := place{c.tenant, base64.RawURLEncoding.EncodeToString(id[:]), "answer\x00" + name}
	// The roles belong to the request: a secret is not shown again to whoever would not be given it now.
	roles := string(c.actor.Roles[operator.All]) + "\x00" + string(c.actor.Roles[tenantIn(r)])
	digest := secret.Digest(roles + "\x00" + string(c.body))
	mine := answer{Request: digest[:], Begun: a.Now()}
	for until := time.Now().Add(waitFirst); ; {
		err := a.keep(r.Context(), at, 0, &mine)
		if err == nil {
			return a.first(w, r, at, mine)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		before, err := a.earlier(r.Context(), at)
		switch {
		case errors.Is(err, store.ErrNotFound): // the first has failed meanwhile, and may be tried again
			continue
		case err != nil:
			return err
		case !bytes.Equal(before.Request, digest[:]):
			return &refusal{kind: "key-reused", field: idempotencyKey, detail: "It was sent with another body, or in another role. Make a new key for a new request."}
		case before.Done:
			before.send(w)
			return nil
		case a.Now().Sub(before.Begun) >= underWay:
			return &refusal{kind: "lost-answer", field: idempotencyKey, detail: "A request with it was begun at " + before.Begun.UTC().Format(time.RFC3339) +
				", and may have been done: look, and make a new key."}
		case time.Now().After(until):
			return &refusal{kind: "in-progress", header: http.Header{"Retry-After": {"1"}}}
		}
		select {
		case <-time.After(lookAgain):
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
}

// first does what was asked and keeps the answer. What was refused or has failed may be tried again with the same key; what ended in a
// panic, or with the process, may have been done and may not.
func (a *api) first(w http.ResponseWriter, r *http.Request, at place, mine answer) error {
	ctx := context.WithoutCancel(r.Context()) // what was done must be found again, whether or not anybody waits for it still
	page := &written{header: w.Header().Clone()}
	a.mux.ServeHTTP(page, r)
	if page.status >= 300 {
		if err := a.Store.Delete(ctx, at.tenant, store.Answer, at.id); err != nil {
			a.Log.Error("an Idempotency-Key could not be set free", "request_id", callOf(ctx).id, "error", err)
		}
	} else {
		mine.Done, mine.Status, mine.Body, mine.Header = true, page.status, page.body.Bytes(), http.Header{}
		for _, name := range []string{"Content-Type", "Etag", "Location"} {
			if v := page.header.Values(name); len(v) > 0 {
				mine.Header[name] = v
			}
		}
		if err := a.keep(ctx, at, 1, &mine); err != nil {
			a.Log.Error("an answer could not be kept to be asked for again", "request_id", callOf(ctx).id, "error", err)
		}
	}
	for name, values := range page.header {
		w.Header()[name] = values
	}
	w.WriteHeader(page.status)
	_, _ = w.Write(page.body.Bytes()) // a caller that went away asks again
	return nil
}

// send answers as before.
func (n *answer) send(w http.ResponseWriter) {
	for name, values := range n.Header {
		w.Header()[name] = values
	}
	w.Header().Set(replayed, "true")
	w.WriteHeader(n.Status)
	_, _ = w.Write(n.Body)
}

func (a *api) keep(ctx context.Context, at place, rev uint64, n *answer) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	err = a.Store.Put(ctx, store.Record{Tenant: at.tenant, Kind: store.Answer, ID: at.id, Rev: rev, Expires: n.Begun.Add(keepAnswer), Body: a.Sealer.Seal(at.label, body)})
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

func (a *api) earlier(ctx context.Context, at place) (*answer, error) {
	rec, err := a.Store.Get(ctx, at.tenant, store.Answer, at.id)
	if err != nil {
		return nil, fmt.Errorf("look for an earlier answer: %w", err)
	}
	body, err := a.Sealer.Open(at.label, rec.Body)
	if err != nil {
		return nil, fmt.Errorf("open an earlier answer: %w", err)
	}
	n := &answer{}
	if err := json.Unmarshal(body, n); err != nil {
		return nil, fmt.Errorf("read an earlier answer: %w", err)
	}
	return n, nil
}

// written is an answer that is looked at before it is sent.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is part of http.ResponseWriter.
func (p *written) Header() http.Header { return p.header }

// WriteHeader is part of http.ResponseWriter.
func (p *written) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

// Write is part of http.ResponseWriter.
func (p *written) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}
