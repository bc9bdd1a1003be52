package console

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// exampleValues fill the holes of an example that is only decoded. They look like what they are: made up.
func exampleValues(t oauth.Terms) map[string]string {
	v := map[string]string{
		"client_id": "example-client", "client_secret": "example-secret", "username": "someone@example.com", "password": "an example of a password",
		"refresh_token": "example-refresh-token",
	}
	if t.FixedScope {
		v["scope"] = t.DefaultScope
	}
	return v
}

var (
	holeName       = regexp.MustCompile(`\{\{\s*([a-z_]+)\s*(\?)?[^{}]*\}\}`)
	optionalMember = regexp.MustCompile(`,?\s*"[^"{}]*"\s*:\s*"\{\{\s*([a-z_]+)\s*\?\s*\}\}"`)
)

// example renders a request of the contract as it goes over the wire, with \n for line ends, for somebody to change and try. What may be
// left out and has no value is left out.
func (b contractBlock) example(host string, values map[string]string) string {
	head, body, _ := strings.Cut(b.Text, "\n\n")
	lines := strings.Split(head, "\n")
	start := strings.Fields(lines[0])
	if len(start) < 2 {
		return b.Text
	}
	out := []string{start[0] + " " + start[1] + " HTTP/1.1", "Host: " + host}
	isForm := false
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		value, empty := fillHoles(strings.TrimSpace(value), values, func(s string) string { return s })
		if empty || strings.HasPrefix(strings.TrimSpace(l), "#") {
			continue
		}
		if credential, ok := strings.CutPrefix(value, "Basic "); ok && strings.EqualFold(name, "Authorization") {
			value = "Basic " + base64.StdEncoding.EncodeToString([]byte(credential))
		}
		isForm = isForm || strings.EqualFold(name, "Content-Type") && strings.HasPrefix(value, "application/x-www-form-urlencoded")
		out = append(out, name+": "+value)
	}
	if isForm {
		body = fillFormHoles(body, values)
	} else {
		body = optionalMember.ReplaceAllStringFunc(body, func(member string) string {
			if values[optionalMember.FindStringSubmatch(member)[1]] == "" {
				return ""
			}
			return member
		})
		body, _ = fillHoles(body, values, func(s string) string { return string(oauth.AppendJSONText(nil, s)) })
	}
	return strings.Join(out, "\n") + "\n\n" + strings.TrimSpace(body)
}

// fillHoles puts values into holes. empty: a hole that may stay empty did.
func fillHoles(text string, values map[string]string, encode func(string) string) (out string, empty bool) {
	out = holeName.ReplaceAllStringFunc(text, func(hole string) string {
		m := holeName.FindStringSubmatch(hole)
		empty = empty || values[m[1]] == "" && m[2] == "?"
		return encode(values[m[1]])
	})
	return out, empty
}

// fillFormHoles fills a form, whose values are escaped, and leaves out what has none.
func fillFormHoles(body string, values map[string]string) string {
	var pairs []string
	for pair := range strings.SplitSeq(strings.TrimSpace(body), "&") {
		if text, empty := fillHoles(pair, values, url.QueryEscape); !empty {
			pairs = append(pairs, text)
		}
	}
	return strings.Join(pairs, "&")
}
