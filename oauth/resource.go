package oauth

import (
	"net/url"
	"strings"
)

// ResourceMetadataPath is where the address of a protected resource's metadata begins (RFC 9728, section 3).
const ResourceMetadataPath = "/.well-known/oauth-protected-resource"

// ResourceMetadataURL returns where the metadata of a protected resource is to be found, when its identifier is an http or https URL
// with a host and with neither query nor fragment; of others false (RFC 9728, sections 1.2 and 3.1).
func ResourceMetadataURL(resource string) (string, bool) {
	u, err := url.Parse(resource)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.ContainsAny(resource, "?#") {
		return "", false
	}
	// The address goes into headers: a host that is neither a name nor an IP address does not.
	if u.Hostname() == "" || strings.Trim(strings.ToLower(u.Host), "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") != "" {
		return "", false
	}
	path := u.EscapedPath()
	if path == "/" { // the slash behind the host goes, one behind a path stays
		path = ""
	}
	return u.Scheme + "://" + u.Host + ResourceMetadataPath + path, true
}
