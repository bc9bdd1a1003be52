package dialect

import (
	"slices"
	"strings"
)

// hole is a value that changes from message to message.
type hole uint8

// The holes of requests. Their order is that of the bits in a holeSet.
const (
	holeClientID hole = iota
	holeClientSecret
	holeUsername
	holePassword
	holeTOTP
	holeRefreshToken
	holeScope
	// The holes that only answers have.
	holeAccessToken
	holeExpiresIn
	holeExpiresAt
	holeError
	holeDescription
	holeStatus
	holePath
	holeRealm
	holeRequestID
	holeRetryAfter
	holeMetadata
	holeSecretExpiresIn

	requestHoles = holeScope + 1 // how many a request can fill
)

var holeNames = []string{
	"client_id", "client_secret", "username", "password", "totp", "refresh_token", "scope",
	"access_token", "expires_in", "expires_at", "error", "error_description", "status", "path", "realm", "request_id",
	"retry_after", "resource_metadata", "secret_expires_in",
}

func (h hole) String() string { return "{{" + holeNames[h] + "}}" }

// name is what people call what stands in the hole, who have not read the contract: a client secret.
func (h hole) name() string { return strings.ReplaceAll(holeNames[h], "_", " ") }

// format is how a hole is written out.
type format uint8

const (
	plain format = iota
	millis
	unixTime
	rfc3339
)

// piece is a run of constant text, or a hole.
type piece struct {
	text     string // of a hole: as it is written, with its braces
	isHole   bool
	hole     hole
	format   format
	optional bool
	offset   int // of the piece in its template
}

// number reports whether the hole is a JSON number and not a text.
func (p piece) number() bool {
	return p.hole == holeExpiresIn || p.hole == holeStatus || p.hole == holeRetryAfter || p.hole == holeSecretExpiresIn || p.format == unixTime
}

// fault is a problem at an offset of a template; who knows where the template stands turns it into an *Error.
type fault struct {
	offset  int
	problem string
}

// pieces cuts a template at its holes.
func pieces(template string) (out []piece, wrong *fault) {
	for at := 0; at < len(template); {
		i := strings.Index(template[at:], "{{")
		if i != 0 {
			end := len(template)
			if i > 0 {
				end = at + i
			}
			out = append(out, piece{text: template[at:end], offset: at})
			at = end
			continue
		}
		n := strings.Index(template[at:], "}}")
		if n < 0 {
			return nil, &fault{at, "the hole is not closed: {{ needs }}"}
		}
		p, problem := parseHole(template[at+2 : at+n])
		if problem != "" {
			return nil, &fault{at, problem}
		}
		p.text, p.offset = template[at:at+n+2], at
		out = append(out, p)
		at += n + 2
	}
	return out, nil
}

func parseHole(text string) (piece, string) {
	name, optional := strings.CutSuffix(strings.TrimSpace(text), "?")
	name, form, _ := strings.Cut(name, ":")
	i := slices.Index(holeNames, name)
	if i < 0 {
		return piece{}, "unknown hole {{" + name + "}}; there are " + strings.Join(holeNames, ", ")
	}
	p := piece{isHole: true, hole: hole(i), optional: optional}
	switch {
	case p.hole == holeExpiresIn && (form == "" || form == "s"):
	case p.hole == holeExpiresIn && form == "ms":
		p.format = millis
	case p.hole == holeExpiresAt && form == "unix":
		p.format = unixTime
	case p.hole == holeExpiresAt && form == "rfc3339":
		p.format = rfc3339
	case p.hole == holeExpiresAt:
		return piece{}, "{{expires_at}} needs a form: {{expires_at:unix}} or {{expires_at:rfc3339}}"
	case p.hole == holeSecretExpiresIn && !optional:
		return piece{}, "{{secret_expires_in}} is seldom there: write {{secret_expires_in?}}"
	case form != "":
		return piece{}, "{{" + name + "}} has no form " + form + ": take it out"
	}
	return p, ""
}

// sole returns the hole that is the whole of a template, or ok false.
func sole(ps []piece) (piece, bool) {
	if len(ps) == 1 && ps[0].isHole {
		return ps[0], true
	}
	return piece{}, false
}

// constant returns the text of a template without holes, or ok false.
func constant(ps []piece) (string, bool) {
	switch {
	case len(ps) == 0:
		return "", true
	case len(ps) == 1 && !ps[0].isHole:
		return ps[0].text, true
	}
	return "", false
}
