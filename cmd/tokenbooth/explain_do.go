package main

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Commands that do what the advice of a refusal names. CLIENT, TENANT, DIALECT and USER stand for those of the event.
const (
	lookAtContract = "The contract: tokenbooth dialect show DIALECT"
	lookAtClient   = "Look: tokenbooth client show -t TENANT CLIENT"
	lookAtClients  = "Those there are: tokenbooth client list -t TENANT"
	widenClient    = lookAtClient + ". Widen: tokenbooth client update -t TENANT CLIENT"
	rotateSecret   = lookAtClient + ". A new secret: tokenbooth client rotate -t TENANT CLIENT"
	allowBodyless  = "Allow it: tokenbooth client update -t TENANT CLIENT --bodyless"
	grantIt        = "Grant it: tokenbooth client update -t TENANT CLIENT --permission …"
	lookAtUsers    = "Look: tokenbooth user list -t TENANT"
	setPassword    = "Set it: tokenbooth user password -t TENANT USER"
	lookAtTenant   = "Those there are: tokenbooth tenant show TENANT"
	lookAtAudit    = "Look: tokenbooth audit list -t TENANT"
	lookAtKeys     = "Those there are: tokenbooth key list -t TENANT"
	lookAtStaff    = "Those there are: tokenbooth operator list"
	newLink        = "A new link: tokenbooth operator invite NAME"
)

var commands = func() map[oauth.Case]string {
	all := map[oauth.Case]string{}
	for does, cases := range map[string][]oauth.Case{
		lookAtContract: {oauth.WrongMethod, oauth.WrongContentType, oauth.UnreadableBody, oauth.RepeatedParameter, oauth.SecretInQuery, oauth.MemberSpelling,
			oauth.UnusableValue, oauth.TwoCredentials, oauth.MissingParameter, oauth.NoCredentials, oauth.NoKnownForm, oauth.NoGrantType, oauth.UnknownGrantType,
			oauth.ScopeNotOfContract},
		lookAtClients: {oauth.UnknownClient},
		rotateSecret:  {oauth.WrongSecret, oauth.MistypedSecret, oauth.ExpiredSecret},
		lookAtClient:  {oauth.BarredClient, oauth.SecretGuesses, oauth.TokenClientGone},
		widenClient:   {oauth.WrongAuthMethod, oauth.WrongAddress, oauth.OtherGrants, oauth.OtherDialects, oauth.NoResourceServer},
		allowBodyless: {oauth.BodylessClient, oauth.BodylessTenant},
		grantIt:       {oauth.ScopeNotHeld, oauth.PermissionLacking, oauth.PermissionLost},
		lookAtUsers:   {oauth.UnknownUser, oauth.BarredUser, oauth.RefreshUserBarred, oauth.TokenUserGone},
		setPassword:   {oauth.WrongPassword, oauth.PasswordReset},
		lookAtTenant:  {oauth.NoRoute, oauth.OtherMethods},
		lookAtAudit:   {oauth.RevokedToken, oauth.EndedRefresh, oauth.TokenBeforeTenant, oauth.TokenBeforeClient},
		lookAtKeys:    {oauth.UnknownKey, oauth.WithdrawnKey},
		lookAtStaff:   {oauth.UnknownOperator, oauth.BarredOperator},
		newLink:       {oauth.LinkUsed, oauth.LinkExpired, oauth.NoPassword, oauth.NoSecondFactor},
	} {
		for _, c := range cases {
			all[c] = does
		}
	}
	return all
}()

// plainID are the characters of ids that mean nothing to a shell.
const plainID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-"

// conclude says which check refused, and what helps, with the commands for it.
func (v *explanation) conclude() {
	why := office.Conclude(audit.Event{Act: v.Act, Reason: v.Reason, Detail: v.Detail})
	client := v.named("client:", "CLIENT-ID")
	named := strings.NewReplacer("TENANT", orElse(v.Tenant, "TENANT"), "CLIENT", client, "DIALECT", orElse(v.Detail["dialect"], "DIALECT"),
		"USER", v.named("user:", "USER"))
	v.Check, v.Advice = why.Check, strings.TrimSpace(why.Advice+" "+named.Replace(commands[why.Case]))
}

// named is who an event tells of, as it may stand in a command that somebody will paste into a shell: what could mean more there than a name is left
// to them.
func (v *explanation) named(kind, stand string) string {
	for _, who := range []string{v.Actor, v.Subject} {
		if id, ok := strings.CutPrefix(who, kind); ok && id != "" && id[0] != '-' && strings.Trim(id, plainID) == "" {
			return id
		}
	}
	return stand
}
