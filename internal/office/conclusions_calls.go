package office

import "github.com/tokenbooth/tokenbooth/oauth"

// ofCalls are the conclusions of calls to APIs, of questions that proxies ask, and of operators.
var ofCalls = map[oauth.Case]Conclusion{
	// an access token at an API
	oauth.NoTokenSent: about("the access token (RFC 6750, section 2)",
		"The call carried no token where this API looks for one; its dialect shows where."),
	oauth.OtherScheme: about("the access token (RFC 6750, section 2.1)",
		"Send the token as Authorization: Bearer; credentials are for the token endpoint."),
	oauth.MalformedTokenText: about(ofTokenForm,
		"What was carried cannot be a token: look for quotes, line ends or a word too many."),
	oauth.UnreadableToken: about(ofTokenForm,
		"What was carried cannot be a token: look for quotes, line ends or a word too many."),
	oauth.TwoTokens: about(ofTokenForm,
		"Send the token once, in one header, and none in the URL."),
	oauth.TokenInURL: about(ofTokenForm,
		"Take the token out of the URL, where logs keep it, and revoke it."),
	oauth.TokenLength: about(ofTokenForm,
		"No token of this installation is as long: look at what the caller sends as one."),
	oauth.NoJWT: about(ofTokenForm,
		"What was carried is no token of this issuer, or a damaged one: is it cut short, or another "+
			"system's?"),
	oauth.TokenHeader: about(ofTokenForm,
		"The token is not an access token, or another system's: an ID token or a refresh token is none."),
	oauth.UnknownKey: about(ofAccessToken,
		"No key of the issuer has the name in the token: is it of another tenant, another environment, or"+
			" signed before keys were made anew?"),
	oauth.WithdrawnKey: about(ofAccessToken,
		"The key that signed the token was revoked: the caller needs a new token."),
	oauth.WrongSignature: about(ofAccessToken,
		"The token was changed after it was signed, or is forged: is something on the way editing "+
			"headers?"),
	oauth.TokenClaims: about(ofAccessToken,
		"The issuer signed a token that says too little or too much for this API: the reason names the "+
			"claim."),
	oauth.OtherIssuer: about(ofAccessToken,
		"The token is another issuer's: compare the two in the reason. Behind a proxy, has issuer in the "+
			"settings changed?"),
	oauth.OtherAudience: about(ofAccessToken,
		"The token was issued for another API: ask for a permission of this one, or give it to the "+
			"client."),
	oauth.ExpiredToken: about(ofAccessToken,
		"The token is over: the caller has to ask for a new one in time, before expires_in has passed."),
	oauth.FutureToken: about(ofAccessToken,
		"The token's time has not come: the clocks of issuer and guard differ by more than is allowed. "+
			"Set both by NTP."),
	oauth.RevokedToken: about(ofAccessToken,
		"It was revoked on purpose; the audit log says by whom. The caller needs a new token."),
	oauth.InactiveToken: about(ofAccessToken,
		"The token is unknown, over or revoked: the caller needs a new one."),
	oauth.TokenTenantGone: about("the tenant",
		"The tenant is disabled in the settings, or gone from them."),
	oauth.TokenClientGone: about("the client",
		"The client is disabled, deleted or expired: enable it if it should go on, then it asks for a new"+
			" token."),
	oauth.TokenUserGone: about("the user",
		"The user is disabled or deleted: enable them if they should go on; then they sign in again."),
	oauth.TokenBeforeTenant: about(ofAccessToken,
		"All tokens of the tenant were revoked since: the caller needs a new one."),
	oauth.TokenBeforeClient: about(ofAccessToken,
		"The client was disabled, or its tokens were revoked, since: the caller needs a new one."),
	oauth.TokenBeforeUser: about(ofAccessToken,
		"The user's password was changed, or their tokens were revoked, since: they sign in again."),
	oauth.TokenUnchecked: about(ofOurs,
		"The call stayed open, and its token could not be checked again, so it was cut. The server's log "+
			"has the fault; the caller may call again."),
	oauth.PermissionLacking: about(ofPermission,
		"Give the client the permission; its next token has it."),
	oauth.PermissionLost: about(ofPermission,
		"The client lost the permission while the call was open. Give it back if it should go on."),

	// a call at a gateway
	oauth.NeverForwarded: about(ofCall,
		"TRACE and CONNECT are never forwarded: use another method."),
	oauth.OtherMethods: about("the methods of the route",
		"The path is declared for other methods, which the reason names: use one, or declare this one in "+
			"the settings."),
	oauth.AmbiguousTarget: about(ofCall,
		"Two programs could read the path or query differently; what exactly, the reason says. Send it in"+
			" its plain spelling."),
	oauth.NoRoute: about(ofRoutes,
		"No API of this tenant declares the path, and what no route names is refused. Compare it, letter "+
			"case included, with the routes in the settings."),
	oauth.CheckOnly: about(ofRoutes,
		"The API is guarded by a proxy of its own: call it at that proxy's address, or give it an "+
			"upstream in the settings."),
	oauth.OtherOrigin: about("where a browser's request comes from",
		"Name the page's origin in cors.origins of the API, in the settings."),
	oauth.RouteRate: about("the limit of calls",
		"The caller calls the route more often than its rate allows: wait as long as Retry-After said, or"+
			" raise the rate in the settings."),
	oauth.LargeCall: about("the size of the call",
		"The body is larger than max_body of the route allows: send less, or raise it in the settings."),
	oauth.APIUnreachable: about(ofAPI,
		"The call was let through, but the API could not be reached or broke off: is it running at its "+
			"upstream? The server's log has the fault."),
	oauth.APISlow: about(ofAPI,
		"The call was let through, but the API did not begin to answer within its timeout: look at the "+
			"API, or give it a longer timeout."),
	oauth.CallerSlow: about(ofCall,
		"The caller's body stood still for too long on its way: look at the caller's network."),
	oauth.CallerGone: about(ofCall,
		"The caller closed the connection before the answer was complete: its timeout may be shorter than"+
			" the API needs."),
	oauth.AnswerBroken: about(ofAPI,
		"The answer broke off after it had begun: look at the API's log, by the same request id."),
	oauth.CannotCheckNow: about(ofOurs,
		"Nothing was wrong with the call: its token could not be checked at that moment. The server's log"+
			" has the fault under the same request id."),
	oauth.CannotCheck: about(ofOurs,
		"Nothing was wrong with the call: checking its token failed. The server's log has the fault under"+
			" the same request id."),
	oauth.GatewayFault: about(ofOurs,
		"A fault of the gateway, not of the call: the server's log has it under the same request id."),
	oauth.AllowedMeanwhile: about(ofQuestion,
		"nginx asked why a call was refused, and by then it was not any more: the caller may call again."),
	oauth.UnknownHost: about(ofHost,
		"No tenant has this host name among its hosts in the settings: add it there, or use one of those."+
			" A proxy in between has to pass Host on."),
	oauth.OtherTLSName: about(ofHost,
		"The TLS handshake (SNI) and the Host header name different hosts. Let the caller, or the proxy "+
			"in between, use one name for both."),
	oauth.StrangePeer: about(ofStrangers,
		"Compare where the proxy asks from with check.peers in the settings."),
	oauth.StrangeSecret: about(ofStrangers,
		"Compare what the proxy sends as Tokenbooth-Proxy-Secret with check.secret_file in the settings."),
	oauth.StrangeCert: about(ofStrangers,
		"Let the proxy show a certificate of check.tls.client_ca in the settings."),
	oauth.CheckPath: about(ofQuestion,
		"It asks at /check, /check/nginx, /check/refusal or /check/envoy: docs/guard.md."),
	oauth.CheckDescription: about(ofQuestion,
		"It describes the call by five headers X-Forwarded-…, each once: docs/guard.md."),
	oauth.CheckOverreaching: about(ofQuestion,
		"Let the proxy take this header out of the caller's request, as in docs/guard.md, or an API could"+
			" believe it."),
	oauth.CheckUnknownHost: about(ofHost,
		"The proxy asked about a host that no tenant has among its hosts in the settings: add it there, "+
			"or pass on the caller's Host."),

	// an operator
	oauth.LinkDamaged: about(ofSignIn,
		"The link is none of ours, or was cut short: copy it whole, or have an owner make a new one."),
	oauth.LinkUsed: about(ofSignIn,
		"A link is good once, and a newer one takes its place: an owner makes a new one. If nobody "+
			"remembers using it, look who did."),
	oauth.LinkExpired: about(ofSignIn,
		"The link is too old: an owner makes a new one."),
	oauth.UnknownOperator: about(ofSignIn,
		"Nobody has the name that was typed, and it is not kept: people type passwords there. Compare it "+
			"with the list of operators."),
	oauth.NoPassword: about(ofSignIn,
		"The operator has set no password: sign in with a passkey, or by a new link, which an owner "+
			"makes."),
	oauth.WrongSignIn: about(ofSignIn,
		"The password was another. An operator who has lost it starts over by a new link, which an owner "+
			"makes."),
	oauth.NoSecondFactor: about(ofSignIn,
		"A password alone lets nobody in: sign in by a new link, which an owner makes, and set up "+
			"one-time codes."),
	oauth.WrongRecoveryCode: about(ofSignIn,
		"The password was right; each recovery code is good once. Use another, or a new link, which an "+
			"owner makes."),
	oauth.WrongSignInCode: about(ofSignIn,
		"The password was right; the code was not, or was used already. Check the clock of the "+
			"authenticator."),
	oauth.BarredOperator: about(ofSignIn,
		"The operator is disabled or deleted; an owner can enable them again."),
	oauth.EndedSession: about(ofSignIn,
		"The session ended while its operator proved who they are: sign in again."),
	oauth.OtherSession: about(ofSignIn,
		"Somebody proved to be another operator than the session's: sign out first."),
	oauth.SignInGuesses: about(ofGuesses,
		"Wrong passwords or codes came before this one, which was not looked at: wait, then try again. A "+
			"passkey is not counted."),
	oauth.PasskeyCeremony: about(ofSignIn,
		"The page was open too long, or its answer was sent twice: load the page again. Do all processes "+
			"share one key-encryption key?"),
	oauth.PasskeyUnknown: about(ofSignIn,
		"No operator has this passkey, or not any more: use another, or a new link, which an owner makes."),
	oauth.PasskeyAnswer: about(ofSignIn,
		"The passkey's answer does not fit: is the console open under the address that its settings name?"),
	oauth.PasskeyCounter: about(ofSignIn,
		"The passkey may have been copied: take it away from the operator, and let them set up another."),
	oauth.NoRight: about("the operator's role",
		"An owner of the installation can give another role."),
}
