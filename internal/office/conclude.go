package office

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Conclusion says of a refusal which check it was, and what helps.
type Conclusion struct {
	Case   oauth.Case // by which a surface finds what it adds; "": nothing to add
	Check  string     // with the clause it obeys; "": the event says too little
	Advice string     // names what to do, not the button or the command that does it: each surface adds its own
}

// Conclude reads what was refused from an event's case. Of an event without one, from an earlier version, it says which check its code is
// about, and no more.
func Conclude(e audit.Event) Conclusion {
	kind := oauth.Case(e.Detail[audit.CaseDetail])
	if c, known := conclusions[kind]; known {
		c.Case = kind
		return c
	}
	code, _, _ := strings.Cut(e.Reason, ":")
	if e.Act == Refused {
		return conclusions[oauth.NoRight]
	}
	if check := checks[oauth.Code(code)]; check != "" {
		return Conclusion{Check: check, Advice: "The reason says what did not fit."}
	}
	return Conclusion{}
}

// Names of checks, with the clauses they obey.
const (
	ofAuthentication = "client authentication (RFC 6749, section 2.3)"
	ofPassword       = "the user's password (RFC 6749, section 4.3)"
	ofRefresh        = "the refresh token (RFC 6749, section 6)"
	ofAccessToken    = "the access token (RFC 6750, section 3.1)"
	ofTokenForm      = "the form of the access token (RFC 6750, section 2.1)"
	ofRequest        = "the form of the request (RFC 6749, section 5.2)"
	ofCall           = "the form of the call"
	ofUse            = "what the client may use (RFC 6749, section 5.2)"
	ofBodyless       = "the request without a body (RFC 6749, section 5.2)"
	ofScope          = "the scope (RFC 6749, section 3.3)"
	ofPermission     = "the permission of the route (RFC 6750, section 3.1)"
	ofRates          = "the limit of requests"
	ofGuesses        = "the limit of wrong guesses"
	ofRoutes         = "the routes"
	ofHost           = "the host (RFC 9110, section 7.4)"
	ofAPI            = "the API behind the gateway"
	ofQuestion       = "how a proxy asks"
	ofStrangers      = "who may ask for decisions"
	ofSignIn         = "the sign-in to the console"
	ofKeys           = "the signing keys"
	ofOurs           = "what the server could do at that moment"
)

// checks are what refusals are about by their code alone.
var checks = map[oauth.Code]string{
	oauth.InvalidClient: ofAuthentication, oauth.MissingCredentials: ofAuthentication, oauth.InvalidGrant: "the grant: password or refresh token (RFC 6749, section 5.2)",
	oauth.TOTPRequired: ofPassword, oauth.PasswordResetRequired: ofPassword, oauth.UnauthorizedClient: ofUse, oauth.BodylessNotAllowed: ofBodyless, oauth.UnsupportedGrantType: ofRequest,
	oauth.InvalidScope: ofScope, oauth.InvalidRequest: ofRequest, oauth.MissingGrant: ofRequest, oauth.MethodNotAllowed: ofRequest,
	oauth.UnsupportedMediaType: ofRequest, oauth.TooLarge: ofRequest, oauth.InvalidToken: ofAccessToken, oauth.NoToken: ofAccessToken,
	oauth.MalformedToken: ofTokenForm, oauth.InsufficientScope: ofPermission, oauth.Throttled: ofRates, oauth.CrossOrigin: "where a browser's request comes from",
	oauth.Unavailable: ofOurs, oauth.ServerError: ofOurs, "not_found": ofRoutes, "misdirected": ofHost, "stranger": ofStrangers,
}
