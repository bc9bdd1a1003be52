package sheet

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

const postmanSchema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

// The parts of a Postman collection, version 2.1, that a request for a token needs.
type (
	pmCollection struct {
		Info pmInfo   `json:"info"`
		Item []pmItem `json:"item"`
	}
	pmInfo struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Schema      string `json:"schema"`
	}
	pmItem struct {
		Name    string    `json:"name"`
		Event   []pmEvent `json:"event,omitempty"`
		Request pmRequest `json:"request"`
	}
	pmEvent struct {
		Listen string   `json:"listen"`
		Script pmScript `json:"script"`
	}
	pmScript struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	pmRequest struct {
		Method string    `json:"method"`
		Header []pmValue `json:"header"`
		Auth   *pmAuth   `json:"auth,omitempty"`
		Body   *pmBody   `json:"body,omitempty"`
		URL    string    `json:"url"`
	}
	pmAuth struct {
		Type  string    `json:"type"`
		Basic []pmValue `json:"basic,omitempty"`
	}
	pmBody struct {
		Mode       string    `json:"mode"`
		Urlencoded []pmValue `json:"urlencoded,omitempty"`
		Raw        string    `json:"raw,omitempty"`
	}
	pmValue struct {
		Key     string `json:"key"`
		Value   string `json:"value"`
		Type    string `json:"type,omitempty"`
		Enabled *bool  `json:"enabled,omitempty"`
	}
	pmEnvironment struct {
		Name   string    `json:"name"`
		Values []pmValue `json:"values"`
		Scope  string    `json:"_postman_variable_scope"`
	}
)

// asJSON writes a file for people to read too.
func asJSON(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil { // our own types, all plain: cannot happen
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// postmanNames are the variables of the environment, by hole.
var postmanNames = []string{"client_id", "client_secret", "username", "password"}

// collection renders a Postman collection: the request for a token, which keeps the access token in a variable, and a call of each API
// the client may use. It holds no secret: those stand in the environment.
func (c *Contract) collection(values) string {
	v := c.withScope(values{})
	for _, name := range postmanNames {
		v[name] = "{{" + name + "}}"
	}
	a := c.ask(v, func(s string) string {
		if name, ok := strings.CutSuffix(s, "}}"); ok && strings.HasPrefix(s, "{{") {
			return name + "_json}}"
		}
		return asciiJSON(s)
	})
	token := pmItem{Name: "Get a token", Request: pmRequest{Method: "POST", Header: []pmValue{}, URL: c.URL}}
	r := &token.Request
	r.Auth = &pmAuth{Type: "noauth"}
	if a.basic != "" {
		r.Auth = &pmAuth{Type: "basic", Basic: []pmValue{{Key: "username", Value: "{{client_id}}", Type: "string"},
			{Key: "password", Value: "{{client_secret}}", Type: "string"}}}
	}
	for _, h := range a.header {
		r.Header = append(r.Header, pmValue{Key: h[0], Value: h[1]})
	}
	switch {
	case a.form != nil:
		r.Body = &pmBody{Mode: "urlencoded", Urlencoded: []pmValue{}}
		for _, p := range a.form {
			r.Body.Urlencoded = append(r.Body.Urlencoded, pmValue{Key: p[0], Value: p[1], Type: "text"})
		}
	case a.body != "":
		r.Header = append(r.Header, pmValue{Key: "Content-Type", Value: a.media})
		r.Body = &pmBody{Mode: "raw", Raw: a.body}
		token.Event = append(token.Event, script("prerequest", // Postman puts values into a body as they are
			"for (const name of "+asList(postmanNames)+") {",
			"  pm.variables.set(name + \"_json\", JSON.stringify(String(pm.variables.get(name) ?? \"\")).slice(1, -1));", "}"))
	}
	if len(c.token) > 0 {
		token.Event = append(token.Event, script("test",
			"pm.test(\"a token is given\", () => pm.response.to.be.success);",
			"pm.environment.set(\"access_token\", pm.response.json()"+c.index()+");"))
	}
	items := []pmItem{token}
	for _, k := range c.calls {
		items = append(items, k.item(c.base))
	}
	return asJSON(pmCollection{pmInfo{"Tokenbooth: " + c.Title, "Choose the environment that belongs to it, send the first request, then any other.", postmanSchema}, items})
}

func script(listen string, lines ...string) pmEvent {
	return pmEvent{listen, pmScript{"text/javascript", lines}}
}

func asList(names []string) string { return `["` + strings.Join(names, `", "`) + `"]` }

var segment = regexp.MustCompile(`\{([^{}/]+)\}`)

// item is an example call of an API.
func (k *call) item(base string) pmItem {
	path := segment.ReplaceAllString(k.path, ":$1") // as Postman writes a variable of a path
	r := pmRequest{Method: k.method, Header: []pmValue{}, Auth: &pmAuth{Type: "noauth"}, URL: base + path}
	for _, h := range k.header {
		if value, missing := filled(h[1], values{"access_token": "{{access_token}}"}, plain); !missing {
			r.Header = append(r.Header, pmValue{Key: h[0], Value: value})
		}
	}
	return pmItem{Name: k.api + ": " + k.method + " " + k.path, Request: r}
}

// environment renders the Postman environment that belongs to the collection.
func (c *Contract) environment(v values) string {
	on := true
	e := pmEnvironment{Name: "Tokenbooth: " + c.Title, Scope: "environment"}
	for _, name := range postmanNames {
		switch {
		case name == "client_id" || name == "username" && c.Grant == oauth.Password:
			e.Values = append(e.Values, pmValue{name, v[name], "default", &on})
		case name == "client_secret" || name == "password" && c.Grant == oauth.Password:
			e.Values = append(e.Values, pmValue{name, v[name], "secret", &on})
		}
	}
	e.Values = append(e.Values, pmValue{"access_token", "", "secret", &on})
	return asJSON(e)
}
