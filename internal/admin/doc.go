// Package admin is the operators' API: what the console is for people, this is for programs. openapi.yaml is its contract, and both ends
// of it are here: New makes the handler that answers, Dial the client that the command line works through.
//
// It decides nothing about who may do what: package office does, for this surface as for the console. What it adds is the wire: who
// asks is known by an access token of the tenant's own issuer (RFC 6750); what was sent has no field that the contract does not declare;
// a change names the revision it has read (RFC 9110, section 13.1.1); what makes a secret can be sent twice; lists are continued by
// cursors that cannot be made up; and what goes wrong is a problem (RFC 9457) that names the field at fault.
//
// Types, routes and the server's interface are generated from the contract, so the two cannot drift apart. An answer never has a null
// in it, and a secret only where it has just been made. The handler, a Remote and the contract's page may be used concurrently.
package admin

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
