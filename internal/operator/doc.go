// Package operator keeps those who run the desk: operators with their roles, their proofs (password with one-time codes, passkeys,
// recovery codes, one-time links) and the sessions that a proof opens.
//
// It decides who somebody is, what rights a role gives, and whether a session still holds. It does not ask for a right before a
// change: package office does, by Actor.May, and it is the only caller of the register here; package console calls the sign-in and
// the acts on one's own proofs. Everything is kept in tenant "", which is the desk itself. Nothing in here knows HTTP.
//
// Invariants: the last owner of the whole desk can be neither disabled, demoted nor deleted; a password alone opens nothing; a link, a
// one-time code, a recovery code and a passkey's answer are each good once, also when they come twice at the same moment; a session by
// another operator's link does nothing before a proof is set up in it, so that nobody acts in another's name; the operator
// is read anew whenever a session is used, so that a change of roles holds at once; every change and every sign-in, let or refused, is
// an event in the audit record, a change in the same write; of secrets only digests are kept, and the one-time code secret is sealed.
//
// All methods may be called concurrently, also by several processes on one store. NIST SP 800-63B-4 for passwords and sessions,
// RFC 6238 for one-time codes, W3C Web Authentication Level 3 for passkeys.
package operator
