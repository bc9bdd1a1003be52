package oauth

import "strings"

// Case says exactly what was refused, and is what an operator's advice goes by. It is a code, a slash and a name: "invalid_client" is all
// that the caller learns, "invalid_client/unknown_client" is for the operator. This file is the one place where cases are declared;
// whoever makes a refusal names one, and package office has a conclusion for each.
type Case string

// Code returns what the caller is told of the case. Of some it is no Code of this package but a word of the gateway's.
func (c Case) Code() Code {
	code, _, _ := strings.Cut(string(c), "/")
	return Code(code)
}

// How a request for a token, or about one, is written.
const (
	WrongMethod       Case = "method_not_allowed/method"
	CompressedBody    Case = "unsupported_media_type/compressed"
	WrongContentType  Case = "unsupported_media_type/content_type"
	WrongCharset      Case = "unsupported_media_type/charset"
	LargeBody         Case = "too_large/body"
	BodyBrokeOff      Case = "invalid_request/body_broke_off"
	UnreadableBody    Case = "invalid_request/unreadable"
	RepeatedParameter Case = "invalid_request/repeated"
	SecretInQuery     Case = "invalid_request/in_query"
	MemberSpelling    Case = "invalid_request/member"
	UnusableValue     Case = "invalid_request/value"
	TwoCredentials    Case = "invalid_request/two_credentials"
	MissingParameter  Case = "invalid_request/missing_parameter"
	UnreadableBasic   Case = "invalid_client/unreadable_basic"
	CredentialControl Case = "invalid_client/control_character"
	LongCredential    Case = "invalid_client/long_credential"
	NoCredentials     Case = "missing_credentials/none"
	NoKnownForm       Case = "missing_credentials/no_known_form"
	NoGrantType       Case = "missing_grant/none"
	UnknownGrantType  Case = "unsupported_grant_type/unknown"
	BrowserAsks       Case = "cross_origin/browser"
	ScopeGrammar      Case = "invalid_scope/grammar"
	UnreadablePlace   Case = "invalid_request/feed_place"
)

// Who asks.
const (
	DisabledTenant   Case = "invalid_client/tenant_disabled"
	UnknownClient    Case = "invalid_client/unknown_client"
	WrongSecret      Case = "invalid_client/wrong_secret"
	MistypedSecret   Case = "invalid_client/mistyped_secret"
	ExpiredSecret    Case = "invalid_client/expired_secret"
	WrongAuthMethod  Case = "invalid_client/auth_method"
	WrongAddress     Case = "invalid_client/address"
	BarredClient     Case = "invalid_client/client_barred"
	SecretGuesses    Case = "throttled/secret_guesses"
	PasswordGuesses  Case = "throttled/password_guesses"
	BusyHashing      Case = "temporarily_unavailable/hashing"
	NoResourceServer Case = "insufficient_scope/no_resource_server"
)

// What a client may ask for, and how often.
const (
	PasswordGrantOff   Case = "unauthorized_client/password_grant_off"
	OtherGrants        Case = "unauthorized_client/grant"
	OtherDialects      Case = "unauthorized_client/dialect"
	BodylessTenant     Case = "bodyless_not_allowed/tenant"
	BodylessClient     Case = "bodyless_not_allowed/client"
	OnlyALabel         Case = "unauthorized_client/label"
	ClientRate         Case = "throttled/client_rate"
	TenantRate         Case = "throttled/tenant_rate"
	RevocationRate     Case = "throttled/revocations"
	ScopeNotOfContract Case = "invalid_scope/not_of_contract"
	ScopeNotHeld       Case = "invalid_scope/not_held"
	ScopeOfReplay      Case = "invalid_scope/replay"
)

// Passwords and refresh tokens.
const (
	UnknownUser          Case = "invalid_grant/unknown_user"
	WrongPassword        Case = "invalid_grant/wrong_password"
	BarredUser           Case = "invalid_grant/user_barred"
	WrongTOTP            Case = "invalid_grant/wrong_code"
	MissingTOTP          Case = "totp_required/none_sent"
	PasswordReset        Case = "password_reset_required/due"
	ForeignRefresh       Case = "invalid_grant/no_refresh_token"
	UnknownRefresh       Case = "invalid_grant/unknown_refresh_token"
	ForgedRefresh        Case = "invalid_grant/forged_refresh_token"
	RefreshOfOther       Case = "invalid_grant/refresh_token_of_other"
	EndedRefresh         Case = "invalid_grant/ended_refresh_token"
	ExpiredRefresh       Case = "invalid_grant/expired_refresh_token"
	ReusedRefresh        Case = "invalid_grant/reused_refresh_token"
	RefreshUserBarred    Case = "invalid_grant/refresh_user_barred"
	RefreshBeforeTenant  Case = "invalid_grant/refresh_before_tenant"
	RefreshBeforeUser    Case = "invalid_grant/refresh_before_user"
	RefreshBeforeClient  Case = "invalid_grant/refresh_before_client"
	KeyNotYet            Case = "invalid_request/key_not_yet"
	UnknownKeyToWithdraw Case = "invalid_request/no_such_key"
)

// An access token at an API.
const (
	NoTokenSent        Case = "no_token/none"
	OtherScheme        Case = "no_token/scheme"
	MalformedTokenText Case = "malformed_token/text"
	UnreadableToken    Case = "invalid_request/token_text"
	TwoTokens          Case = "invalid_request/two_tokens"
	TokenInURL         Case = "invalid_request/token_in_url"
	TokenLength        Case = "invalid_token/length"
	NoJWT              Case = "invalid_token/no_jwt"
	TokenHeader        Case = "invalid_token/header"
	UnknownKey         Case = "invalid_token/unknown_key"
	WithdrawnKey       Case = "invalid_token/withdrawn_key"
	WrongSignature     Case = "invalid_token/signature"
	TokenClaims        Case = "invalid_token/claims"
	OtherIssuer        Case = "invalid_token/issuer"
	OtherAudience      Case = "invalid_token/audience"
	ExpiredToken       Case = "invalid_token/expired"
	FutureToken        Case = "invalid_token/future"
	RevokedToken       Case = "invalid_token/revoked"
	InactiveToken      Case = "invalid_token/inactive"
	TokenTenantGone    Case = "invalid_token/tenant_gone"
	TokenClientGone    Case = "invalid_token/client_gone"
	TokenUserGone      Case = "invalid_token/user_gone"
	TokenBeforeTenant  Case = "invalid_token/before_tenant"
	TokenBeforeClient  Case = "invalid_token/before_client"
	TokenBeforeUser    Case = "invalid_token/before_user"
	TokenUnchecked     Case = "invalid_token/unchecked"
	PermissionLacking  Case = "insufficient_scope/permission"
	PermissionLost     Case = "insufficient_scope/permission_lost"
)

// A call at a gateway.
const (
	NeverForwarded    Case = "method_not_allowed/never_forwarded"
	OtherMethods      Case = "method_not_allowed/route"
	AmbiguousTarget   Case = "invalid_request/target"
	NoRoute           Case = "not_found/no_route"
	OtherOrigin       Case = "cross_origin/origin"
	CheckOnly         Case = "not_found/check_only"
	RouteRate         Case = "throttled/route_rate"
	LargeCall         Case = "too_large/call"
	APIUnreachable    Case = "bad_gateway/api"
	APISlow           Case = "gateway_timeout/api"
	CallerSlow        Case = "request_timeout/caller"
	CallerGone        Case = "closed/caller"
	AnswerBroken      Case = "broken_off/answer"
	CannotCheckNow    Case = "temporarily_unavailable/token_check"
	CannotCheck       Case = "server_error/token_check"
	GatewayFault      Case = "server_error/gateway"
	AllowedMeanwhile  Case = "temporarily_unavailable/allowed_meanwhile"
	UnknownHost       Case = "misdirected/host"
	OtherTLSName      Case = "misdirected/tls_name"
	StrangePeer       Case = "stranger/peer"
	StrangeSecret     Case = "stranger/secret"
	StrangeCert       Case = "stranger/certificate"
	CheckPath         Case = "not_found/check_path"
	CheckDescription  Case = "invalid_request/check_description"
	CheckOverreaching Case = "invalid_request/check_header"
	CheckUnknownHost  Case = "misdirected/check_host"
)

// An operator at the console or its API.
const (
	LinkDamaged       Case = "sign_in/link_damaged"
	LinkUsed          Case = "sign_in/link_used"
	LinkExpired       Case = "sign_in/link_expired"
	UnknownOperator   Case = "sign_in/unknown_operator"
	NoPassword        Case = "sign_in/no_password"
	WrongSignIn       Case = "sign_in/wrong_password"
	NoSecondFactor    Case = "sign_in/no_second_factor"
	WrongRecoveryCode Case = "sign_in/wrong_recovery_code"
	WrongSignInCode   Case = "sign_in/wrong_code"
	BarredOperator    Case = "sign_in/operator_barred"
	EndedSession      Case = "sign_in/session_ended"
	OtherSession      Case = "sign_in/session_of_other"
	SignInGuesses     Case = "sign_in/guesses"
	PasskeyCeremony   Case = "sign_in/passkey_ceremony"
	PasskeyUnknown    Case = "sign_in/passkey_unknown"
	PasskeyAnswer     Case = "sign_in/passkey_answer"
	PasskeyCounter    Case = "sign_in/passkey_counter"
	NoRight           Case = "role/no_right"
)
