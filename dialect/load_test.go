package dialect

import (
	"errors"
	"strings"
	"testing"
)

// sound is a dialect without a fault. Each row below breaks it in one place.
const sound = `# A contract.
# @dialect acme
# @token jwt
# @lifetime 900s
# @refresh 15d, absolute 90d

### a token
# @grant client_credentials
POST /token
Authorization: Basic {{client_id}}:{{client_secret}}
Content-Type: application/x-www-form-urlencoded

grant_type=client_credentials&scope={{scope?}}

### a person
# @grant password
POST /token
Content-Type: application/x-www-form-urlencoded

grant_type=password&username={{username}}&password={{password}}&client_id={{client_id}}

### again
# @grant refresh_token
POST /token
Content-Type: application/x-www-form-urlencoded

grant_type=refresh_token&refresh_token={{refresh_token}}

### answer
# @when issued
HTTP/1.1 200 OK
Content-Type: application/json

{"access_token":"{{access_token}}","expires_in":{{expires_in}},"refresh_token":"{{refresh_token?}}"}

### refusal
# @when refused
HTTP/1.1 {{status}}
Content-Type: application/json

{"error":"{{error}}","error_description":"{{error_description?}}"}

### a call
# @carry
GET /things
Authorization: Bearer {{access_token}}

### the API refuses
# @when invalid_token
HTTP/1.1 401 Unauthorized
WWW-Authenticate: Bearer realm="{{realm}}", error="invalid_token"
`

var loadFaults = []struct {
	name, old, new, want string
}{
	// The file.
	{"empty", sound, "", `acme.http:1:1: @dialect is missing: write a line like # @dialect nexthink above the first block`},
	{"too large", "# A contract.", strings.Repeat("# ä\n", 1<<16), `acme.http:1:1: the file is larger than 256 KiB: a contract is a page, cut it down`},
	{"not UTF-8", "A contract", "A \xffcontract", `acme.http:1:5: a control character or a byte that is not UTF-8: take it out`},
	{"a control character", "acme", "ac\x00me", `acme.http:2:14: a control character or a byte that is not UTF-8: take it out`},
	{"columns count characters", "A contract", "Ä Ö Ü \x01", `acme.http:1:9: a control character or a byte that is not UTF-8: take it out`},
	{"message above the first block", "# A contract.", "POST /token", `acme.http:1:1: a message needs a block: put a line of ### and a title above it`},
	{"block without a message", "### a person", "### nothing\n\n### a person", `acme.http:15:1: the block has no message: write a request line (POST /token) or a status line (HTTP/1.1 200 OK)`},
	{"directive below its message", "### refusal\n# @when refused", "# @when refused", `acme.http:36:3: a directive stands above its message: start a block with a line of ### first`},

	// Directives.
	{"unknown directive in the preamble", "# @token jwt", "# @tokens jwt", `acme.http:3:3: unknown directive @tokens; above the first block stand dialect, token, lifetime, scope, refresh, client`},
	{"unknown directive in a block", "# @carry", "# @bring", `acme.http:44:3: unknown directive @bring; a block has grant, accept, carry or when`},
	{"directive of a block in the preamble", "# @token jwt", "# @token jwt\n# @when issued", `acme.http:4:3: unknown directive @when; above the first block stand dialect, token, lifetime, scope, refresh, client`},
	{"directive twice", "# @token jwt", "# @token jwt\n#   @token uuid", `acme.http:4:5: @token stands here a second time: keep one`},
	{"directive twice in a block", "# @when issued", "# @when issued\n# @when refused", `acme.http:31:3: @when stands here a second time: keep one`},
	{"no name", "# @dialect acme\n", "", `acme.http:1:1: @dialect is missing: write a line like # @dialect nexthink above the first block`},
	{"no token form", "# @token jwt\n", "", `acme.http:1:1: @token is missing: write a line like # @token jwt above the first block`},
	{"no lifetime", "# @lifetime 900s\n", "", `acme.http:1:1: @lifetime is missing: write a line like # @lifetime 900s above the first block`},
	{"bad name", "dialect acme", "dialect Acme & Co", `acme.http:2:3: a dialect's name is 1 to 32 of a-z, 0-9 and -, not "Acme & Co"`},
	{"bad token form", "token jwt", "token jwe", `acme.http:3:3: a token is jwt, opaque or uuid, not "jwe"`},
	{"lifetime without a unit", "900s", "900", `acme.http:4:3: a lifetime is whole seconds like 900s, from 10s to 14d, not "900"`},
	{"lifetime too short", "900s", "5s", `acme.http:4:3: a lifetime is whole seconds like 900s, from 10s to 14d, not "5s"`},
	{"lifetime too long", "900s", "15d", `acme.http:4:3: a lifetime is whole seconds like 900s, from 10s to 14d, not "15d"`},
	{"lifetime of half a second", "900s", "900500ms", `acme.http:4:3: a lifetime is whole seconds like 900s, from 10s to 14d, not "900500ms"`},
	{"bad scope", "# @token jwt", "# @token jwt\n# @scope a  b", `acme.http:4:3: a scope is words with one space between them (RFC 6749, section 3.3), not "a  b"`},
	{"bad client", "# @token jwt", "# @token jwt\n# @client name", `acme.http:4:3: @client can only be: label, default {{username}}`},
	{"accept with a word", "# @grant password", "# @accept anything", `acme.http:16:3: @accept stands alone or with the word bodyless, not "anything"`},
	{"unknown grant", "# @grant password", "# @grant authorization_code", `acme.http:16:3: a grant is client_credentials, password or refresh_token, not "authorization_code"`},
	{"unknown grant of an answer", "# @when invalid_token", "# @when invalid_token\n# @grant implicit", `acme.http:50:3: a grant is client_credentials, password or refresh_token, not "implicit"`},
	{"unknown case", "# @when refused", "# @when denied", `acme.http:37:3: unknown case "denied"; there are ` + sorted(situations)},
	{"accept before any grant", "# @grant client_credentials", "# @accept", `acme.http:7:1: no block above says which grant this is: write # @grant client_credentials, password or refresh_token`},
	{"neither request nor answer", "# @grant password\n", "", `acme.http:15:1: a block is a request (@grant or @accept), a call with a token (@carry alone), or an answer (@when, and it starts with HTTP/1.1)`},
	{"a request with @when", "# @grant password", "# @when issued", `acme.http:15:1: a block is a request (@grant or @accept), a call with a token (@carry alone), or an answer (@when, and it starts with HTTP/1.1)`},

	// @refresh.
	{"refresh without a time", "15d, absolute", "soon, absolute", `acme.http:5:3: "soon" is no time like 15d or 12h`},
	{"refresh, absolute without a time", "90d", "later", `acme.http:5:3: "absolute later" is no time like 15d or 12h`},
	{"refresh with other words", "absolute 90d", "rotating", `acme.http:5:3: after @refresh stand a time, then absolute and a time, then: one per username and client_id; not "rotating"`},
	{"absolute twice", "absolute 90d", "absolute 90d, absolute 80d", `acme.http:5:3: after @refresh stand a time, then absolute and a time, then: one per username and client_id; not "absolute 80d"`},
	{"chain shorter than its link", "absolute 90d", "absolute 9d", `acme.http:5:3: a refresh token lives a minute at least, its chain (absolute) no shorter than that and no longer than 400d`},
	{"refresh tokens without @refresh", "# @refresh 15d, absolute 90d\n", "", `acme.http:1:1: refresh tokens are spoken of, but nothing says how long they live: write a line like # @refresh 15d`},
	{"refresh that nobody takes", "### again\n# @grant refresh_token\nPOST /token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token&refresh_token={{refresh_token}}\n", "",
		`acme.http:1:1: @refresh promises refresh tokens, but no block with @grant refresh_token takes them`},
	{"refresh that no answer shows", `,"refresh_token":"{{refresh_token?}}"`, "", `acme.http:1:1: @refresh promises refresh tokens, but no answer has the hole {{refresh_token}}`},
	{"refresh without a person", "### a person\n# @grant password\nPOST /token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&username={{username}}&password={{password}}&client_id={{client_id}}\n", "",
		`acme.http:1:1: @refresh promises refresh tokens, but only the password grant brings one, and no block has @grant password`},
	{"refresh token for a client", "{{refresh_token?}}", "{{refresh_token}}",
		`acme.http:29:1: client_credentials brings no refresh token (RFC 6749, section 4.4.3): write {{refresh_token?}}, or a block with @grant client_credentials`},

	// Requests.
	{"another method", "POST /token\nAuthorization", "GET /token\nAuthorization", `acme.http:9:1: a token is asked for with POST (RFC 6749, section 3.2), not "GET"`},
	{"a host", "POST /token\nAuthorization", "POST https://acme.example/token\nAuthorization", `acme.http:9:6: a request line is POST and a path that starts with /, without a host: POST /token`},
	{"another version", "POST /token\nAuthorization", "POST /token HTTP/2\nAuthorization", `acme.http:9:6: a request line is POST and a path that starts with /, without a host: POST /token`},
	{"a hole in the URL", "POST /token\nAuthorization", "POST /token?secret={{client_secret}}\nAuthorization", `acme.http:9:20: no hole may stand in a URL, because addresses are logged: put it into a header or the body`},
	{"a hole in the URL of a call", "GET /things", "GET /things?access_token={{access_token}}", `acme.http:45:26: no hole may stand in a URL, because addresses are logged: put it into a header or the body`},
	{"a bad query", "POST /token\nAuthorization", "POST /token?a=%zz\nAuthorization", `acme.http:9:13: the query string cannot be read: a parameter is not form-encoded`},
	{"a header without a colon", "Authorization: Basic", "Authorization Basic", `acme.http:10:1: a header line is a name, a colon and a value; a body needs an empty line above it`},
	{"a folded header", "Authorization: Basic", " Authorization: Basic", `acme.http:10:1: a header line is a name, a colon and a value; a body needs an empty line above it`},
	{"a header without a value", "Authorization: Basic {{client_id}}:{{client_secret}}", "Authorization:", `acme.http:10:15: the header Authorization has no value: write one, or take the line out`},
	{"a header that is not ASCII", "Authorization: Basic", "Accept: café\nAuthorization: Basic", `acme.http:10:12: a header value is printable ASCII: take this character out`},
	{"a header twice", "Authorization: Basic", "Accept: a\nAccept: b\nAuthorization: Basic", `acme.http:11:1: the header Accept stands here a second time: keep one`},
	{"another way to authenticate", "Basic {{client_id}}:{{client_secret}}", "Digest {{client_id}}", `acme.http:10:16: in a request for a token Authorization can only be: Basic {{client_id}}:{{client_secret}}`},
	{"half a hole in a header", "Authorization: Basic", "X-Id: id-{{client_id}}\nAuthorization: Basic", `acme.http:10:7: a header value is a constant or one hole of a request: ` + requestSet.String()},
	{"an unknown hole in a header", "Authorization: Basic", "X-Id:  {{client}}\nAuthorization: Basic", `acme.http:10:8: unknown hole {{client}}; there are ` + strings.Join(holeNames, ", ")},
	{"a header for two holes", "&client_id={{client_id}}\n\n### again\n# @grant refresh_token\nPOST /token\n",
		"\n\n### other\n# @accept\nPOST /token\nX-Id: {{client_id}}\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=password&username={{username}}&password={{password}}\n\n### again\n# @grant refresh_token\nPOST /token\nX-Id: {{username}}\n",
		`acme.http:33:7: in another block of /token the header X-Id is another hole`},
	{"an unknown hole in a body", "{{username}}", "{{user}}", `acme.http:20:30: unknown hole {{user}}; there are ` + strings.Join(holeNames, ", ")},
	{"a hole that is not closed", "{{scope?}}", "{{scope?}", `acme.http:13:37: the hole is not closed: {{ needs }}`},
	{"a form where none is known", "{{scope?}}", "{{scope:s}}", `acme.http:13:37: {{scope}} has no form s: take it out`},
	{"half a hole in a body", "{{scope?}}", "x-{{scope?}}", `acme.http:13:37: a value in a body is a constant or one hole of a request: ` + requestSet.String()},
	{"a hole of answers in a request", "{{scope?}}", "{{realm}}", `acme.http:13:37: a value in a body is a constant or one hole of a request: ` + requestSet.String()},
	{"a parameter for two holes", "&client_id={{client_id}}", "&client_id={{client_id}}&scope={{client_id}}", `acme.http:20:75: in another block of /token the parameter scope is another hole`},
	{"a parameter that is constant and hole", "&client_id={{client_id}}", "&client_id={{client_id}}&scope=all", `acme.http:15:1: the parameter scope of /token is a constant in one block and a hole in another`},
	{"a parameter twice", "&client_id={{client_id}}", "&username={{client_id}}", `acme.http:20:1: the body cannot be read: a parameter is repeated`},
	{"an empty value", "&client_id={{client_id}}", "&client_id=", `acme.http:20:1: the body cannot be read: the value of client_id is not a text: every value is a constant text or a hole`},
	{"a form on two lines", "&client_id=", "\n&client_id=", `acme.http:20:1: the body cannot be read: a form stands on one line`},
	{"a body without a content type", "Content-Type: application/x-www-form-urlencoded\n\ngrant_type=password", "\ngrant_type=password", `acme.http:19:1: a body needs a Content-Type above it that says what it is: application/x-www-form-urlencoded or application/json`},
	{"a content type nobody reads", "x-www-form-urlencoded\n\ngrant_type=password", "xml\n\ngrant_type=password", `acme.http:20:1: a body needs a Content-Type above it that says what it is: application/x-www-form-urlencoded or application/json`},
	{"JSON that is none", "x-www-form-urlencoded\n\ngrant_type=password&username={{username}}", "json\n\n{\"username\"", `acme.http:20:1: the body cannot be read: the body is not JSON`},
	{"JSON with a number", "x-www-form-urlencoded\n\ngrant_type=password&username={{username}}&password={{password}}&client_id={{client_id}}", "json\n\n{\"n\":1}", `acme.http:20:1: the body cannot be read: the value of n is not a text: every value is a constant text or a hole`},
	{"a grant without what it needs", "&password={{password}}", "", `acme.http:15:1: a block with @grant password needs {{password}}`},
	{"a grant that can do without what it needs", "Basic {{client_id}}:{{client_secret}}\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope={{scope?}}",
		"Basic x\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&client_id={{client_id}}&client_secret={{client_secret?}}", `acme.http:7:1: a block with @grant client_credentials needs {{client_secret}}`},
	{"two grants for one request", "grant_type=password&", "grant_type=client_credentials&", `acme.http:15:1: the request in line 7 has the same constants but @grant client_credentials: write a constant that tells them apart`},
	{"bodyless with a body", "# @grant client_credentials", "# @grant client_credentials\n# @accept bodyless", `acme.http:7:1: @accept bodyless is for client_credentials with neither body nor query: take the word out, or the body`},
	{"no body, not bodyless", "\ngrant_type=client_credentials&scope={{scope?}}\n", "", `acme.http:7:1: the request has neither body nor query to say what is wanted: write a body, or # @accept bodyless`},
	{"no request", sound[strings.Index(sound, "### a token"):strings.Index(sound, "### answer")], "", `acme.http:1:1: the dialect has no request: write a block with @grant`},
	{"a label with a secret", "# @token jwt", "# @token jwt\n# @client label, default {{username}}", `acme.http:8:1: @client says that client_id is a label, so no block can ask for {{client_secret}}: take out one of them`},

	// Calls.
	{"a call without a token", "Authorization: Bearer {{access_token}}", "Accept: application/json", `acme.http:43:1: a block with @carry shows a header with the hole {{access_token}}`},
	{"a call with another hole", "Bearer {{access_token}}", "Bearer {{client_id}}", `acme.http:46:16: a token is carried once, as Authorization: Bearer {{access_token}} or as the whole of a header`},
	{"a call with two tokens", "Bearer {{access_token}}\n", "Bearer {{access_token}}\nX-Token: {{access_token}}\n", `acme.http:47:10: a token is carried once, as Authorization: Bearer {{access_token}} or as the whole of a header`},
	{"a carrier twice", "### a call", "### another\n# @carry\nGET /\nAuthorization: Token {{access_token}}\n\n### a call", `acme.http:48:1: a block above carries the token in the header Authorization already: keep one`},
	{"a token in the body of a call", "Bearer {{access_token}}\n", "Bearer {{access_token}}\n\naccess_token={{access_token}}\n", `acme.http:48:1: a token is carried in a header, so no hole may stand in the body of a call`},

	// Answers.
	{"two answers for one case", "### a call", "### more\n# @when refused\nHTTP/1.1 400\n\n### a call", `acme.http:43:1: there are two answers for one case: @when refused is answered in line 36 already; keep one`},
	{"two answers for one case, by its other name", "### a call", "### a\n# @when unavailable\nHTTP/1.1 503\n\n### b\n# @when temporarily_unavailable\nHTTP/1.1 503\n\n### a call", `acme.http:47:1: there are two answers for one case: @when temporarily_unavailable is answered in line 43 already; keep one`},
	{"no answer", "# @when issued", "# @when issued\n# @grant password", `acme.http:1:1: nothing answers a request with @grant client_credentials: write a block with @when issued`},
	{"an answer for a grant nobody asks for", sound[strings.Index(sound, "### a person"):strings.Index(sound, "### answer")], "### no\n# @when refused\n# @grant password\nHTTP/1.1 400\n\n", `acme.http:15:1: this answer is for @grant password, which no request asks for: take it out`},
	{"an answer without a token", "{{access_token}}\",\"expires", "token\",\"expires", `acme.http:29:1: the answer shows no token: its body needs the hole {{access_token}}`},
	{"a token in a refusal", `{{error}}`, `{{access_token}}`, `acme.http:41:11: nothing fills {{access_token}} in a refusal: take it out`},
	{"an error in an answer", `{{expires_in}}`, `{{retry_after}}`, `acme.http:34:49: nothing fills {{retry_after}} in the answer to a granted request: take it out`},
	{"a secret in an answer", `{{error}}`, `{{client_secret}}`, `acme.http:41:11: {{client_secret}} is the caller's secret, and no answer shows one: take it out`},
	{"a token in a header", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\nX-Token: {{access_token}}\n", `acme.http:32:10: a token does not belong in a header: logs keep headers; show it in the body`},
	{"a status that is none", "200 OK", "299 Fine", `acme.http:31:1: a status line is HTTP/1.1 and a known status, like HTTP/1.1 200 OK, or HTTP/1.1 {{status}}`},
	{"another version of HTTP", "HTTP/1.1 200", "HTTP/2 200", `acme.http:31:1: a status line is HTTP/1.1 and a known status, like HTTP/1.1 200 OK, or HTTP/1.1 {{status}}`},
	{"a reason nobody will see", "401 Unauthorized", "401 Go Away", `acme.http:50:14: the reason of status 401 is sent as "Unauthorized": write that, or none`},
	{"a token with a refusal's status", "200 OK", "400 Bad Request", `acme.http:31:10: a token is issued with a status of 200 to 299 that has a body`},
	{"a token where no body may be", "200 OK", "204 No Content", `acme.http:31:10: a token is issued with a status of 200 to 299 that has a body`},
	{"a refusal that looks like a success", "401 Unauthorized", "200 OK", `acme.http:50:10: a refusal has a status of 400 to 599, so that nobody takes it for a success`},
	{"our fault as the caller's", "### a call", "### down\n# @when unavailable\nHTTP/1.1 401\n\n### a call", `acme.http:45:10: a fault of ours has a status of 500 to 599, so that no caller takes it for a refusal of its credential`},
	{"throttling as a wrong credential", "### a call", "### slow\n# @when throttled\nHTTP/1.1 401\n\n### a call", `acme.http:45:10: too many requests is not a refusal of the caller's credential: use 429, 409 or 503`},
	{"Cache-Control in an answer", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\ncache-control: public\n", `acme.http:32:1: Cache-Control is not for a dialect to choose: take this line out`},
	{"Retry-After in an answer", "HTTP/1.1 401 Unauthorized\n", "HTTP/1.1 401 Unauthorized\nRetry-After: 1\n", `acme.http:51:1: Retry-After is not for a dialect to choose: take this line out`},
	{"a body without a content type, answered", "HTTP/1.1 {{status}}\nContent-Type: application/json\n", "HTTP/1.1 {{status}}\n", `acme.http:40:1: a body needs a Content-Type header above it`},
	{"holes where nobody can escape", "HTTP/1.1 {{status}}\nContent-Type: application/json\n", "HTTP/1.1 {{status}}\nContent-Type: text/html\n", `acme.http:41:11: holes are escaped in JSON, forms and text/plain only: a body of text/html is a constant`},
	{"JSON with a comma missing", `"expires_in":{{expires_in}},"`, `"expires_in":{{expires_in}}"`, `acme.http:34:63: this is not JSON: invalid character '"' after object key:value pair`},
	{"JSON that ends early", `{{error_description?}}"}`, `{{error_description?}}"`, `acme.http:41:65: this is not JSON: unexpected end of JSON input`},
	{"text without quotes", `"{{access_token}}"`, `{{access_token}}`, `acme.http:34:17: a text in JSON needs quotes around it`},
	{"an optional first member", `{"error":"{{error}}",`, `{"realm":"{{realm?}}","error":"{{error}}",`, `acme.http:41:11: ` + optionalPlace},
	{"an optional half of a value", `"{{error_description?}}"`, `"Sorry: {{error_description?}}"`, `acme.http:41:50: ` + optionalPlace},
	{"an optional number", `{{expires_in}}`, `{{expires_in?}}`, `acme.http:34:49: ` + optionalPlace},
	{"a number that is seldom there, always", `{{expires_in}}`, `{{secret_expires_in}}`, `acme.http:34:49: {{secret_expires_in}} is seldom there: write {{secret_expires_in?}}`},
	{"an optional first parameter in a header", `realm="{{realm}}"`, `realm="{{realm?}}"`, `acme.http:51:33: ` + optionalPlace},
	{"a hole outside quotes in a header", `realm="{{realm}}"`, `realm={{realm}}`, `acme.http:51:32: a hole in a header stands alone or inside quotes, so that no value can add a parameter`},
	{"expires_at without a form", `{{expires_in}}`, `{{expires_at}}`, `acme.http:34:49: {{expires_at}} needs a form: {{expires_at:unix}} or {{expires_at:rfc3339}}`},
	{"an unknown hole in an answer", `{{expires_in}}`, `{{expires}}`, `acme.http:34:49: unknown hole {{expires}}; there are ` + strings.Join(holeNames, ", ")},
	{"an unknown hole in a header of an answer", `{{realm}}`, `{{host}}`, `acme.http:51:33: unknown hole {{host}}; there are ` + strings.Join(holeNames, ", ")},
}

// A file that contradicts itself is refused with its place, and with what to do about it.
func TestFaultyFilesAreRefusedWithTheirPlace(t *testing.T) {
	if _, err := Parse("acme.http", sound); err != nil {
		t.Fatal(err)
	}
	for _, f := range loadFaults {
		t.Run(f.name, func(t *testing.T) {
			if !strings.Contains(sound, f.old) {
				t.Fatalf("the sound file does not have %q", f.old)
			}
			checkFault(t, f.want, func() (*Dialect, error) { return Parse("acme.http", strings.Replace(sound, f.old, f.new, 1)) })
		})
	}
}

// A contract for machines alone has nobody to name.
func TestOnlyThePasswordGrantKnowsAUsername(t *testing.T) {
	const terms = "# @dialect m2m\n# @token jwt\n# @lifetime 900s\n"
	const ask = "\n### ask\n# @grant client_credentials\nPOST /token\nContent-Type: application/json\n\n{\"id\":\"{{client_id}}\",\"key\":\"{{client_secret}}\"}\n"
	const answer = "\n### answer\n# @when issued\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n"
	for _, f := range []struct{ text, want string }{
		{terms + ask + answer + `{"t":"{{access_token}}","user":"{{username}}"}`, `m2m.http:12:1: nothing fills {{username}}: no request has the password grant`},
		{terms + "# @client label, default {{username}}\n" + ask + answer + `{"t":"{{access_token}}"}`, `m2m.http:1:1: @client makes the client_id default to the username, but no block has @grant password`},
	} {
		checkFault(t, f.want, func() (*Dialect, error) { return Parse("m2m.http", f.text) })
	}
	if _, err := Parse("m2m.http", terms+ask+answer+`{"t":"{{access_token}}"}`); err != nil {
		t.Error(err)
	}
}

func checkFault(t *testing.T, want string, parse func() (*Dialect, error)) {
	t.Helper()
	d, err := parse()
	var fault *Error
	switch {
	case err == nil:
		t.Fatalf("parsed, want %s", want)
	case d != nil || !errors.As(err, &fault):
		t.Errorf("got %v and a %T, want no dialect and an *Error", d, err)
	case err.Error() != want:
		t.Errorf("\n got %s\nwant %s", err, want)
	}
}

func TestAnAPIBringsItsOwnRefusalsAndNothingElse(t *testing.T) {
	own := "### ours\n# @when insufficient_scope\nHTTP/1.1 403 Forbidden\nContent-Type: application/json\n\n{\"message\":\"{{error_description}}\"}\n"
	for _, f := range []struct{ name, text, want string }{
		{"directive above", "# @token jwt\n" + own, `api.http:1:3: @token has no place here: an API's own words are answer blocks with @when`},
		{"request", "### ask\n# @grant password\nPOST /token\n", `api.http:1:1: only refusals may stand here: a block with @when alone that starts with HTTP/1.1`},
		{"token", "### give\n# @when issued\nHTTP/1.1 200 OK\n", `api.http:2:3: an API does not answer @when issued; it answers [refused no_token malformed_token invalid_token insufficient_scope invalid_request throttled temporarily_unavailable server_error]`},
		{"grant", "### a\n# @when invalid_token\n# @grant password\nHTTP/1.1 401\n", `api.http:1:1: only refusals may stand here: a block with @when alone that starts with HTTP/1.1`},
		{"twice", own + own, `api.http:7:1: there are two answers for one case: @when insufficient_scope is answered in line 1 already; keep one`},
		{"unknown case", "### a\n# @when sorry\nHTTP/1.1 401\n", `api.http:2:3: unknown case "sorry"; there are ` + sorted(situations)},
		{"bad UTF-8", own + "\xff", `api.http:7:1: a control character or a byte that is not UTF-8: take it out`},
	} {
		t.Run(f.name, func(t *testing.T) {
			checkFault(t, f.want, func() (*Dialect, error) { return Standard().WithRefusals("api.http", f.text) })
		})
	}
	d, err := Standard().WithRefusals("api.http", own)
	if err != nil {
		t.Fatal(err)
	}
	if got := refusal(d, "insufficient_scope"); got != `403 {"message":"Sorry."}` {
		t.Errorf("the API's own words are not used: %s", got)
	}
	if got, want := refusal(d, "invalid_token"), refusal(Standard(), "invalid_token"); got != want {
		t.Errorf("the dialect's words got lost: %s, want %s", got, want)
	}
	if got := refusal(Standard(), "insufficient_scope"); strings.Contains(got, "message") {
		t.Errorf("the shared dialect was changed: %s", got)
	}
}
