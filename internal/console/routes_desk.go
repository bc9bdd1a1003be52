package console

import (
	"errors"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// deskRoutes are the pages of tokens, signing keys, the audit record (a tenant's and that of the desk itself), APIs and dialects.
var deskRoutes = []route{
	{pattern: "GET /t/{tenant}/apis", do: apis, right: operator.ReadClients},

	{pattern: "GET /t/{tenant}/tokens", do: tokens, right: operator.ReadTokens},
	{pattern: "POST /t/{tenant}/tokens/look", do: tokensLook},
	{pattern: "POST /t/{tenant}/tokens/take-back", do: tokensTakeBack},
	{pattern: "POST /t/{tenant}/tokens/revoke", do: tokensRevoke},
	{pattern: "GET /t/{tenant}/tokens/end", do: tokensEnd, right: operator.RevokeTokens},
	{pattern: "POST /t/{tenant}/tokens/end", do: tokensEndNow},
	{pattern: "GET /t/{tenant}/tokens/end-all", do: tokensEndAll, right: operator.RevokeAll},
	{pattern: "POST /t/{tenant}/tokens/end-all", do: tokensEndAllNow},

	{pattern: "GET /t/{tenant}/keys", do: keys, right: operator.ReadKeys},
	{pattern: "POST /t/{tenant}/keys/rotate", do: keysRotate},
	{pattern: "GET /t/{tenant}/keys/rotate-unannounced", do: keysUnannounced, right: operator.RotateKeys},
	{pattern: "POST /t/{tenant}/keys/rotate-unannounced", do: keysUnannouncedNow},
	{pattern: "GET /t/{tenant}/keys/{key}/withdraw", do: keyWithdraw, right: operator.WithdrawKeys},
	{pattern: "POST /t/{tenant}/keys/{key}/withdraw", do: keyWithdrawNow},

	{pattern: "GET /t/{tenant}/audit", do: auditLog, right: operator.ReadAudit},
	{pattern: "GET /t/{tenant}/audit/export", do: auditExport, right: operator.ReadAudit},
	{pattern: "GET /t/{tenant}/audit/{event}", do: auditEvent, right: operator.ReadAudit},

	{pattern: "GET /audit", do: auditLog, right: operator.ReadOperators},
	{pattern: "GET /audit/export", do: auditExport, right: operator.ReadOperators},
	{pattern: "GET /audit/{event}", do: auditEvent, right: operator.ReadOperators},

	{pattern: "GET /t/{tenant}/dialects", do: dialects},
	{pattern: "GET /t/{tenant}/dialects/{dialect}", do: dialectContract},
	{pattern: "GET /t/{tenant}/dialects/{dialect}/playground", do: playground},
	{pattern: "POST /t/{tenant}/dialects/{dialect}/playground", do: playgroundRead},
}

// offers reports whether a button for what a right allows is worth showing, if only after a new proof; that it works is decided where it is
// done.
func (v *visit) offers(right operator.Right) bool {
	return !errors.Is(v.actor.May(right, v.tenant.Name), operator.ErrDenied)
}
