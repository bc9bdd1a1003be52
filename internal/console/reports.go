package console

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	longestReport = 16 << 10 // bytes of a body
	maxReports    = 10       // of one body that are looked at
)

// unreadable stands in the log for what no browser sends.
const unreadable = "unreadable"

// violation is what is kept of a report: enough to find the line of ours that the policy stopped, or the stranger's host. An address may
// hold a one-time link, so of one there is no query, no fragment and no name before the host.
type violation struct {
	Directive string // which part of the policy
	Blocked   string // the origin of what was stopped, or the browser's word for it: inline, eval
	Page      string // path of the page
}

// cspReport takes what a browser reports when a page tried something that the policy forbids: a mistake of ours, or an attack.
func cspReport(v *visit) error {
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, longestReport))
	if err != nil {
		return err
	}
	for _, seen := range readReports(body) {
		if v.reports.admit() {
			v.Log.Warn("content policy violated", "request_id", v.id, "source", v.caller.From(), "directive", seen.Directive, "blocked", seen.Blocked, "page", seen.Page)
		}
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// readReports reads a body of either form: of report-uri (Content Security Policy Level 3, section 5.3), or of the Reporting API
// (section 5.4 there), which sends several at once.
func readReports(body []byte) []violation {
	var one struct {
		Report *struct {
			Directive string `json:"effective-directive"`
			Violated  string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
			Document  string `json:"document-uri"`
		} `json:"csp-report"`
	}
	if err := json.Unmarshal(body, &one); err == nil && one.Report != nil {
		r := one.Report
		if r.Directive == "" {
			r.Directive = r.Violated
		}
		return []violation{{directiveOf(r.Directive), originOf(r.Blocked), pageOf(r.Document)}}
	}
	var many []struct {
		Type string `json:"type"`
		Body struct {
			Directive string `json:"effectiveDirective"`
			Blocked   string `json:"blockedURL"`
			Document  string `json:"documentURL"`
		} `json:"body"`
	}
	if err := json.Unmarshal(body, &many); err != nil || len(many) == 0 {
		return []violation{{unreadable, unreadable, unreadable}}
	}
	var all []violation
	for _, r := range many[:min(len(many), maxReports)] {
		if r.Type != "csp-violation" { // the browser's word on something else
			r.Body.Directive = ""
		}
		all = append(all, violation{directiveOf(r.Body.Directive), originOf(r.Body.Blocked), pageOf(r.Body.Document)})
	}
	return all
}

// directiveOf is the name of a directive; older browsers send what stands behind it as well.
func directiveOf(text string) string {
	name, _, _ := strings.Cut(text, " ")
	return wordOf(name)
}

// wordOf lets a word of small letters and hyphens pass, which is all that the names in a report are.
func wordOf(text string) string {
	if text == "" || len(text) > 40 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return unreadable
	}
	return text
}

// originOf is the origin of an address, the scheme of one without a host, or a browser's own word.
func originOf(text string) string {
	at, err := url.Parse(text)
	switch {
	case err != nil:
		return unreadable
	case at.Scheme != "" && at.Host != "":
		return clip(plainly(at.Scheme+"://"+at.Host), 200)
	case at.Scheme != "":
		return wordOf(at.Scheme) + ":"
	}
	return wordOf(text)
}

// pageOf is the path of an address.
func pageOf(text string) string {
	at, err := url.Parse(text)
	if err != nil || !strings.HasPrefix(at.Path, "/") {
		return unreadable
	}
	return loggedPath(plainly(at.Path))
}
