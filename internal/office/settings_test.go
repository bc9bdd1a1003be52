package office

import (
	"slices"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

func TestReq047_B57_SettingsOfATenantAreThoseOfNoOther(t *testing.T) {
	w := open(t)
	own := []Setting{{"tenants[1].name", "acme", "booth.yaml:9"}, {"tenants[1].issuer", "https://login.acme.test", "booth.yaml:10"}}
	others := []Setting{{"listen", "127.0.0.1:8080", "default"}, {"tenants[0].name", "other", "booth.yaml:3"}, {"tenants[0].title", "acme", "booth.yaml:4"},
		{"tenants[0].apis[0].name", "acme", "booth.yaml:5"}, {"tenants[0].apis[0].upstream", "http://inside.other.test", "booth.yaml:6"},
		{"tenants[10].name", "acme too", "booth.yaml:20"}}
	w.Options.Settings = func() []Setting { return slices.Concat(others[:5], own, others[5:]) }
	for _, role := range []operator.Role{operator.Owner, operator.Auditor} {
		if got, err := w.as(role).Settings(); err != nil || !slices.Equal(got, own) {
			t.Errorf("%s of acme sees %v, %v", role, got, err)
		}
	}
	if got, err := w.root().Settings(); err != nil || len(got) != len(own)+len(others) {
		t.Errorf("an owner of the desk sees %v, %v", got, err)
	}
	w.Options.Settings = func() []Setting { return others }
	if got, err := w.as(operator.Owner).Settings(); err != nil || len(got) != 0 {
		t.Errorf("of a tenant that is not in the file there is %v, %v", got, err)
	}
	w.Options.Settings = nil
	if got, err := w.root().Settings(); err != nil || len(got) != 0 {
		t.Errorf("where none are known there is %v, %v", got, err)
	}
}
