package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/office"
)

// settingsPage shows the settings in effect and where each comes from. They are changed where they stand, not here.
type settingsPage struct {
	Tenant string // whose; "": all
	Groups []settingsGroup
	Search string
	Total  int
}

type settingsGroup struct {
	Name  string
	Lines []office.Setting
	API   bool // of one API: there may be many, so they are folded until something is searched for
}

// settings are those of the whole installation.
func settings(v *visit) error {
	all, err := v.Office.Operators(&v.actor).Settings()
	if err != nil {
		return err
	}
	return v.showSettings("", all)
}

// tenantSettings are those of one tenant.
func tenantSettings(v *visit) error {
	own, err := v.desk.Settings()
	if err != nil {
		return err
	}
	return v.showSettings(titleOf(v.tenant.Title, v.tenant.Name), own)
}

func (v *visit) showSettings(tenant string, all []office.Setting) error {
	page := settingsPage{Tenant: tenant, Search: clip(v.r.URL.Query().Get("q"), 100)}
	wanted := strings.ToLower(page.Search)
	for _, s := range all {
		if wanted != "" && !strings.Contains(strings.ToLower(s.Field+" "+s.Value), wanted) {
			continue
		}
		page.Total++
		name := groupOf(all, s.Field)
		at := slices.IndexFunc(page.Groups, func(g settingsGroup) bool { return g.Name == name })
		if at < 0 {
			at, page.Groups = len(page.Groups), append(page.Groups, settingsGroup{Name: name, API: strings.Contains(s.Field, "].apis[")})
		}
		page.Groups[at].Lines = append(page.Groups[at].Lines, s)
	}
	return v.render(http.StatusOK, "settings", "Settings", page)
}

// groupOf names the table that a setting stands in: its API's, its tenant's, or the one for all else.
func groupOf(all []office.Setting, field string) string {
	place, rest, inTenant := strings.Cut(field, "].")
	if !inTenant || !strings.HasPrefix(field, "tenants[") {
		return "This process"
	}
	name := "Tenant " + nameAt(all, place+"]")
	if api, _, of := strings.Cut(rest, "]."); of && strings.HasPrefix(rest, "apis[") {
		name += ", API " + nameAt(all, place+"]."+api+"]")
	}
	return name
}

// nameAt is the name of what stands at a place of the settings; where it has none, the place.
func nameAt(all []office.Setting, place string) string {
	field := place + ".name"
	for _, s := range all {
		if s.Field == field {
			return s.Value
		}
	}
	return place
}
