package console

import (
	"maps"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/office"
)

// wordsOfActs say an act for people who do not know its name by heart.
var wordsOfActs = map[string]string{
	"api.fail":                "A call to an API failed",
	"api.refuse":              "A call to an API was refused",
	"check.refuse":            "A proxy's question was refused",
	"client.apply":            "A client was changed from a file",
	"client.create":           "A client was created",
	"client.delete":           "A client was deleted",
	"client.disable":          "A client was disabled",
	"client.enable":           "A client was enabled again",
	"client.expiring":         "A warning of an expiry was sent",
	"client.import":           "A client was imported",
	"client.retire-secret":    "An old secret was ended",
	"client.revoke-tokens":    "All tokens of a client were ended",
	"client.rotate":           "A client was given a new secret",
	"client.try":              "A client was tried out in the console",
	"client.undo-rotation":    "A rotation was undone",
	"client.update":           "A client was changed",
	"client.upgrade-secret":   "The kept form of a secret was renewed",
	"expiry.give-up":          "A warning of an expiry could not be delivered",
	"feed.refuse":             "A reader of the revocation feed was refused",
	"host.refuse":             "A request for an unknown host was refused",
	"introspect.refuse":       "A question about a token was refused",
	"key.create":              "Signing keys were made",
	"key.rotate":              "Signing keys were rotated",
	"key.rotate-unannounced":  "Signing keys were rotated without waiting",
	"key.withdraw":            "A signing key was withdrawn",
	"operator.calendar-key":   "An operator was given a new calendar address",
	"operator.clear-proofs":   "What an operator signed in with was taken away",
	"operator.create":         "An operator was registered",
	"operator.delete":         "An operator was deleted",
	"operator.disable":        "An operator was disabled",
	"operator.enable":         "An operator was enabled again",
	"operator.end-session":    "A session of an operator was ended",
	"operator.end-sessions":   "Sessions of an operator were ended",
	"operator.invite":         "An operator was sent a sign-in link",
	"operator.passkey.add":    "An operator added a passkey",
	"operator.passkey.remove": "An operator removed a passkey",
	"operator.password":       "An operator set password and one-time codes",
	"operator.recovery-codes": "An operator made new recovery codes",
	"operator.refuse":         "An operator wanted what the role does not allow",
	"operator.sign-in":        "An operator signed in",
	"operator.sign-in.refuse": "A sign-in to the console was refused",
	"operator.sign-out":       "An operator signed out",
	"operator.update":         "An operator was changed",
	"revoke.refuse":           "A request to take a token back was refused",
	"tenant.revoke-tokens":    "All tokens of the tenant were ended",
	"token.refuse":            "A request for a token was refused",
	"token.revoke":            "A token was taken back",
	"user.apply":              "A user was changed from a file",
	"user.create":             "A user was created",
	"user.upgrade-password":   "The kept form of a password was renewed",
	"user.delete":             "A user was deleted",
	"user.disable":            "A user was disabled",
	"user.enable":             "A user was enabled again",
	"user.import":             "A user was imported",
	"user.must-reset":         "A user has to choose a new password",
	"user.password":           "A user's password was set",
	"user.revoke-tokens":      "All tokens of a user were ended",
	"user.totp":               "A user was given one-time codes",
	"user.totp-off":           "A user's one-time codes were taken away",
	"user.update":             "A user was changed",
}

// auditActs are the acts there are, offered where one is searched for. Another may be written: the list is a help, not a rule.
func (v *visit) auditActs() []string {
	ofDesk := v.desk == nil
	return slices.DeleteFunc(slices.Sorted(maps.Keys(wordsOfActs)), func(act string) bool {
		return strings.HasPrefix(act, "operator.") != ofDesk && act != office.Refused
	})
}

// actWords says an act in words; one that is not known is its own name.
func actWords(act string) string {
	if words, ok := wordsOfActs[act]; ok {
		return words
	}
	return plainly(act)
}
