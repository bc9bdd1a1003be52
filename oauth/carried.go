package oauth

import (
	"net/url"
	"strings"
)

// TokenInQuery reports an access_token in the query of a URL, where logs and histories keep it (RFC 6750, section 2.3), however it is
// spelt and whichever of & and ; separates. A name that cannot be read may hide one. The rest of the query is the API's, and none of
// our business.
func TokenInQuery(query string) bool {
	for query != "" {
		end := strings.IndexAny(query, "&;")
		if end < 0 {
			end = len(query)
		}
		name, _, _ := strings.Cut(query[:end], "=")
		query = query[min(end+1, len(query)):]
		if strings.ContainsAny(name, "%+") {
			var err error
			if name, err = url.QueryUnescape(name); err != nil {
				return true
			}
		}
		if strings.EqualFold(name, "access_token") {
			return true
		}
	}
	return false
}
