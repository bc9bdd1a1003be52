// Package e2e runs the real program and asks it the way its callers do: the vendors' own commands with nothing replaced but scheme,
// host, port and credentials, real curl and real Node.js, and bytes on a socket where a client of that kind is not to be had.
//
// It is a black box. Nothing of the module is imported: what these tests know, they know from the documents of the vendors, from RFCs
// and from what the program prints. TestMain builds the program twice, plainly and with the tag testclock, starts two demos that most
// tests share, and in the end stops both: that they go quietly, and leave no secret in log, journal, metrics or database, is a test of
// its own. Tests that kill, reload or reconfigure start a process of their own, in a folder of their own.
//
// A test is named by what it promises: S1 to S5 are the documents the product has to satisfy word for word, Req, B and R the numbers of
// the security requirements, of failures seen elsewhere, and of the reliability goals. Tests of the shared demos run one after the
// other; the clock of the second one only ever moves forward.
package e2e
