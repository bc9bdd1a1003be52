package sheet

import "strings"

// zsh renders the request as a command for a POSIX shell, which zsh and bash are too.
func (c *Contract) zsh(v values) string {
	a := c.ask(v, asciiJSON)
	parts := []string{"curl"}
	if a.basic != "" {
		parts = append(parts, "-u "+Word(a.basic))
	}
	for _, h := range a.header {
		parts = append(parts, "-H "+Word(h[0]+": "+h[1]))
	}
	switch {
	case a.form != nil: // its Content-Type is what curl says by itself
		parts = append(parts, dataOption(encodeForm(a.form)))
	case a.body != "":
		parts = append(parts, "-H "+Word("Content-Type: "+a.media), dataOption(a.body))
	default:
		parts = append(parts, "-X POST")
	}
	return strings.Join(append(parts, Word(c.URL)), " \\\n  ")
}

// dataOption gives curl a body. With -d one that begins with @ would be the name of a file.
func dataOption(body string) string {
	if strings.HasPrefix(body, "@") {
		return "--data-raw " + Word(body)
	}
	return "-d " + Word(body)
}

// Word is a word of a POSIX shell. A word that begins with = would be the path of a command to zsh.
func Word(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@,+%"
	if s != "" && s[0] != '=' && strings.Trim(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
