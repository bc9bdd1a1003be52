package console

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// refusalWords say of a refusal which check it was, and what helps.
type refusalWords struct{ Check, Advice string }

var wordsOfRefusals = map[oauth.Code]refusalWords{
	oauth.InvalidClient: {"who is asking (RFC 6749, section 2.3)",
		"Compare the client id, and look at the client: is it disabled or expired, is the secret still one of its live ones? A secret that is lost or mistyped cannot be read back; rotate it for a new one."},
	oauth.MissingCredentials:    {"who is asking (RFC 6749, section 2.3)", "The request carried neither an Authorization header nor credentials in its body. The Dialects page shows where the contract has them."},
	oauth.InvalidGrant:          {"the password or the refresh token (RFC 6749, section 5.2)", "A refresh token is good once and ends with its user's password. Sign in again for a new one."},
	oauth.TOTPRequired:          {"the one-time code", "The password was right; the code of the user's authenticator has to be sent along."},
	oauth.PasswordResetRequired: {"the password", "The password was right and has to be replaced first, on the user's page."},
	oauth.UnauthorizedClient:    {"what the client may use (RFC 6749, section 5.2)", "The client's page lists the grants and dialects it may use; an editor can widen them."},
	oauth.UnsupportedGrantType:  {"the grant type (RFC 6749, section 5.2)", "The Dialects page shows which grants the contract of this endpoint takes."},
	oauth.InvalidScope:          {"the scope (RFC 6749, section 3.3)", "Ask for no more than is held, or give the client the permission on its page."},
	oauth.InvalidRequest:        {"the form of the request (RFC 6749, section 5.2)", "Paste the request into the playground of its dialect: it says what cannot be read."},
	oauth.InvalidToken:          {"the access token (RFC 6750, section 3.1)", "The caller needs a new token. When it has just got one: is it sent to the API it was issued for, and are both clocks right?"},
	oauth.NoToken:               {"the access token (RFC 6750, section 2)", "The call carried no token where this API looks for one; the Dialects page shows where."},
	oauth.MalformedToken:        {"the form of the access token (RFC 6750, section 2.1)", "What was carried cannot be a token: look for quotes, line ends or a word too many."},
	oauth.InsufficientScope:     {"the permission of the route (RFC 6750, section 3.1)", "Give the client the permission on its page; its next token has it."},
	oauth.Throttled:             {"the limit of requests or of wrong guesses", "Wait as long as Retry-After said. Limits stand in the settings: rate, client_rate, and rate of a route."},
	oauth.CrossOrigin:           {"where a browser's request comes from", "Secrets do not belong in web pages: ask from a server. For calls to an API, its cors in the settings names the pages that may."},
	oauth.Unavailable:           {"what the server could do at that moment", "Nothing was wrong with the request; the server's log has the fault under the same request id."},
	"not_found":                 {"the routes", "No API of this tenant declares the method and path; what no route names is refused. The routes are on the page APIs & permissions."},
	"method_not_allowed":        {"the method", "The path is known, for other methods."},
	"misdirected":               {"the host", "No tenant has this host name among its hosts in the settings."},
	"stranger":                  {"who may ask for decisions", "Compare what the proxy sends, and where it asks from, with check in the settings: secret_file, peers, tls.client_ca."},
	"too_large":                 {"the size of the request", "How many bytes a request may have says max_body of the route, in the settings; a request for a token 64 KiB."},
}

// wordsOf reads the code that the reason of a refusal begins with. A reason without one has none.
func wordsOf(reason string) refusalWords {
	code, _, _ := strings.Cut(reason, ":")
	if strings.HasPrefix(reason, "invalid_token: revoked: ") {
		return refusalWords{wordsOfRefusals[oauth.InvalidToken].Check, "It was taken back on purpose; the log says by whom. The caller needs a new token."}
	}
	if w, ok := wordsOfRefusals[oauth.Code(code)]; ok {
		return w
	}
	return wordsOfRefusals[oauth.Code(code).Standard()]
}
