package dialect

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// issued and refused are the two situations that are not the code of a refusal.
const (
	issued  oauth.Code = "issued"
	refused oauth.Code = "refused"
)

// situations are what @when may name. unavailable is the short word for temporarily_unavailable.
var situations = func() map[string]oauth.Code {
	named := map[string]oauth.Code{"issued": issued, "refused": refused, "unavailable": oauth.Unavailable}
	for _, c := range oauth.Codes() {
		named[string(c)] = c
	}
	return named
}()

// situation is a case an answer is for; grant narrows it and may be empty.
type situation struct {
	code  oauth.Code
	grant oauth.GrantType
}

type answers map[situation]*answer

// answer is a compiled answer block.
type answer struct {
	block  *block
	when   situation
	status int          // 0: the status of the code
	header []headerLine // in the order of the file
	body   []segment
}

// headerLine is one header of an answer. A constant one is shared by all answers, so that sending it allocates nothing.
type headerLine struct {
	name     string
	again    bool // the name stands above already
	constant []string
	segments []segment
}

// addAnswer compiles an answer block.
func (d *Dialect) addAnswer(b *block) error {
	a := &answer{block: b}
	for _, read := range []func(*block) error{a.readSituation, a.readStatus, a.readHeaders, a.readBody, a.showsToken} {
		if err := read(b); err != nil {
			return err
		}
	}
	if other, ok := d.answers[a.when]; ok {
		return b.errorf("there are two answers for one case: %s is answered in line %d already; keep one", a.when, other.block.at)
	}
	d.answers[a.when] = a
	return nil
}

// String renders the directives that name the case.
func (w situation) String() string {
	if w.grant == "" {
		return "@when " + string(w.code)
	}
	return "@when " + string(w.code) + " with @grant " + string(w.grant)
}

// readSituation reads @when and @grant.
func (a *answer) readSituation(b *block) error {
	for _, dir := range b.directives {
		switch dir.name {
		case "when":
			code, ok := situations[dir.value]
			if !ok {
				return dir.errorf(b, "unknown case %q; there are %s", dir.value, sorted(situations))
			}
			a.when.code = code
		case "grant":
			if err := dir.grant(b, &a.when.grant); err != nil {
				return err
			}
		}
	}
	return nil
}

// readStatus reads HTTP/1.1 401 Unauthorized, or HTTP/1.1 {{status}}.
func (a *answer) readStatus(b *block) error {
	rest, ok := strings.CutPrefix(b.start.text, "HTTP/1.1 ")
	if rest = strings.TrimSpace(rest); ok && rest == "{{status}}" {
		return nil
	}
	digits, reason, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || len(digits) != 3 || http.StatusText(n) == "" {
		return b.errorAt(b.start, 0, "a status line is HTTP/1.1 and a known status, like HTTP/1.1 200 OK, or HTTP/1.1 {{status}}")
	}
	if reason != "" && reason != http.StatusText(n) {
		return b.errorAt(b.start, len("HTTP/1.1 200 "), "the reason of status %d is sent as %q: write that, or none", n, http.StatusText(n))
	}
	if problem := badStatus(a.when.code, n); problem != "" {
		return b.errorAt(b.start, len("HTTP/1.1 "), "%s", problem)
	}
	a.status = n
	return nil
}

// badStatus says what is wrong with a status for a case. That a refusal does not look like a success, and a fault of ours not like
// a refusal of the caller's credential, is not for a dialect to choose.
func badStatus(c oauth.Code, n int) string {
	switch {
	case c == issued && (n < 200 || n > 299 || n == http.StatusNoContent || n == http.StatusResetContent):
		return "a token is issued with a status of 200 to 299 that has a body"
	case c == issued:
		return ""
	case (c == oauth.Unavailable || c == oauth.ServerError) && n < 500:
		return "a fault of ours has a status of 500 to 599, so that no caller takes it for a refusal of its credential"
	case n < 400:
		return "a refusal has a status of 400 to 599, so that nobody takes it for a success"
	case c == oauth.Throttled && (n == http.StatusBadRequest || n == http.StatusUnauthorized || n == http.StatusForbidden):
		return "too many requests is not a refusal of the caller's credential: use 429, 409 or 503"
	}
	return ""
}

func (a *answer) readHeaders(b *block) error {
	for _, f := range b.headers {
		if err := a.readHeader(b, f); err != nil {
			return err
		}
	}
	return nil
}

// Which holes only some answers can fill, or none; the others (path, realm, status, scope …) any answer can.
var (
	issuedHoles  = []hole{holeAccessToken, holeRefreshToken, holeExpiresIn, holeExpiresAt, holeSecretExpiresIn, holeClientID, holeUsername}
	refusedHoles = []hole{holeError, holeDescription, holeRetryAfter, holeMetadata}
	secretHoles  = []hole{holeClientSecret, holePassword, holeTOTP}
)

// cannotFill says why nothing fills a hole in this answer; "" when something does.
func (a *answer) cannotFill(p piece) string {
	never, kind := issuedHoles, "a refusal"
	if a.when.code == issued {
		never, kind = refusedHoles, "the answer to a granted request"
	}
	switch {
	case !p.isHole:
	case slices.Contains(secretHoles, p.hole):
		return p.hole.String() + " is the caller's secret, and no answer shows one: take it out"
	case slices.Contains(never, p.hole):
		return "nothing fills " + p.hole.String() + " in " + kind + ": take it out"
	}
	return ""
}

// showsToken refuses an answer to a granted request that keeps the token to itself.
func (a *answer) showsToken(b *block) error {
	if a.when.code == issued && !a.fills(holeAccessToken) {
		return b.errorf("the answer shows no token: its body needs the hole {{access_token}}")
	}
	return nil
}

// fills reports whether the answer shows a hole.
func (a *answer) fills(h hole) bool {
	is := func(s segment) bool { return s.isHole && s.hole == h }
	return slices.ContainsFunc(a.body, is) ||
		slices.ContainsFunc(a.header, func(l headerLine) bool { return slices.ContainsFunc(l.segments, is) })
}

// needs reports whether the answer shows a hole even when it is empty.
func (a *answer) needs(h hole) bool {
	return slices.ContainsFunc(a.body, func(s segment) bool { return s.isHole && s.hole == h && !s.optional })
}
