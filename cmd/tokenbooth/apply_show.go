package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// planView is the answer of apply. These names are a promise to programs.
type planView struct {
	Tenant  string     `json:"tenant"`
	Drift   bool       `json:"drift"`   // there is, or was, something to do
	Applied bool       `json:"applied"` // all of it is done
	Steps   []stepView `json:"steps"`
}

type stepView struct {
	Act        string       `json:"act"`  // create, change, disable or none
	Kind       string       `json:"kind"` // client or user
	ID         string       `json:"id"`   // the client id, or the user name
	Fields     []difference `json:"fields"`
	Done       bool         `json:"done"`
	Secret     string       `json:"secret,omitempty"`      // of whoever is new, this once: a client's secret, a user's password
	SecretFile string       `json:"secret_file,omitempty"` // or where it was written to
}

// view shows the plan and how far it went.
func (w *work) view() planView {
	v := planView{Tenant: w.tenant.Name, Applied: true, Steps: []stepView{}}
	for i, s := range w.steps {
		f := &w.fates[i]
		one := stepView{Act: s.act, Kind: s.kind, ID: s.id, Fields: filledIn(s.changes), Done: f.done, SecretFile: f.file}
		if f.file == "" {
			one.Secret = f.text.Reveal()
		}
		v.Drift = v.Drift || s.act != toDoNone
		v.Applied = v.Applied && (f.done || s.act == toDoNone)
		v.Steps = append(v.Steps, one)
	}
	return v
}

// markOf is how a step begins for people.
var markOf = map[string]string{toCreate: "+", toChange: "~", toDisable: "-", toDoNone: "="}

// showPlan shows what there is to do. A program is shown it here only where that is all it will be shown.
func (w *work) showPlan(last bool) error {
	if w.json {
		if last {
			return w.object(w.view())
		}
		return nil
	}
	var b strings.Builder
	for _, s := range w.steps {
		fmt.Fprintf(&b, "%s %-6s  %s", markOf[s.act], s.kind, s.id)
		if s.remark != "" {
			fmt.Fprintf(&b, "  %s", harmless(s.remark))
		}
		b.WriteByte('\n')
		for _, d := range s.changes {
			if s.act == toCreate {
				fmt.Fprintf(&b, "      %s: %s\n", d.Field, inYAML(d.New))
			} else {
				fmt.Fprintf(&b, "      %s: %s → %s\n", d.Field, inYAML(d.Old), inYAML(d.New))
			}
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return w.say("%sTenant %s: %s.", b.String(), w.tenant.Name, w.count())
}

// inYAML writes a value much as it stands in a file of declarations.
func inYAML(v any) string {
	switch v := v.(type) {
	case []string:
		var words []string
		for _, w := range v {
			words = append(words, inYAML(w))
		}
		return "[" + strings.Join(words, ", ") + "]"
	case string:
		if v == "" || strings.ContainsFunc(v, func(r rune) bool {
			return unicode.IsSpace(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`,[]"→`, r)
		}) {
			return strconv.Quote(v)
		}
	}
	return fmt.Sprint(v)
}

// showDone says what has been done, and shows or names the secrets of whoever is new. They cannot be shown again.
func (w *work) showDone() error {
	if w.json {
		return w.object(w.view())
	}
	var all []error
	shown, person, done, due := false, false, 0, 0
	for i, s := range w.steps {
		f := &w.fates[i]
		if s.act != toDoNone {
			due++
		}
		if f.done {
			done++
			person = person || s.kind == "user" && s.act == toCreate
		}
		switch {
		case f.text == "":
		case f.file != "":
			all = append(all, w.say("%s %s is registered; %s is in %s", titled(s.kind), s.id, secretWord(s.kind), f.file))
		default:
			shown = true
			all = append(all, w.say("%s %s is registered.", titled(s.kind), s.id), w.sheet([]line{{"  " + titled(secretWord(s.kind)), f.text.Reveal()}}))
		}
	}
	all = append(all, w.say("%d of %d done.", done, due))
	if shown {
		all = append(all, w.say("\nSecrets are shown this once: only hashes of them are kept."))
	}
	if person && !w.tenant.AllowPasswordGrant {
		w.note("tenant %s does not allow the password grant: nobody can sign in before its settings say allow_password_grant: true", w.tenant.Name)
	}
	return errors.Join(all...)
}

func titled(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// secretWord is what somebody of a kind proves itself by.
func secretWord(kind string) string {
	if kind == "user" {
		return "password"
	}
	return "secret"
}
