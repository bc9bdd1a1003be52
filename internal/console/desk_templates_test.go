package console

import (
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// deskExamples has a full and an empty page for each template of tokens, keys, audit log, APIs and dialects.
var deskExamples = map[string][]any{
	"apis": {apisPage{SettingsURL: "/settings", Settings: true, APIs: []apiCard{{API: registry.API{Name: "flows", Audience: hostile, Dialect: hostile, Upstream: hostile, Refusals: "x",
		CORS: &registry.CORS{Origins: []string{hostile}, Headers: []string{hostile}, ExposeHeaders: []string{hostile}, Credentials: true}}, Heading: hostile, Place: hostile, BuiltIn: true, CORSMaxAge: "1 hour",
		Permissions: []permissionRow{{registry.Permission{Name: hostile, Label: hostile, Description: hostile}, true, 1200, "/t/acme/clients"}},
		Routes:      []routeRow{{hostile, hostile, hostile, false, "5 a second", "1 KiB"}, {Public: true}}}, {API: registry.API{Name: "b"}}, {API: registry.API{Name: "c"}}, {API: registry.API{Name: "d"}}}}, apisPage{Reading: hostile}, apisPage{}},
	"tokens": {tokensPage{List: listOpaque, Client: hostile, User: hostile, Problems: map[string]string{"user": hostile}, Tabs: []tokensTab{{hostile, "/t", true}}, Next: "/n", First: "/f", Cut: true, Searched: true,
		MayRevoke: true, MayAll: true, EndClient: "/c", EndUser: "/u", EndAll: "/a", ByClient: hostile, ByUser: hostile,
		Rows: []tokenRow{{Pick: "token:x", ID: hostile, ClientName: hostile, ClientURL: "/c", Username: hostile, UserURL: "/u", Scope: hostile, Issued: noon, Used: noon, Expires: noon, Live: true, Family: hostile}, {}}},
		tokensPage{Choices: []tokenChoice{{hostile, hostile, "/x"}}}, tokensPage{Cut: true}, tokensPage{}},
	"token_look": {tokenPage{In: oauth.Introspection{Active: true, ID: hostile, Issuer: hostile, Subject: hostile, ClientID: hostile, Username: hostile, Name: hostile, Scope: hostile, Audience: []string{hostile},
		IssuedAt: noon, Expires: noon, Family: hostile, KeyID: hostile}, Token: hostile, Verdicts: []guardVerdict{{hostile, hostile, hostile, hostile, true, hostile}, {}}, Passes: 1, ClientURL: "/c", UserURL: "/u", KeyURL: "/k",
		MayRevoke: true, Back: "/t", Holds: []string{hostile}, Sure: hostile, Client: hostile}, tokenPage{Problem: hostile}, tokenPage{}},
	"tokens_revoke":  {tokensRevokePage{Picked: []string{hostile}, IDs: []string{hostile}, Chains: 1, Opaque: 2, Back: "/t"}},
	"tokens_end":     {tokensEndPage{Client: hostile, ClientID: hostile}, tokensEndPage{User: hostile}},
	"tokens_end_all": {tokensEndAllPage{hostile, hostile, hostile, "/t"}, tokensEndAllPage{}},
	"keys": {keysPage{Base: "/t/acme/keys", Keys: []keyRow{{keyring.Public{ID: "k1", State: keyring.Next, Created: noon, Activated: noon, Retired: noon, Until: noon}, tag{"x", "tag-ok"}, hostile, "/w"}}, Ready: noon, MayRotate: true, MayWithdraw: true,
		Waiting: true, Every: "90 days", NewAlg: "EdDSA", KeySet: hostile, Problem: hostile, Fetches: []Fetch{{hostile, hostile, "t", noon, true}, {}}, Known: true, MaxAge: "15 minutes"}, keysPage{Known: true}, keysPage{Elsewhere: true}},
	"keys_unannounced": {keysUnannouncedPage{Back: "/k", MaxAge: "15 minutes", Next: keyRow{Public: keyring.Public{Created: noon}}}},
	"key_withdraw":     {keyWithdrawPage{Problem: hostile, Signs: true, Short: "abcd"}, keyWithdrawPage{Next: true}},
	"audit_log": {auditPage{Title: hostile, OfDesk: true, Filter: auditFilter{hostile, hostile, hostile, "refused", hostile, hostile}, Request: hostile, Problems: map[string]string{"act": hostile, "actor": hostile, "subject": hostile, "outcome": hostile, "since": hostile, "until": hostile},
		Acts: []string{hostile}, Rows: []auditRow{{URL: "/e", Time: noon, Act: hostile, Words: hostile, Actor: party{ID: hostile, URL: "/a"}, Subject: party{hostile, hostile, "/s"}, Reason: hostile, Source: hostile, Refused: true},
			{Actor: party{ID: hostile, Name: hostile}, Subject: party{ID: hostile}}, {}},
		Next: "/n", First: "/f", Cut: true, Filtered: true, CSV: "/c", JSON: "/j", Since: hostile, Until: hostile, Max: maxExport, Issued: "/i", Self: "/t/acme/audit"}, auditPage{Next: "/n", Cut: true}, auditPage{Filtered: true}, auditPage{}},
	"audit_event": {eventPage{ID: hostile, HasEvent: true, Log: hostile, Row: auditRow{Words: hostile, Act: hostile, Actor: party{hostile, hostile, "/a"}, Subject: party{ID: hostile, URL: "/s"}, Reason: hostile, Source: hostile, Refused: true, Time: noon}, RequestID: hostile, Check: hostile, Advice: hostile,
		Detail: []contractTerm{{hostile, hostile}}, Back: "/b", SameActor: "/a", SameSubject: "/s", Kept: noon, Issued: &audit.Issuance{ClientID: hostile, Scope: hostile}, IssuedTo: "/c"},
		eventPage{HasEvent: true, Row: auditRow{Reason: hostile, Actor: party{ID: hostile, Name: hostile}, Subject: party{ID: hostile}}}, eventPage{}},
	"dialects": {dialectsPage{Spoken: []dialectCard{{Name: hostile, About: hostile, Terms: []contractTerm{{hostile, hostile}}, Endpoints: []string{hostile}, APIs: []string{hostile}, Grants: []string{hostile}, URL: "/d", TryURL: "/p"}}, Others: []dialectCard{{}}}, dialectsPage{}},
	"dialect": {dialectPage{Card: dialectCard{Name: hostile, About: hostile, TryURL: "/p"}, Contract: readContract(dialect.Standard()), Spelt: []speltRefusal{{hostile, hostile, 400, hostile, true}, {}}, Source: hostile, Back: "/b",
		Shown: []shownTranscript{{dialect.Transcript{Name: hostile, Title: hostile, Request: hostile, Answer: hostile}, "401", "/p?transcript=x"}}},
		dialectPage{Contract: contract{Carriers: []contractBlock{{Title: hostile, Notes: []string{hostile}, Text: hostile + "{{x}}", Also: true}, {Bare: true}}}}},
	"playground": {playgroundPage{Text: hostile, Title: hostile, More: true, Examples: []playgroundExample{{hostile, "/e", true}, {}}, Read: true, Notes: []string{hostile}, Line: hostile, As: hostile, Found: []contractTerm{{hostile, hostile}}, Sample: hostile, Back: "/b"},
		playgroundPage{Read: true, Refused: &oauth.Error{Code: hostile, Reason: hostile}, Status: hostile, Answer: hostile}, playgroundPage{Problem: hostile}},
}
