package office

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Conclusion says of a refusal which check it was, and what helps.
type Conclusion struct {
	Code   oauth.Code // the case, by which a surface finds what it adds: as a rule the code that the reason begins with; "": nothing to add
	Check  string     // with the clause it obeys; "": the reason says too little
	Advice string     // names what to do, not the button or the command that does it: each surface adds its own
}

// TakenBack is the case of a token that was revoked, which its reason calls an invalid one.
const TakenBack oauth.Code = "taken_back"

var conclusions = map[oauth.Code]Conclusion{
	oauth.InvalidClient: {Check: "client authentication (RFC 6749, section 2.3)", Advice: "Compare the client id, and look at the client: is it disabled or expired, " +
		"and is the secret still one of its live ones? A secret that is lost or mistyped cannot be read back; rotate it for a new one."},
	oauth.MissingCredentials: {Check: "client authentication (RFC 6749, section 2.3)",
		Advice: "The request carried neither an Authorization header nor credentials in its body. The contract of its dialect shows where they stand."},
	oauth.InvalidGrant: {Check: "the grant: password or refresh token (RFC 6749, section 5.2)",
		Advice: "A refresh token is good once and ends with its user's password; a new one is got by signing in. Look at the user: disabled, or another password?"},
	oauth.TOTPRequired:          {Check: "the one-time code", Advice: "The password was right; the code of the user's authenticator has to be sent along."},
	oauth.PasswordResetRequired: {Check: "the password", Advice: "The password was right and has to be replaced first: set the user a new one."},
	oauth.UnauthorizedClient: {Check: "what the client may use (RFC 6749, section 5.2)",
		Advice: "The client is registered for other grants or dialects; whoever may change clients can widen them."},
	oauth.BodylessNotAllowed: {Check: "the request without a body (RFC 6749, section 5.2)",
		Advice: "The credential is right, but it may not ask without a body. Allow token requests without a body for the client and, where the reason " +
			"names the tenant, in the settings (allow_bodyless_token); or let the caller send grant_type=client_credentials in the body."},
	oauth.UnsupportedGrantType: {Check: "the grant type (RFC 6749, section 5.2)", Advice: "The contract of this endpoint takes other grants; its dialect shows which."},
	oauth.InvalidScope: {Check: "the scope (RFC 6749, section 3.3)",
		Advice: "Ask for no more than is held, or give the client the permission; its next token has it."},
	oauth.InvalidRequest: {Check: "the form of the request (RFC 6749, section 5.2)", Advice: "Compare the request with the contract of its dialect: the reason says what cannot be read."},
	oauth.InvalidToken: {Check: "the access token (RFC 6750, section 3.1)",
		Advice: "The caller needs a new token. When it has just got one: is it sent to the API it was issued for, and are both clocks right?"},
	oauth.NoToken:        {Check: "the access token (RFC 6750, section 2)", Advice: "The call carried no token where this API looks for one; its dialect shows where."},
	oauth.MalformedToken: {Check: "the form of the access token (RFC 6750, section 2.1)", Advice: "What was carried cannot be a token: look for quotes, line ends or a word too many."},
	oauth.InsufficientScope: {Check: "the permission of the route (RFC 6750, section 3.1)",
		Advice: "Give the client the permission; its next token has it."},
	oauth.Throttled:   {Check: "the limit of requests or of wrong guesses", Advice: "Wait as long as Retry-After said. Limits stand in the settings: rate, client_rate, and rate of a route."},
	oauth.CrossOrigin: {Check: "where a browser's request comes from", Advice: "Secrets do not belong in web pages: ask from a server."},
	oauth.Unavailable: {Check: "what the server could do at that moment", Advice: "Nothing was wrong with the request; the server's log has the fault under the same request id."},

	// what gateways and guards refuse by words of their own
	"not_found":          {Check: "the routes", Advice: "No API of this tenant declares the method and path, and what no route names is refused. Routes stand in the settings."},
	"method_not_allowed": {Check: "the methods of the route", Advice: "The path is declared, for other methods."},
	"misdirected":        {Check: "the host", Advice: "No tenant has this host name among its hosts in the settings."},
	"stranger": {Check: "who may ask for decisions",
		Advice: "Compare what the proxy sends, and where it asks from, with check in the settings: secret_file, peers, tls.client_ca."},
	"too_large": {Check: "the size of the request",
		Advice: "How many bytes a call may have says max_body of its route, in the settings; a request for a token may have 64 KiB."},
}

// Conclude reads the act and the reason of a refusal: of what they do not say, it says nothing either.
func Conclude(act, reason string) Conclusion {
	switch {
	case act == Refused:
		return Conclusion{Check: "the operator's role", Advice: "An owner of the installation can give another role."}
	case act == "operator.sign-in.refuse":
		return Conclusion{Check: "the sign-in to the console", Advice: "Whoever has lost what they sign in with starts over by a new link, which an owner makes."}
	}
	word, _, _ := strings.Cut(reason, ":")
	code := oauth.Code(word)
	c, known := conclusions[code]
	if !known {
		code = code.Standard()
		if c, known = conclusions[code]; !known {
			return Conclusion{}
		}
	}
	c.Code = code
	ofAPI := strings.HasPrefix(act, "api.")
	switch {
	case strings.HasPrefix(reason, "invalid_token: revoked: "):
		c.Code, c.Advice = TakenBack, "It was taken back on purpose; the audit log says by whom. The caller needs a new token."
	case ofAPI && code == oauth.InvalidRequest:
		c.Code, c.Check, c.Advice = "", "the form of the call", "Two programs could read the call differently; what exactly, the reason says."
	case ofAPI && code == oauth.CrossOrigin:
		c.Advice = "Name the page's origin in cors.origins of the API, in the settings."
	case act == "check.refuse" && code != "stranger" && code != "misdirected":
		c.Code, c.Check, c.Advice = "", "how a proxy asks", "It asks at /check, /check/nginx, /check/refusal or /check/envoy and describes the call by five headers "+
			"X-Forwarded-…, each once: docs/guard.md."
	}
	return c
}
