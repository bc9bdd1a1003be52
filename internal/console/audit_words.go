package console

import (
	"maps"
	"slices"
)

// wordsOfActs say an act for people who do not know its name by heart.
var wordsOfActs = map[string]string{
	"api.refuse":             "A call to an API was refused",
	"check.refuse":           "A proxy's question was refused",
	"client.apply":           "A client was changed from a file",
	"client.create":          "A client was created",
	"client.delete":          "A client was deleted",
	"client.disable":         "A client was disabled",
	"client.enable":          "A client was enabled again",
	"client.expiring":        "A warning of an expiry was sent",
	"client.import":          "A client was imported",
	"client.retire-secret":   "An old secret was ended",
	"client.revoke-tokens":   "All tokens of a client were ended",
	"client.rotate":          "A client was given a new secret",
	"client.undo-rotation":   "A rotation was undone",
	"client.update":          "A client was changed",
	"client.upgrade-secret":  "The kept form of a secret was renewed",
	"expiry.give-up":         "A warning of an expiry could not be delivered",
	"feed.refuse":            "A reader of the revocation feed was refused",
	"introspect.refuse":      "A question about a token was refused",
	"key.create":             "Signing keys were made",
	"key.rotate":             "Signing keys were rotated",
	"key.rotate-unannounced": "Signing keys were rotated without waiting",
	"key.withdraw":           "A signing key was withdrawn",
	"operator.refuse":        "An operator wanted what the role does not allow",
	"revoke.refuse":          "A request to take a token back was refused",
	"tenant.revoke-tokens":   "All tokens of the tenant were ended",
	"token.refuse":           "A request for a token was refused",
	"token.revoke":           "A token was taken back",
	"user.apply":             "A user was changed from a file",
	"user.create":            "A user was created",
	"user.delete":            "A user was deleted",
	"user.disable":           "A user was disabled",
	"user.enable":            "A user was enabled again",
	"user.import":            "A user was imported",
	"user.must-reset":        "A user has to choose a new password",
	"user.password":          "A user's password was set",
	"user.revoke-tokens":     "All tokens of a user were ended",
	"user.totp":              "A user was given one-time codes",
	"user.totp-off":          "A user's one-time codes were taken away",
	"user.update":            "A user was changed",
}

// auditActs are the acts there are, offered where one is searched for. Another may be written: the list is a help, not a rule.
var auditActs = slices.Sorted(maps.Keys(wordsOfActs))

// actWords says an act in words; one that is not known is its own name.
func actWords(act string) string {
	if words, ok := wordsOfActs[act]; ok {
		return words
	}
	return plainly(act)
}
