package dialect

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// flaw is what makes a request one that nobody should guess at: its case, and what is wrong in words that repeat nothing of it.
type flaw struct {
	kind    oauth.Case
	problem string
}

var none flaw

func malformed(f flaw) *oauth.Error {
	return oauth.Refuse(f.kind, "The request is malformed: "+f.problem+".", "%s", f.problem)
}

// methods are the words of HTTP for what a caller wants (RFC 9110, section 9); any other is a caller's own.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}

func wrongMethod(description string, r *http.Request) *oauth.Error {
	return oauth.Refuse(oauth.WrongMethod, description, "method %q", oauth.Unproven(r.Method).AmongWords(methods...))
}

// Media types and charsets that people send and that may be written down; any other text in their place is a caller's own.
var (
	mediaTypes = []string{"application/x-www-form-urlencoded", "application/json", "application/xml", "application/octet-stream", "application/graphql",
		"application/x-ndjson", "application/problem+json", "application/ld+json", "application/vnd.api+json", "multipart/form-data", "multipart/mixed",
		"text/plain", "text/html", "text/xml", "text/json", "text/csv", "*/*"}
	charsets = []string{"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "latin1", "windows-1252", "utf-16", "utf-16le", "utf-16be", "utf-32",
		"shift_jis", "euc-jp", "iso-2022-jp", "gbk", "gb2312", "gb18030", "big5", "euc-kr", "koi8-r", "windows-1251", "macintosh"}
)

// typesShown is what an operator reads of a content type: the media type and its charset.
func typesShown(lines []string) string {
	var shown []string
	for _, line := range lines[:min(len(lines), 2)] {
		media, rest, _ := strings.Cut(line, ";")
		text := oauth.Unproven(strings.TrimSpace(media)).AmongWords(mediaTypes...)
		for p := range strings.SplitSeq(rest, ";") {
			name, value, _ := strings.Cut(p, "=")
			if strings.EqualFold(strings.TrimSpace(name), "charset") {
				text += "; charset=" + oauth.Unproven(strings.Trim(value, "\" \t")).AmongWords(charsets...)
				break
			}
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, ", ")
}
