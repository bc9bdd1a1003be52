package console

import (
	"net/netip"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// The parts that the examples of API credentials and users share. The one client and the one user have everything in them.
var (
	exampleClient = &registry.Client{ID: hostile, Rev: 7, NotBefore: noon, Created: noon, Updated: noon, Credentials: []registry.Credential{{ID: "s1", LastUsed: noon, LastUsedFrom: hostile, Expires: noon}}, ClientSpec: registry.ClientSpec{Name: hostile, Description: hostile, Permissions: []string{hostile}, AllowFrom: []registry.Network{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}, Dialects: []string{hostile}, AuthMethods: []oauth.AuthMethod{oauth.AuthBasic}, TokenForm: oauth.JWT, Expires: registry.Until{Time: noon}, AllowBodylessToken: true, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
	exampleUser   = &registry.User{ID: hostile, Username: hostile, Rev: 7, NotBefore: noon, Created: noon, Updated: noon, UserSpec: registry.UserSpec{Name: hostile, Permissions: []string{hostile}}}
	exampleBoxes  = []box{{Field: "permission", Value: hostile, ID: "a", Label: hostile, Hint: hostile, Checked: true}, {Field: "permission", Value: "x", ID: "b", Label: "x", Off: true}}
	exampleGroups = []boxGroup{{Title: hostile, Boxes: exampleBoxes}, {Title: "one", Plain: true, Boxes: []box{{Field: "permission", Value: "y", ID: "c", Label: "one"}}},
		{Title: hostile, Operators: true, Desk: true, Boxes: []box{{Field: "permission", Value: "z", ID: "d", Label: hostile}}}}
	exampleRefusals = []refusalRow{{audit.Event{ID: hostile, Reason: hostile, Source: hostile, Act: hostile, Time: noon}, hostile, "/t/acme/audit/x"}}
	exampleBeside   = []beside{{"Name", hostile, ""}, {"Permissions", "", hostile}}
	exampleChanged  = &office.Changed{By: hostile, At: noon}
	exampleSheet    = []sheetContract{{Contract: sheet.Contract{Title: hostile, URL: hostile, Grant: oauth.ClientCredentials}, Download: "/d", Open: true,
		Recipes: []sheetRecipe{{Recipe: sheet.Recipe{ID: "zsh", Title: hostile, Text: hostile, FileName: hostile, Language: "json"}, Place: "p1", Group: "g", Open: true, File: true}}}}
)

// problemsAt has a problem at each of some fields.
func problemsAt(fields ...string) map[string]string {
	all := map[string]string{}
	for _, f := range fields {
		all[f] = hostile
	}
	return all
}

func exampleFields() *clientFields {
	radios := func(id string) []box {
		return []box{{Field: "x", Value: hostile, ID: id, Label: hostile, Hint: hostile}}
	}
	return &clientFields{clientForm: &clientForm{Rev: 7, Name: hostile, Description: hostile, Lifetime: hostile, Ends: endsKeep, EndsOn: hostile, AllowFrom: hostile, Bodyless: true,
		Problems: problemsAt("", "name", "description", "permissions", "expires", "grants", "allow_from", "lifetime", "token_form", "auth_methods", "dialects", "resource_servers")},
		Token: hostile, Permitted: exampleGroups, GrantBoxes: radios("g"), ProofBoxes: radios("h"), DialectBoxes: radios("i"), ServerBoxes: radios("j"), Soon: radios("k"), FormBoxes: radios("l"),
		EndsNow: noon, MayBodyless: true, HasDialects: true, Today: "2026-11-22", More: true}
}

// clientExamples has a full and an empty page for each template of API credentials and users.
var clientExamples = map[string][]any{
	"clients_list": {&clientsPage{Search: directory.Search{Text: hostile}, Total: 2, Filtered: true, MayCreate: true, States: exampleBoxes, Permissions: exampleBoxes,
		Columns: []column{{hostile, "/c", "ascending"}, {Title: "x"}}, Here: "/h", New: "/n", First: "/f", Next: "/x",
		Rows: []clientRow{{Client: exampleClient, Href: "/c", State: tag{hostile, "tag-ok"}, Labels: []string{hostile}, More: 2, LastUsed: noon, From: hostile, Ends: noon, EndsWhat: hostile},
			{Client: &registry.Client{}}}}, &clientsPage{Filtered: true}, &clientsPage{MayCreate: true}, &clientsPage{}},
	"client_new":  {&clientNewPage{exampleFields(), "/l"}, &clientNewPage{&clientFields{clientForm: &clientForm{}}, "/l"}},
	"client_edit": {&clientEditPage{Client: exampleClient, Detail: "/d", Fields: exampleFields(), Changed: exampleChanged, By: hostile, Beside: exampleBeside}, &clientEditPage{Client: exampleClient, Fields: &clientFields{clientForm: &clientForm{}}, Changed: exampleChanged, ByYou: true}},
	"client_created": {&credentialsPage{Client: exampleClient, Secret: hostile, New: true, Detail: "/d", Try: "/t", Sheet: exampleSheet, Old: &exampleClient.Credentials[0]},
		&credentialsPage{Client: exampleClient}},
	"client_detail": {&clientPage{Client: exampleClient, Here: "/c", List: "/l", State: tag{hostile, "tag-ok"}, Barred: hostile, Expiry: tag{hostile, "tag-warn"}, GrantNames: []string{hostile}, LifetimeText: hostile,
		MadeBy: hostile, ChangedBy: hostile, Held: []heldPermission{{hostile, hostile, noon, true, true}, {Name: "x"}}, Servers: []string{hostile},
		Secrets:  []secretRow{{exampleClient.Credentials[0], true, false, tag{hostile, "tag-ok"}}, {Credential: registry.Credential{ID: "s2"}, Newest: true}},
		Rotating: true, MayUndo: true, Overlaps: exampleBoxes, Usage: registry.Usage{Days: []registry.DayUse{{Day: noon, Tokens: 5}}, Since: noon}, Total: 5, Told: true,
		Unused: []heldPermission{{hostile, hostile, noon, true, false}}, Refusals: exampleRefusals, MayAudit: true, AuditPage: "/a", Elsewhere: true, MayChange: true, MayDelete: true, MayRevoke: true,
		MayStop: true, Problems: problemsAt("", "typed", "overlap"), Typed: hostile},
		&clientPage{Client: &registry.Client{ClientSpec: registry.ClientSpec{Disabled: true}}, MayChange: true, MayAudit: true}, &clientPage{Client: &registry.Client{}}},
	"client_try": {&tryPage{Client: exampleClient, Detail: "/d", Action: "/a", Contracts: []tryContract{{0, hostile, true}}, Problem: hostile, Result: &tryResult{Title: hostile, Request: hostile, Status: 200, Reason: hostile,
		Answer: hostile, RequestID: hostile, Explain: "/e", Token: hostile, Masked: hostile, Header: hostile, Claims: hostile, Known: &oauth.Introspection{Active: true, ClientID: hostile, Scope: hostile, Audience: []string{hostile}, KeyID: hostile},
		Guarded: []guardVerdict{{hostile, hostile, hostile, hostile, true, hostile}, {}}}},
		&tryPage{Client: &registry.Client{}, Result: &tryResult{Token: "x", Known: &oauth.Introspection{}}}, &tryPage{Client: &registry.Client{}, Result: &tryResult{Status: 401, RequestID: hostile}}},
	"users_list": {&usersPage{Prefix: hostile, Rows: []userRow{{User: exampleUser, Href: "/u", State: tag{hostile, "tag-ok"}, Labels: []string{hostile}, More: 1}, {User: &registry.User{TOTP: []byte("x")}}}, MayCreate: true,
		Off: true, Here: "/h", New: "/n", First: "/f", Next: "/x"}, &usersPage{Prefix: hostile}, &usersPage{MayCreate: true}, &usersPage{}},
	"user_new": {&userNewPage{Username: hostile, Name: hostile, Own: true, TOTP: true, Permitted: exampleGroups, Problems: problemsAt("", "username", "name", "password", "permissions"), List: "/l", Off: true}, &userNewPage{}},
	"user_secrets": {&userSecretsPage{User: exampleUser, Detail: "/d", Headline: hostile, Password: hostile, TOTPURL: "otpauth://totp/x?secret=ABCD", TOTPText: "ABCD", QR: "data:image/png;base64,AA=="},
		&userSecretsPage{User: &registry.User{}}},
	"user_detail": {&userPage{User: exampleUser, Here: "/u", List: "/l", State: tag{hostile, "tag-ok"}, HasTOTP: true, Off: true, Labels: []string{hostile},
		Chains: []tokenRow{{ID: hostile, ClientName: hostile, ClientURL: "/c", Scope: hostile, Issued: noon, Used: noon, Expires: noon, State: tag{hostile, "tag-ok"}}, {ClientName: hostile}}, MoreAt: "/m", Refusals: exampleRefusals, MayAudit: true,
		AuditPage: "/a", Form: userForm{Rev: 7, Name: hostile, MustReset: true}, Permitted: exampleGroups, MayChange: true, MayDelete: true, MayRevoke: true,
		Problems: problemsAt("name", "permissions", "password", "typed"), Typed: hostile, Changed: exampleChanged, By: hostile, MadeBy: hostile, ChangedBy: hostile, Beside: exampleBeside},
		&userPage{User: &registry.User{UserSpec: registry.UserSpec{Disabled: true}}, MayChange: true}, &userPage{User: &registry.User{}}},
}
