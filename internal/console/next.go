package console

import (
	"net/url"
	"strings"
)

// nextOf returns the page to go on to after signing in, from a text that anybody may have written. It is a page of ours or "/": never
// another site, by whatever spelling browsers forgive (CWE-601), and never a sign-in page again.
func nextOf(text string) string {
	const home = "/"
	if len(text) > 1000 || !strings.HasPrefix(text, "/") || strings.ContainsAny(text, "\\\t\r\n\x00") {
		return home
	}
	at, err := url.Parse(text)
	if err != nil || at.IsAbs() || at.Host != "" || at.User != nil || at.Opaque != "" || !strings.HasPrefix(at.Path, "/") || strings.HasPrefix(at.Path, "//") {
		return home
	}
	for _, segment := range strings.Split(at.Path, "/") {
		if segment == "." || segment == ".." || strings.ContainsAny(segment, "\\\t\r\n\x00") {
			return home
		}
	}
	if at.Path == "/sign-in" || at.Path == "/sign-out" || strings.HasPrefix(at.Path, "/sign-in/") || strings.HasPrefix(at.Path, "/static/") {
		return home
	}
	return at.EscapedPath() + query(at.RawQuery)
}

func query(raw string) string {
	if raw == "" {
		return ""
	}
	return "?" + raw
}
