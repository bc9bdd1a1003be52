package office

import (
	"maps"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// about is a conclusion, as the table below writes it.
func about(check, advice string) Conclusion { return Conclusion{Check: check, Advice: advice} }

// conclusions has what follows from each case that package oauth declares.
var conclusions = func() map[oauth.Case]Conclusion {
	all := maps.Clone(ofTokens)
	maps.Copy(all, ofCalls)
	return all
}()

// ofTokens are the conclusions of requests for tokens, and about them.
var ofTokens = map[oauth.Case]Conclusion{
	// how a request is written
	oauth.WrongMethod: about(ofRequest,
		"Use the method that the contract of the endpoint shows: tokens are asked for with POST."),
	oauth.CompressedBody: about(ofRequest,
		"Send the body as it is, without Content-Encoding."),
	oauth.WrongContentType: about(ofRequest,
		"Set Content-Type to the one the contract shows, with UTF-8 as the only charset."),
	oauth.WrongCharset: about(ofRequest,
		"Send the body in UTF-8: the charset that the reason names is another, and the bytes are no "+
			"UTF-8."),
	oauth.LargeBody: about(ofRequest,
		"A request for a token may have 64 KiB: look at what the caller puts into it."),
	oauth.BodyBrokeOff: about(ofRequest,
		"The connection ended before the body did: look at the caller's network and timeouts, and at "+
			"proxies in between."),
	oauth.UnreadableBody: about(ofRequest,
		"The body is not what its Content-Type says, or a query cannot be read. Compare it with the "+
			"contract, quotes and escapes included."),
	oauth.RepeatedParameter: about(ofRequest,
		"Send each parameter and header once, in one place: two programs could read different values."),
	oauth.SecretInQuery: about(ofRequest, "Move credentials and tokens from the URL into the header or the body. Logs on the way have kept what stood in the URL, so "+
		"replace it."),
	oauth.MemberSpelling: about(ofRequest,
		"Spell the members of the JSON object as the contract does, capital letters included, and give "+
			"each a string."),
	oauth.UnusableValue: about(ofRequest,
		"A value is too long, or has a line end or another control character: look at how the caller "+
			"reads and joins it."),
	oauth.TwoCredentials: about(ofAuthentication,
		"Send the credentials once: in the Authorization header or in the body, not in both."),
	oauth.MissingParameter: about(ofRequest,
		"Send what the reason names. Was it empty, or spelled differently?"),
	oauth.UnreadableBasic: about(ofAuthentication,
		"Encode id:secret as one line of base64, with its padding. In a shell: printf '%s' "+
			"\"$ID:$SECRET\" | base64 -w0."),
	oauth.CredentialControl: about(ofAuthentication, "There is a line end or another control character in the id or the secret, as echo or a file's last line adds. "+"Take it out: in a shell, printf '%s' instead of echo. The secret itself may be right."),
	oauth.LongCredential: about(ofAuthentication,
		"The id or the secret is longer than any can be: look at what the caller puts there."),
	oauth.NoCredentials: about(ofAuthentication,
		"The request carried neither an Authorization header nor credentials in its body. The contract "+
			"shows where they stand."),
	oauth.NoKnownForm: about(ofAuthentication,
		"The body is of another kind than the contract's, or there is none: compare body and Content-Type"+
			" with the contract."),
	oauth.NoGrantType: about(ofRequest,
		"Say which grant is wanted: grant_type=client_credentials, or as the contract spells it."),
	oauth.UnknownGrantType: about("the grant type (RFC 6749, section 5.2)",
		"The contract of this endpoint takes other grants, and shows which."),
	oauth.BrowserAsks: about("where a browser's request comes from",
		"Secrets do not belong in web pages: ask from a server."),
	oauth.ScopeGrammar: about(ofScope,
		"Write the scope as words with one space between them, without quotes. Is it another value, such "+
			"as a secret?"),
	oauth.UnreadablePlace: about(ofRequest,
		"A follower of the feed asks from a place that it was told before. Is something between the two "+
			"changing URLs?"),

	// who asks
	oauth.DisabledTenant: about("the tenant",
		"The tenant is disabled in the settings, or gone from them."),
	oauth.UnknownClient: about(ofAuthentication, "Compare the client id with those there are. Is it another tenant's, cut short, or do id and secret stand in each other's "+
		"place? A name that nobody has is kept unreadable; the command line can compare it with a name."),
	oauth.WrongSecret: about(ofAuthentication,
		"The secret is none of the client's. A lost secret cannot be read back; rotate it for a new one."),
	oauth.MistypedSecret: about(ofAuthentication,
		"The secret was cut short or mistyped on its way to the caller: copy it again, whole. Rotate it "+
			"if it is lost."),
	oauth.ExpiredSecret: about(ofAuthentication,
		"The secret was right and is over: give the caller the newer one, or rotate for a new one."),
	oauth.WrongAuthMethod: about(ofAuthentication,
		"The secret was right, but stood where the client may not send it: move it, or allow the client "+
			"this way."),
	oauth.WrongAddress: about("the client's allowed IP addresses",
		"The secret was right. Add the caller's address to those allowed; behind a proxy, is it in "+
			"trusted_proxies?"),
	oauth.BarredClient: about("the client",
		"The secret was right, but the client is disabled, deleted or expired: enable it, or give it "+
			"another expiry, if it should go on."),
	oauth.SecretGuesses: about(ofGuesses,
		"Wrong secrets came before this request, which was not looked at. Stop the caller that retries, "+
			"then wait as long as Retry-After said."),
	oauth.PasswordGuesses: about(ofGuesses,
		"Wrong passwords came before this one, which was not looked at. Wait as long as Retry-After said;"+
			" is a program retrying an old password?"),
	oauth.BusyHashing: about(ofOurs,
		"More passwords were waiting to be checked than may wait; the caller may ask again after a "+
			"second. If it goes on, look who signs in so often."),
	oauth.NoResourceServer: about("who may read what was revoked",
		"Make the client a resource server for the APIs it guards."),

	// what a client may ask for
	oauth.PasswordGrantOff: about(ofUse,
		"The tenant does not allow the password grant. Its settings can, with allow_password_grant, for "+
			"callers that cannot do without."),
	oauth.OtherGrants: about(ofUse,
		"The client is registered for other grants: use one of those, or allow it this one."),
	oauth.OtherDialects: about(ofUse,
		"The client is pinned to other dialects: ask at an endpoint of one of those, or allow it this "+
			"one."),
	oauth.BodylessTenant: about(ofBodyless,
		"The credential is right. Allow requests without a body for the tenant, in the settings "+
			"(allow_bodyless_token); or send grant_type=client_credentials in the body."),
	oauth.BodylessClient: about(ofBodyless,
		"The credential is right. Allow the client token requests without a body; or send "+
			"grant_type=client_credentials in the body."),
	oauth.OnlyALabel: about(ofUse,
		"In this contract callers only name themselves, and a name holds no permissions: sign in with a "+
			"user, or ask at another endpoint."),
	oauth.ClientRate: about(ofRates,
		"The client asks more often than client_rate allows. A token lasts: keep it until it expires "+
			"instead of asking for each call."),
	oauth.TenantRate: about(ofRates,
		"All clients of the tenant together ask more often than its rate allows: find the busiest, or "+
			"raise rate in the settings."),
	oauth.RevocationRate: about(ofRates,
		"The client revokes so many tokens that the list fills. Let tokens expire, or revoke all tokens "+
			"of the client at once."),
	oauth.ScopeNotOfContract: about(ofScope,
		"This contract has one scope, which the reason names: ask for that, or for none. What a token may"+
			" do is in the client's permissions."),
	oauth.ScopeNotHeld: about(ofScope,
		"Ask for no more than is held, or give the permission; the next token has it."),
	oauth.ScopeOfReplay: about(ofScope,
		"A refresh token that is sent again is answered as before: ask for the same scope, or use the new"+
			" refresh token."),

	// passwords and refresh tokens
	oauth.UnknownUser: about(ofPassword, "Compare the user name with those there are. A name that nobody has is kept unreadable, for people type passwords there; the "+
		"command line can compare it with a name."),
	oauth.WrongPassword: about(ofPassword,
		"The user exists, the password is another. Has it been changed, or does a program still send the "+
			"old one? Set a new one if it is lost."),
	oauth.BarredUser: about("the user",
		"The password was right, but the user is disabled or deleted: enable them if they should go on."),
	oauth.WrongTOTP: about("the one-time code",
		"The password was right; the code was not, or was used already. Check the clock of the "+
			"authenticator, and send each code once."),
	oauth.MissingTOTP: about("the one-time code",
		"The password was right; the code of the user's authenticator has to be sent along."),
	oauth.PasswordReset: about("the password",
		"The password was right and has to be replaced first: set the user a new one."),
	oauth.ForeignRefresh: about(ofRefresh,
		"What was sent is no refresh token of this installation, or was cut short. Was the access token "+
			"sent in its place?"),
	oauth.UnknownRefresh: about(ofRefresh,
		"The refresh token ran out, or is another tenant's: sign in again for a new one."),
	oauth.ForgedRefresh: about(ofRefresh,
		"The user has signed in again since, which voids earlier refresh tokens, or the token was made "+
			"up: sign in again, and keep one copy."),
	oauth.RefreshOfOther: about(ofRefresh,
		"The refresh token was given to another client: send it under the client id that it was given to."),
	oauth.EndedRefresh: about(ofRefresh,
		"The refresh token was revoked, or used twice before; the audit log says by whom. Sign in again "+
			"for a new one."),
	oauth.ExpiredRefresh: about(ofRefresh,
		"The refresh token was not used for as long as its contract allows: sign in again for a new one."),
	oauth.ReusedRefresh: about(ofRefresh,
		"A used refresh token came back, so somebody has a copy, and the chain was ended. Does the caller"+
			" keep the new token of each answer? Sign in again."),
	oauth.RefreshUserBarred: about("the user",
		"The user is disabled or deleted: enable them if they should go on; then they sign in again."),
	oauth.RefreshBeforeTenant: about(ofRefresh,
		"All tokens of the tenant were revoked since: sign in again for a new one."),
	oauth.RefreshBeforeUser: about(ofRefresh,
		"The user's password was changed, or their tokens were revoked, since: sign in again for a new "+
			"one."),
	oauth.RefreshBeforeClient: about(ofRefresh,
		"The client was disabled, or its tokens were revoked, since: sign in again for a new one."),
	oauth.KeyNotYet: about(ofKeys,
		"Wait until verifiers have read the next key, or, if the key has leaked, rotate without waiting."),
	oauth.UnknownKeyToWithdraw: about(ofKeys,
		"Compare the key id with those there are; a key whose time is over is gone."),
}
