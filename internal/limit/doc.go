// Package limit is how load and guessing are refused. It has three gates: Limiter bounds how often somebody may ask, Guesses
// bounds how often somebody may be wrong about a secret, and Lane bounds how many expensive checks run at once.
//
// It decides whether to let a request on and, when not, how long to wait. It does not know what is being asked, answers nobody,
// and keeps its counts in this process's memory only: a node of a cluster counts for itself, and a restart forgets. Package issuer
// calls it before it checks a credential; the surfaces call Limiter before they read a body.
//
// Invariants: every map has a ceiling, so that a flood of made-up names costs bounded memory; the limit of Guesses is exact under
// concurrency, because a guess is counted before it is checked; a wait is always finite; and who keeps guessing at an account
// cannot lock out its owner at the address the owner is known from. Keys are structs: no choice of name can make two keys one.
// All types may be used concurrently.
//
// NIST SP 800-63B-4, section 3.2.2: at most 100 consecutive wrong guesses at an account before guessing is slowed.
package limit
