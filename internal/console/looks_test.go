package console

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
)

func TestATimeInAListHasTheExactMomentAsItsTitle(t *testing.T) {
	if got := string(brief(noon.Add(7*time.Second), "2 Jan 2006, 15:04")); !strings.Contains(got, `title="22 Nov 2026, 12:00:07 UTC"`) || !strings.Contains(got, ">22 Nov 2026, 12:00<") {
		t.Error(got)
	}
}

func TestALengthOfTimeJustShortOfARoundOneIsSaidAsTheRoundOne(t *testing.T) {
	for d, want := range map[time.Duration]string{604799 * time.Second: "about 7 days (604,799 s)", 7 * 24 * time.Hour: "7 days", 3599 * time.Second: "59 minutes 59 seconds",
		900 * time.Second: "15 minutes", 90 * time.Minute: "1 hour 30 minutes"} {
		if got := inWords(d); got != want {
			t.Errorf("%s: %q, not %q", d, got, want)
		}
	}
}

func TestAFieldBreaksBetweenItsPartsAndIsEscaped(t *testing.T) {
	if got := string(dotted("tenants[0].<b>")); got != "tenants<wbr>[0].<wbr>&lt;b&gt;" {
		t.Error(got)
	}
}

func TestAButtonSaysThePathUnlessTwoContractsShareIt(t *testing.T) {
	at := func(title, url string) sheetContract {
		return sheetContract{Contract: sheet.Contract{Title: title, URL: url}}
	}
	all := []sheetContract{at("a", "http://x.test/token"), at("b", "http://x.test/api/token?grant_type=x"), at("c", "http://x.test/api/token")}
	shorten(all)
	if all[0].Short != "/token" || all[1].Short != "b" || all[2].Short != "c" {
		t.Errorf("%q %q %q", all[0].Short, all[1].Short, all[2].Short)
	}
}

func TestSettingsOfEachAPIStandTogether(t *testing.T) {
	all := []office.Setting{{Field: "tenants[0].name", Value: "acme"}, {Field: "tenants[0].apis[1].name", Value: "flows"}, {Field: "listen"}}
	for field, want := range map[string]string{"listen": "This process", "tenants[0].issuer": "Tenant acme", "tenants[0].apis[1].routes[0].path": "Tenant acme, API flows",
		"tenants[0].apis[0].name": "Tenant acme, API tenants[0].apis[0]", "tenants[3].title": "Tenant tenants[3]", "tenants[0].endpoints[0].path": "Tenant acme"} {
		if got := groupOf(all, field); got != want {
			t.Errorf("%s: %q, not %q", field, got, want)
		}
	}
}

func TestNoUserIsOfferedPermissionsOfTheOperatorsAPI(t *testing.T) {
	groups := func() []boxGroup { return []boxGroup{{Title: "Flows"}, {Title: "Operators' API", Operators: true}} }
	if got := userPermissions(groups(), []string{"flows"}); len(got) != 1 {
		t.Errorf("offered: %v", got)
	}
	if got := userPermissions(groups(), []string{registry.OperatorsPrefix + "viewer"}); len(got) != 2 {
		t.Errorf("what is held is not shown: %v", got)
	}
}
