package sheet

import "github.com/tokenbooth/tokenbooth/oauth"

// The two ways in which Creator Studio can prove a client, as its form names them.
const (
	studioBasic = "OAuth 2.0 with Basic Auth Header set to username and password"
	studioBody  = "OAuth 2.0 with client credentials in the body"
)

// studio renders the fields of a connector. Creator Studio asks as RFC 6749 writes it, so a contract of another shape has none.
func (c *Contract) studio(v values) string {
	a := c.ask(v, asciiJSON)
	if c.Grant != oauth.ClientCredentials || a.body != "" {
		return ""
	}
	way := studioBasic
	if a.basic == "" {
		way = studioBody
		if param(a.form, "client_id") != v["client_id"] || param(a.form, "client_secret") != v["client_secret"] {
			return ""
		}
	}
	base := c.base
	var t text
	t.line("Base URL: %s", base)
	t.line("Auth Config: Oauth2")
	t.line("Oauth2 Grant Type: Client Credentials Grant")
	t.line("Client ID: %s", v["client_id"])
	t.line("Client Secret: %s", v["client_secret"])
	t.line("Oauth2 Token Url: %s", c.URL)
	if scope := param(a.form, "scope"); scope != "" {
		t.line("Scope: %s", scope)
	}
	t.line("Oauth2 Client Authentication: %s", way)
	return t.done()
}

// param returns a parameter of a form, or nothing.
func param(form [][2]string, name string) string {
	for _, p := range form {
		if p[0] == name {
			return p[1]
		}
	}
	return ""
}
