// Package secret makes secrets and is the only place that looks at their bytes: client secrets, opaque and refresh tokens,
// look-up ids, passwords, one-time codes, and the sealing of whatever must be kept but not read.
//
// It decides how a secret is drawn, spelled, digested and compared. It does not decide who may have one, keeps nothing, and logs
// nothing. Packages issuer, registry and keyring call it; everything above them carries only digests, ids and sealed bytes.
//
// A machine's secret is 256 random bits, so one SHA-256 is enough to keep it (RFC 6819, section 5.1.4.1.3); a person's password is
// not, so it gets argon2id (RFC 9106) and whoever checks it must bound how many checks run at once (package limit, Lane).
// A secret's text is prefix, underscore, base62, and six characters of CRC-32: scanners can match it and a typing error is found
// without a look-up. The checksum is not a protection; the digest is.
//
// Invariants: every random bit comes from crypto/rand; every comparison of a secret takes a time that does not depend on where
// the two differ; no function returns an error that contains a secret. All functions may be called concurrently.
package secret
