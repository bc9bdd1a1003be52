package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// staff is what the command line does about operators, here or there.
type staff interface {
	List(context.Context) ([]*operator.Operator, error)
	Get(context.Context, string) (*operator.Operator, error)
	Create(context.Context, operator.Operator) (*operator.Operator, error)
	Update(ctx context.Context, act, id string, rev uint64, edit func(*operator.Operator) error) (*operator.Operator, error)
	Delete(context.Context, string, uint64) error
	Invite(context.Context, string, time.Duration) (oauth.Secret, time.Time, error)
	ClearProofs(context.Context, string, uint64) (*operator.Operator, error)
	Sessions(context.Context, string) ([]*operator.Session, error)
	EndSession(ctx context.Context, operatorID, sessionID string) error
	EndSessions(ctx context.Context, operatorID, except string) error
	Events(context.Context, audit.Query) ([]audit.Event, string, bool, error)
}

var (
	_ staff = (*office.Staff)(nil)
	_ staff = (*RemoteStaff)(nil)
)

// remoteStaff dials the world's operators as the program of a role.
func (w *world) remoteStaff(as string, transport http.RoundTripper) *RemoteStaff {
	w.t.Helper()
	r, err := DialStaff(w.server.URL, func(context.Context) (string, error) { return w.tokens[as], nil }, transport)
	w.must(err)
	return r
}

// counted counts requests.
type counted struct{ n int }

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	return http.DefaultTransport.RoundTrip(r)
}

func TestAllOperatorsComeFromFarAwayHoweverManyThereAre(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	for i := range maxPage + 5 {
		w.operator(fmt.Sprintf("op-%03d", i), nil)
	}
	sent := &counted{}
	all, err := w.remoteStaff("desk-auditor", sent).List(t.Context())
	if err != nil || len(all) != maxPage+5 || sent.n != 2 {
		t.Fatalf("%d in %d requests, %v", len(all), sent.n, err)
	}
	for i, o := range all {
		if o.Username != fmt.Sprintf("op-%03d", i) {
			t.Errorf("at %d is %s", i, o.Username)
		}
	}
}

func TestAnOperatorIsTheSameAtBothEnds(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.deskPrograms()
	r := w.remoteStaff("desk-owner", nil)
	near := w.options.Office.Operators(&operator.Actor{By: "cli:root", Roles: map[string]operator.Role{operator.All: operator.Owner}})
	made, err := r.Create(ctx, operator.Operator{Username: "Ada@Desk.test", Name: "Ada", Roles: map[string]operator.Role{"acme": operator.Editor, operator.All: operator.Viewer}})
	w.must(err)
	w.prove(made.ID)
	w.session(made.ID)
	want, err := near.Get(ctx, made.ID)
	w.must(err)
	got, err := r.Get(ctx, made.ID)
	w.must(err)
	ignore := cmpopts.IgnoreFields(operator.Operator{}, "Rev", "Hash", "TOTP", "Passkeys", "Recovery", "CalendarKey", "Link", "Links", "Epoch")
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("here, and from far away: %s", diff)
	}
	if !got.HasPassword() || !got.HasProof() || len(got.Passkeys) == 0 || made.HasProof() {
		t.Errorf("it can sign in with %+v", got)
	}
	here, err := near.Sessions(ctx, made.ID)
	w.must(err)
	there, err := r.Sessions(ctx, made.ID)
	w.must(err)
	if diff := cmp.Diff(here, there, cmpopts.IgnoreUnexported(operator.Session{}), cmpopts.IgnoreFields(operator.Session{}, "Operator")); diff != "" || there[0].Operator.ID != made.ID {
		t.Errorf("sessions here, and from far away: %s", diff)
	}
	if bare, err := r.ClearProofs(ctx, made.ID, got.Edition); err != nil || bare.HasProof() {
		t.Errorf("%+v, %v", bare, err)
	}
	w.must(r.Delete(ctx, made.ID, 0))
	if _, err := r.Get(ctx, made.ID); !errors.Is(err, operator.ErrNotFound) {
		t.Error(err)
	}
}

func TestAnOperatorsChangeFromFarAwayHasItsNameAndLosesNothing(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.deskPrograms()
	r := w.remoteStaff("desk-owner", nil)
	ada := w.operator("ada", map[string]operator.Role{"acme": operator.Viewer})
	rename := func(to string) func(*operator.Operator) error {
		return func(o *operator.Operator) error { o.Name = to; return nil }
	}
	changed, err := r.Update(ctx, "operator.update", ada.ID, ada.Edition, rename("Ada"))
	if err != nil || changed.Name != "Ada" || changed.Roles["acme"] != operator.Viewer || changed.Edition != ada.Edition+1 {
		t.Fatalf("%+v, %v", changed, err)
	}
	_, err = r.Update(ctx, "operator.update", ada.ID, ada.Edition, rename("Eve"))
	if faster, ok := errors.AsType[*office.Changed](err); !ok || faster.By != "program:acme/desk-owner" {
		t.Errorf("a lost update: %v", err)
	}
	raced := false
	changed, err = r.Update(ctx, "operator.update", ada.ID, 0, func(o *operator.Operator) error {
		if !raced {
			raced = true
			_, err := w.people.Update(ctx, by, "operator.update", ada.ID, 0, func(o *operator.Operator) error { o.Name = "Countess"; return nil })
			w.must(err)
		}
		o.Roles["other"] = operator.Auditor
		return nil
	})
	if err != nil || changed.Name != "Countess" || len(changed.Roles) != 2 {
		t.Errorf("%+v, %v", changed, err)
	}
	for _, disabled := range []bool{true, false} {
		act := "operator." + turn(disabled)
		w.pass(time.Second)
		if o, err := r.Update(ctx, act, ada.ID, 0, func(o *operator.Operator) error { o.Disabled = disabled; return nil }); err != nil || o.Disabled != disabled || len(o.Roles) != 2 {
			t.Errorf("%+v, %v", o, err)
		}
		events, _, _, err := r.Events(ctx, audit.Query{Subject: "operator:" + ada.ID, Limit: 1})
		if err != nil || len(events) != 1 || events[0].Act != act || events[0].Tenant != "" {
			t.Errorf("written down is %+v, %v", events, err)
		}
	}
}

func TestALinkWhoseAnswerIsLostIsMadeOnce(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.deskPrograms()
	ada := w.operator("ada", nil)
	url, expires, err := w.remoteStaff("desk-owner", &losing{left: 2}).Invite(ctx, ada.ID, time.Hour)
	if err != nil || !expires.Equal(w.clock().Add(time.Hour)) {
		t.Fatal(expires, err)
	}
	if is, err := w.people.Get(ctx, ada.ID); err != nil || is.Links != 1 {
		t.Errorf("%d links were made, %v", is.Links, err)
	}
	if _, _, err := w.people.SignInByLink(ctx, oauth.Secret(strings.TrimPrefix(url.Reveal(), linkURL)), operator.From{}); err != nil {
		t.Error(err)
	}
	r := w.remoteStaff("desk-owner", nil)
	all, err := r.Sessions(ctx, ada.ID)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := r.EndSessions(ctx, ada.ID, all[0].ID); err == nil || !strings.Contains(err.Error(), all[0].ID) {
		t.Errorf("to leave one out: %v", err)
	}
	w.must(r.EndSession(ctx, ada.ID, all[0].ID))
	w.session(ada.ID)
	w.must(r.EndSessions(ctx, ada.ID, ""))
	if all, err := r.Sessions(ctx, ada.ID); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
}

func TestWhatIsRefusedAboutOperatorsIsSaidInOurOwnErrors(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.deskPrograms()
	ada := w.operator("ada", map[string]operator.Role{operator.All: operator.Owner})
	r := w.remoteStaff("desk-owner", nil)
	keep := func(*operator.Operator) error { return nil }
	for what, call := range map[string]func(*RemoteStaff, string) error{
		"get": func(r *RemoteStaff, id string) error { _, err := r.Get(ctx, id); return err },
		"update": func(r *RemoteStaff, id string) error {
			_, err := r.Update(ctx, "operator.update", id, 0, keep)
			return err
		},
		"invite":       func(r *RemoteStaff, id string) error { _, _, err := r.Invite(ctx, id, time.Hour); return err },
		"clear":        func(r *RemoteStaff, id string) error { _, err := r.ClearProofs(ctx, id, 0); return err },
		"delete":       func(r *RemoteStaff, id string) error { return r.Delete(ctx, id, 0) },
		"sessions":     func(r *RemoteStaff, id string) error { _, err := r.Sessions(ctx, id); return err },
		"end":          func(r *RemoteStaff, id string) error { return r.EndSession(ctx, id, "none") },
		"end sessions": func(r *RemoteStaff, id string) error { return r.EndSessions(ctx, id, "") },
	} {
		if err := call(r, "no/body"); !errors.Is(err, operator.ErrNotFound) || errors.Is(err, registry.ErrNotFound) || !strings.Contains(err.Error(), "no/body") {
			t.Errorf("%s of nobody: %v", what, err)
		}
		if err := call(w.remoteStaff("owner", nil), ada.ID); !errors.Is(err, operator.ErrDenied) {
			t.Errorf("%s by an owner of a tenant: %v", what, err)
		}
	}
	for field, call := range map[string]func() error{
		"username": func() error {
			_, err := r.Create(ctx, operator.Operator{Username: "ada", Roles: map[string]operator.Role{"acme": operator.Viewer}})
			return err
		},
		"lifetime": func() error { _, _, err := r.Invite(ctx, ada.ID, 8*24*time.Hour); return err },
		"roles":    func() error { return r.Delete(ctx, ada.ID, 0) },
	} {
		if p, ok := errors.AsType[*registry.Problem](call()); !ok || p.Field != field {
			t.Errorf("%s: %+v", field, p)
		}
	}
	if _, _, _, err := w.remoteStaff("editor", nil).Events(ctx, audit.Query{}); !errors.Is(err, operator.ErrDenied) {
		t.Error(err)
	}
	if err := r.Delete(ctx, ada.ID, 7); !errors.Is(err, office.ErrChanged) {
		t.Error(err)
	}
}
