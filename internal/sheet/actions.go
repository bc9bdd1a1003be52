package sheet

import (
	"regexp"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// secretsOf are the variables of a workflow's step by the hole they fill. The id is one of them only so that both stand in one place.
var secretsOf = []struct{ hole, name string }{
	{"client_id", "TOKENBOOTH_CLIENT_ID"}, {"client_secret", "TOKENBOOTH_CLIENT_SECRET"},
	{"username", "TOKENBOOTH_USERNAME"}, {"password", "TOKENBOOTH_PASSWORD"},
}

// actions renders a step of a workflow of GitHub Actions. The values come from the secrets of the repository; the step's output is
// masked before it is set, so that no log shows it.
func (c *Contract) actions(values) string {
	if len(c.token) == 0 {
		return "" // nothing to take the token out with
	}
	v := c.withScope(values{})
	for _, s := range secretsOf {
		v[s.hole] = "$" + s.name
	}
	var t text
	t.line("- name: Get an access token\n  id: tokenbooth\n  shell: bash\n  env:")
	for _, s := range secretsOf {
		if c.grantNeeds(s.hole) {
			t.line("    %s: ${{ secrets.%s }}", s.name, s.name)
		}
	}
	t.line("  run: |")
	for _, l := range strings.Split(c.script(v), "\n") {
		t.line("    %s", l)
	}
	t.line("# In later steps: ${{ steps.tokenbooth.outputs.access_token }}")
	return t.done()
}

// grantNeeds reports whether the contract's request says something about a person.
func (c *Contract) grantNeeds(hole string) bool {
	return c.Grant == oauth.Password || hole != "username" && hole != "password"
}

// script asks with curl and reads the answer with jq, which every runner has.
func (c *Contract) script(v values) string {
	a := c.ask(v, plain)
	parts := []string{"curl --silent --show-error --fail-with-body --request POST"}
	if a.basic != "" {
		parts = append(parts, "--user "+expanded(a.basic))
	}
	for _, h := range a.header {
		parts = append(parts, "--header "+expanded(h[0]+": "+h[1]))
	}
	for _, p := range a.form {
		parts = append(parts, "--data-urlencode "+expanded(p[0]+"="+p[1]))
	}
	if a.body != "" {
		parts = append(parts, "--header "+Word("Content-Type: "+a.media), "--data-raw "+jqBody(c, v))
	}
	return "answer=$(" + strings.Join(append(parts, Word(c.URL)), " \\\n  ") + ")\n" +
		"token=$(jq --exit-status --raw-output " + Word(jqPath(c.token)) + " <<<\"$answer\")\n" +
		"echo \"::add-mask::$token\"\n" +
		"echo \"access_token=$token\" >> \"$GITHUB_OUTPUT\""
}

var variable = regexp.MustCompile(`\$TOKENBOOTH_[A-Z_]+`)

// expanded is a word of bash in which our variables are expanded, and nothing else is.
func expanded(s string) string {
	if !variable.MatchString(s) {
		return Word(s)
	}
	var out strings.Builder
	out.WriteByte('"')
	for at := 0; at < len(s); {
		if m := variable.FindStringIndex(s[at:]); m != nil && m[0] == 0 {
			out.WriteString(s[at : at+m[1]])
			at += m[1]
			continue
		}
		if strings.IndexByte("\"\\$`", s[at]) >= 0 {
			out.WriteByte('\\')
		}
		out.WriteByte(s[at])
		at++
	}
	return out.String() + `"`
}

// jqBody is a body in JSON that jq fills from the environment: it writes any value as JSON wants it.
func jqBody(c *Contract, v values) string {
	a := c.ask(v, func(s string) string {
		if name, ok := strings.CutPrefix(s, "$"); ok && variable.MatchString(s) {
			return `\(env.` + name + `)`
		}
		return asciiJSON(s)
	})
	if !strings.HasPrefix(a.body, "{") && !strings.HasPrefix(a.body, "[") {
		return expanded(a.body)
	}
	return `"$(jq --null-input --compact-output ` + Word(a.body) + `)"`
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// jqPath leads to a member.
func jqPath(names []string) string {
	out := ""
	for _, n := range names {
		if !word.MatchString(n) {
			n = literal(n)
		}
		out += "." + n
	}
	return out
}
