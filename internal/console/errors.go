package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// errorPage is what a person reads when there is no other page.
type errorPage struct {
	Status  int
	Title   string
	Text    string
	By      string    // who changed what was to be changed; "" on other pages
	At      time.Time // when
	Back    string    // a page to go to
	BackTo  string    // what that page is
	Request string    // the request id
}

var errorTexts = map[int]struct{ title, text string }{
	http.StatusBadRequest:            {"That form cannot be read", "The browser sent something that no form of this console sends. Go back, load the page again and send it once more."},
	http.StatusForbidden:             {"You may not do that", "Your role does not allow it here. An owner can give you another role, under Operators."},
	http.StatusNotFound:              {"There is no such page", "What you look for has another address, was deleted, or belongs to a tenant you have no role in."},
	http.StatusMethodNotAllowed:      {"That is not how this page is used", "Open it from its link or its form; an address copied from a form's answer does not work by itself."},
	http.StatusConflict:              {"Changed meanwhile", "Somebody else has changed this since you loaded the page. Nothing of yours was saved."},
	http.StatusRequestEntityTooLarge: {"That is too long", "The form holds more than 64 KiB."},
	http.StatusMisdirectedRequest:    {"No console here", "The console answers under its own address only, and you came by another name."},
	http.StatusTooManyRequests:       {"Too many attempts", "Wait a moment and try again. Nothing was looked at meanwhile."},
	http.StatusInternalServerError:   {"Something went wrong here", "It is our fault, and it is written down in the log under the request id below. Nothing was saved by halves."},
	http.StatusServiceUnavailable:    {"Not available right now", "The store did not answer. Nothing was saved by halves; try again in a moment."},
}

// fail speaks for an error that an action returned.
func (v *visit) fail(err error) {
	if problem, ok := errors.AsType[*registry.Problem](err); ok { // an action that has a form shows it again with the problem; this one has none
		v.refuseWith(http.StatusUnprocessableEntity, func(p *errorPage) { p.Title, p.Text = "That does not work", problem.Text })
		return
	}
	if reading, ok := errors.AsType[*directory.Reading](err); ok {
		v.beingRead(reading)
		return
	}
	if busy, ok := errors.AsType[*limit.TooMany](err); ok {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(busy.RetryAfter.Seconds())+1))
		v.refuse(http.StatusTooManyRequests)
		return
	}
	if changed, ok := errors.AsType[*office.Changed](err); ok {
		v.refuseWith(http.StatusConflict, func(p *errorPage) { p.By, p.At = v.nameOf(changed.By), changed.At })
		return
	}
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.Is(err, operator.ErrSignIn):
		v.leadTo("/sign-in")
	case errors.Is(err, errEnrol):
		http.Redirect(v.w, v.r, "/account", http.StatusSeeOther) // which says why
	case errors.Is(err, operator.ErrStale):
		v.prove()
	case errors.Is(err, operator.ErrDenied):
		v.refuse(http.StatusForbidden)
	case errors.Is(err, operator.ErrNotFound), errors.Is(err, registry.ErrNotFound):
		v.refuse(http.StatusNotFound)
	case errors.Is(err, office.ErrChanged):
		v.refuse(http.StatusConflict)
	case errors.Is(err, errForm):
		v.refuse(http.StatusBadRequest)
	case tooLong:
		v.refuse(http.StatusRequestEntityTooLarge)
	case errors.Is(err, errRender):
		v.Log.Error("fault", "request_id", v.id, "path", loggedPath(v.r.URL.Path), "error", err)
		v.refuse(http.StatusInternalServerError)
	default: // whatever is asked reads or writes the store: what it says beside the above is that it could not
		if v.outages.admit() {
			v.Log.Error("unavailable", "request_id", v.id, "path", loggedPath(v.r.URL.Path), "error", err)
		}
		v.w.Header().Set("Retry-After", "5")
		v.refuse(http.StatusServiceUnavailable)
	}
}

// leadTo sends a person to sign in and lets them come back: to the page that was asked for, or to the one whose form was sent.
func (v *visit) leadTo(page string) {
	if next := v.comeBack(); next != "/" {
		page += "?next=" + url.QueryEscape(next)
	}
	http.Redirect(v.w, v.r, page, http.StatusSeeOther)
}

func (v *visit) comeBack() string {
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		return nextOf(v.r.URL.RequestURI())
	}
	at, err := url.Parse(v.r.Referer())
	if err != nil || !strings.EqualFold(at.Host, v.r.Host) {
		return "/"
	}
	return nextOf(at.RequestURI())
}

// refuse answers with the page of a status.
func (v *visit) refuse(status int) { v.refuseWith(status, func(*errorPage) {}) }

func (v *visit) refuseWith(status int, edit func(*errorPage)) {
	text, ok := errorTexts[status]
	if !ok {
		text.title = http.StatusText(status)
	}
	page := errorPage{Status: status, Title: text.title, Text: text.text, Request: v.id, Back: "/", BackTo: "To the overview"}
	if v.session == nil {
		page.Back, page.BackTo = "/sign-in", "To sign-in"
	}
	if status == http.StatusConflict {
		page.Back, page.BackTo = v.comeBack(), "Load it again"
	}
	edit(&page)
	if err := v.render(status, "error", page.Title, page); err != nil {
		v.Log.Error("cannot render an error page", "request_id", v.id, "error", err)
		http.Error(v.w, page.Title, status)
	}
}
