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
	Tenant  string     `json:"tenant"`  // empty where the file has several
	Drift   bool       `json:"drift"`   // there is, or was, something to do
	Applied bool       `json:"applied"` // all of it is done
	Steps   []stepView `json:"steps"`
}

type stepView struct {
	Act        string       `json:"act"` // create, change, disable or none
	Tenant     string       `json:"tenant"`
	Kind       string       `json:"kind"` // tenant, client or user
	ID         string       `json:"id"`   // the client id, or the name of tenant or user
	Fields     []difference `json:"fields"`
	Done       bool         `json:"done"`
	Secret     string       `json:"secret,omitempty"`      // of whoever is new, this once: a client's secret, a user's password
	SecretFile string       `json:"secret_file,omitempty"` // or where it was written to
}

// view shows the plan and how far it went.
func (all works) view() planView {
	v := planView{Applied: true, Steps: []stepView{}}
	if len(all) == 1 {
		v.Tenant = all[0].tenant.Name
	}
	for _, w := range all {
		for i, s := range w.steps {
			f := &w.fates[i]
			one := stepView{Act: s.act, Tenant: w.tenant.Name, Kind: s.kind, ID: s.id, Fields: filledIn(s.changes), Done: f.done, SecretFile: f.file}
			if f.file == "" {
				one.Secret = f.text.Reveal()
			}
			v.Drift = v.Drift || s.act != toDoNone
			v.Applied = v.Applied && (f.done || s.act == toDoNone)
			v.Steps = append(v.Steps, one)
		}
	}
	return v
}

// markOf is how a step begins for people.
var markOf = map[string]string{toCreate: "+", toChange: "~", toDisable: "-", toDoNone: "="}

// showPlan shows what there is to do. A program is shown it here only where that is all it will be shown.
func (all works) showPlan(p *printer, last bool) error {
	if p.json {
		if last {
			return p.object(all.view())
		}
		return nil
	}
	for i, w := range all {
		if i > 0 {
			if err := p.say(""); err != nil {
				return err
			}
		}
		if err := w.showPlan(); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) showPlan() error {
	var b strings.Builder
	for _, s := range w.steps {
		fmt.Fprintf(&b, "%s %-6s  %s", markOf[s.act], s.kind, s.id)
		if s.remark != "" {
			fmt.Fprintf(&b, "  %s", harmless(s.remark))
		}
		b.WriteByte('\n')
		for _, d := range s.changes {
			fmt.Fprintf(&b, "      %s\n", d.text(s.act))
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return w.say("%sTenant %s: %s.", b.String(), w.tenant.Name, w.count())
}

// text says what a difference is, in a step that does something.
func (d *difference) text(act string) string {
	if come, ok := d.New.(member); ok {
		return harmless(fmt.Sprintf("%s: + %s", d.Field, come))
	}
	if gone, ok := d.Old.(member); ok {
		return harmless(fmt.Sprintf("%s: - %s", d.Field, gone))
	}
	if act == toCreate {
		return fmt.Sprintf("%s: %s", harmless(d.Field), inYAML(d.New))
	}
	return fmt.Sprintf("%s: %s → %s", harmless(d.Field), inYAML(d.Old), inYAML(d.New))
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
func (all works) showDone(p *printer) error {
	if p.json {
		return p.object(all.view())
	}
	var errs []error
	shown, done, due := false, 0, 0
	for _, w := range all {
		person := false
		for i, s := range w.steps {
			f := &w.fates[i]
			if s.act != toDoNone {
				due++
			}
			if f.done {
				done++
				person = person || s.kind == "user" && s.act == toCreate
			}
			shown = shown || f.text != "" && f.file == ""
			errs = append(errs, w.showFate(s, f))
		}
		if person && !w.tenant.AllowPasswordGrant {
			w.note("tenant %s does not allow the password grant: nobody can sign in before its settings say allow_password_grant: true", w.tenant.Name)
		}
	}
	errs = append(errs, p.say("%d of %d done.", done, due))
	if shown {
		errs = append(errs, p.say("\nSecrets are shown this once: only hashes of them are kept."))
	}
	return errors.Join(errs...)
}

// showFate says what has become of a step, where that is more than that it is done.
func (w *work) showFate(s *step, f *fate) error {
	switch {
	case f.done && s.kind == "tenant":
		return w.say("Tenant %s is written to %s; a running server takes it up within a second", s.id, s.tenant.page.file)
	case f.text == "":
		return nil
	case f.file != "":
		return w.say("%s %s is registered; %s is in %s", titled(s.kind), s.id, secretWord(s.kind), f.file)
	}
	return errors.Join(w.say("%s %s is registered.", titled(s.kind), s.id), w.sheet([]line{{"  " + titled(secretWord(s.kind)), f.text.Reveal()}}))
}

func titled(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// secretWord is what somebody of a kind proves itself by.
func secretWord(kind string) string {
	if kind == "user" {
		return "password"
	}
	return "secret"
}
