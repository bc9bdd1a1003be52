package console

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// accountPage is what an operator sees of themself.
type accountPage struct {
	Username, Name string
	Enrolling      bool // they came by another operator's link, and nothing opens before they have set up a proof
	Roles          []roleLine
	Password       bool // they have one, with one-time codes
	Passkeys       []passkeyLine
	Recovery       int // codes not used yet
	Calendar       bool
	Sessions       []sessionLine
	Proofs         int
}

// roleLine is a role that somebody has.
type roleLine struct {
	Where string
	Role  operator.Role
}

type passkeyLine struct {
	ID                string // of the URL
	Name              string
	Created, LastUsed time.Time
	Last              bool // it is the last proof, and stays
}

// sessionLine is a session as it is listed, one's own or another's.
type sessionLine struct {
	ID, Method, Source, Agent string
	Created, LastSeen         time.Time
	Current                   bool
}

func account(v *visit) error {
	o := v.session.Operator
	all, err := v.Operators.Sessions(v.r.Context(), o.ID)
	if err != nil {
		return err
	}
	if v.session.Enrolling {
		all = slices.DeleteFunc(all, func(s *operator.Session) bool { return s.ID != v.session.ID })
	}
	page := accountPage{Username: o.Username, Name: o.Name, Enrolling: v.session.Enrolling, Roles: v.roleLines(o.Roles), Password: len(o.Hash) > 0, Recovery: len(o.Recovery),
		Calendar: len(o.CalendarKey) > 0, Sessions: sessionLines(all, v.session.ID), Proofs: proofs(o)}
	for _, k := range o.Passkeys {
		page.Passkeys = append(page.Passkeys, passkeyLine{base64.RawURLEncoding.EncodeToString(k.ID), k.Name, k.Created, k.LastUsed, page.Proofs == 1})
	}
	return v.render(http.StatusOK, "account", "Your account", page)
}

func sessionLines(all []*operator.Session, current string) []sessionLine {
	var lines []sessionLine
	for _, s := range all {
		source := s.Source
		if _, err := netip.ParseAddr(source); err != nil { // it was opened by something that has no address
			source = ""
		}
		lines = append(lines, sessionLine{s.ID, s.Method, source, browserOf(s.Agent), s.Created, s.LastSeen, s.ID == current})
	}
	return lines
}

// browserOf shortens what a browser calls itself to what tells two of them apart.
func browserOf(agent string) string {
	name := ""
	for _, known := range []string{"Edg/", "OPR/", "Firefox/", "HeadlessChrome/", "Chrome/", "Safari/"} {
		if strings.Contains(agent, known) {
			name = strings.TrimSuffix(strings.NewReplacer("Edg/", "Edge", "OPR/", "Opera").Replace(known), "/")
			break
		}
	}
	if name == "" {
		return clip(agent, 60)
	}
	for _, system := range []string{"Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"} {
		if strings.Contains(agent, system) {
			return name + " on " + strings.Replace(system, "Mac OS X", "macOS", 1)
		}
	}
	return name
}

func removePasskey(v *visit) error {
	id, err := base64.RawURLEncoding.DecodeString(v.r.PathValue("passkey"))
	if err != nil {
		return operator.ErrNotFound
	}
	has := false
	for _, k := range v.session.Operator.Passkeys {
		has = has || bytes.Equal(k.ID, id)
	}
	if !has {
		return operator.ErrNotFound
	}
	if err := v.Operators.RemovePasskey(v.r.Context(), v.session, id); err != nil {
		return err
	}
	return v.redirect("/account", "The passkey was removed. It lets nobody in any more.")
}

// codesPage shows recovery codes, once.
type codesPage struct{ Codes []oauth.Secret }

func newRecoveryCodes(v *visit) error {
	codes, err := v.Operators.NewRecoveryCodes(v.r.Context(), v.session)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "recovery_codes", "Recovery codes", codesPage{codes})
}

// calendarPage shows the address of a calendar, once.
type calendarPage struct{ URL string }

func newCalendarKey(v *visit) error {
	key, err := v.Operators.NewCalendarKey(v.r.Context(), v.session)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "calendar_key", "Calendar feed", calendarPage{strings.TrimSuffix(v.URL, "/") + "/calendar/" + key.Reveal() + ".ics"})
}

func endOwnSession(v *visit) error {
	id := v.r.PathValue("session")
	if id == v.session.ID {
		return signOut(v)
	}
	if v.session.Enrolling {
		return errEnrol
	}
	if err := v.Operators.EndSession(v.r.Context(), v.actor.By, v.session.Operator.ID, id); err != nil {
		return err
	}
	return v.redirect("/account", "That session has ended.")
}

func endOtherSessions(v *visit) error {
	if err := v.Operators.EndSessions(v.r.Context(), v.actor.By, v.session.Operator.ID, v.session.ID); err != nil {
		return err
	}
	return v.redirect("/account", "All your other sessions have ended.")
}
