package admin

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/text"
)

// Headers of the contract.
const (
	ifMatch        = "If-Match"
	idempotencyKey = "Idempotency-Key"
	replayed       = "Idempotency-Replayed"
)

// maxBody is how much a request may have, in bytes.
const maxBody = 1 << 20

// readBody reads what was sent, and puts it back to be read again.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &refusal{kind: "too-large", detail: "A request has 1 MiB at most."}
	}
	if err != nil {
		return nil, &refusal{kind: "invalid-request", detail: "The body ended early."}
	}
	if len(body) > 0 {
		media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		charset := params["charset"]
		if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") || r.Header.Get("Content-Encoding") != "" {
			return nil, &refusal{kind: "not-json", detail: "Send Content-Type: application/json, in UTF-8 and without Content-Encoding."}
		}
		if body, err = text.Decode(body); err != nil { // RFC 8259, section 8.1: a reader may ignore a byte order mark
			return nil, &refusal{kind: "invalid-request", detail: "The body: " + err.Error() + "."}
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// parseIfMatch returns the revision that a change was made for; 0: whatever is there. What every change makes is one strong entity tag,
// so nothing else is taken (RFC 9110, section 13.1.1).
func parseIfMatch(text string) (uint64, error) {
	text = strings.Trim(text, " \t")
	if text == "*" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(text, `"`)
	digits, closed := strings.CutSuffix(digits, `"`)
	rev, err := strconv.ParseUint(digits, 10, 64)
	if !ok || !closed || err != nil || rev == 0 || digits[0] == '0' || digits[0] == '+' {
		return 0, atField(ifMatch, `It is the ETag of what was read, like "3", or *.`)
	}
	return rev, nil
}

// parseKey checks an Idempotency-Key: what anybody could guess would give anybody the answer. It may stand in quotes, as the draft of
// that header has it.
func parseKey(text string) (string, error) {
	key := text
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		key = strings.TrimSuffix(inner, `"`)
	}
	if len(key) < 16 || len(key) > 128 || strings.Trim(key, tokenCharacters+":") != "" {
		return "", atField(idempotencyKey, "It is 16 to 128 letters, digits and - . _ ~ + / = : that nobody can guess.")
	}
	return key, nil
}
