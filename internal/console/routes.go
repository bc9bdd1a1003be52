package console

import (
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// route is one line of the table. A pattern with {tenant} is a page of that tenant; all others are the desk's own.
type route struct {
	pattern string         // method and path, as http.ServeMux has them
	right   operator.Right // that a GET needs before its page is made; "": none beyond a role. A POST's right is for package office to ask, which writes refusals down
	do      action
	open    bool // needs no session
	enrols  bool // is part of setting up a proof, which is all that an enrolling session is for
}

// frameRoutes are the pages of this area: signing in, one's own account, operators, overview and settings.
var frameRoutes = []route{
	{pattern: "GET /static/{file}", do: static, open: true},
	{pattern: "GET /favicon.ico", do: favicon, open: true},
	{pattern: "POST /csp-report", do: cspReport, open: true},
	{pattern: "GET /{$}", do: root},

	{pattern: "GET /sign-in", do: signIn, open: true},
	{pattern: "POST /sign-in", do: signInNow, open: true},
	{pattern: "GET /sign-in/link", do: signInLink, open: true},
	{pattern: "POST /sign-in/link", do: signInByLink, open: true},
	{pattern: "POST /passkey/sign-in/begin", do: passkeySignIn, open: true},
	{pattern: "POST /passkey/sign-in/finish", do: passkeySignedIn, open: true},
	{pattern: "GET /sign-in/again", do: again},
	{pattern: "POST /sign-in/again", do: againNow},
	{pattern: "GET /confirmed", do: confirmed},
	{pattern: "POST /passkey/again/begin", do: passkeyAgain},
	{pattern: "POST /passkey/again/finish", do: passkeyShownAgain},
	{pattern: "POST /sign-out", do: signOut, enrols: true},

	{pattern: "GET /account", do: account, enrols: true},
	{pattern: "GET /account/password", do: password, enrols: true},
	{pattern: "POST /account/password", do: setPassword, enrols: true},
	{pattern: "POST /passkey/add/begin", do: passkeyAdd, enrols: true},
	{pattern: "POST /passkey/add/finish", do: passkeyAdded, enrols: true},
	{pattern: "POST /account/passkeys/{passkey}/remove", do: removePasskey},
	{pattern: "POST /account/recovery-codes", do: newRecoveryCodes},
	{pattern: "POST /account/calendar-key", do: newCalendarKey},
	{pattern: "POST /account/sessions/{session}/end", do: endOwnSession, enrols: true},
	{pattern: "POST /account/sessions/end-others", do: endOtherSessions},

	{pattern: "GET /operators", right: operator.ReadOperators, do: operators},
	{pattern: "POST /operators", right: operator.ChangeOperators, do: createOperator},
	{pattern: "GET /operators/new", right: operator.ChangeOperators, do: newOperator},
	{pattern: "GET /operators/{operator}", right: operator.ReadOperators, do: showOperator},
	{pattern: "POST /operators/{operator}", right: operator.ChangeOperators, do: changeOperator},
	{pattern: "POST /operators/{operator}/disable", right: operator.ChangeOperators, do: disableOperator},
	{pattern: "POST /operators/{operator}/enable", right: operator.ChangeOperators, do: enableOperator},
	{pattern: "POST /operators/{operator}/delete", right: operator.ChangeOperators, do: deleteOperator},
	{pattern: "POST /operators/{operator}/invite", right: operator.ChangeOperators, do: inviteOperator},
	{pattern: "POST /operators/{operator}/clear-proofs", right: operator.ChangeOperators, do: clearProofs},
	{pattern: "POST /operators/{operator}/sessions/end", right: operator.ChangeOperators, do: endOperatorSessions},
	{pattern: "POST /operators/{operator}/sessions/{session}/end", right: operator.ChangeOperators, do: endOperatorSession},

	{pattern: "GET /settings", right: operator.ReadSettings, do: settings},
	{pattern: "GET /t/{tenant}", right: operator.ReadClients, do: overview},
	{pattern: "GET /t/{tenant}/settings", right: operator.ReadSettings, do: tenantSettings},
}

// routes returns the whole table.
func routes() []route {
	return slices.Concat(frameRoutes, clientRoutes, deskRoutes)
}
