package console

import (
	"net/http"
	"slices"
	"strings"
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
	Lines []Setting
	API   bool // of one API: there may be many, so they are folded until something is searched for
}

// settings are those of the whole installation.
func settings(v *visit) error { return v.showSettings("", v.allSettings()) }

// tenantSettings are those of one tenant: who has a role there only does not see the others'.
func tenantSettings(v *visit) error {
	if err := v.desk.Settings(); err != nil {
		return err
	}
	return v.showSettings(titleOf(v.tenant.Title, v.tenant.Name), ofTenant(v.allSettings(), v.tenant.Name))
}

func (v *visit) allSettings() []Setting {
	if v.Settings == nil {
		return nil
	}
	return v.Settings()
}

func (v *visit) showSettings(tenant string, all []Setting) error {
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
func groupOf(all []Setting, field string) string {
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
func nameAt(all []Setting, place string) string {
	field := place + ".name"
	for _, s := range all {
		if s.Field == field {
			return s.Value
		}
	}
	return place
}

// ofTenant returns what stands under tenants[N] of the tenant with that name.
func ofTenant(all []Setting, name string) []Setting {
	place := ""
	for _, s := range all {
		if strings.HasPrefix(s.Field, "tenants[") && strings.HasSuffix(s.Field, "].name") && s.Value == name {
			place = strings.TrimSuffix(s.Field, "name")
			break
		}
	}
	var own []Setting
	for _, s := range all {
		if place != "" && strings.HasPrefix(s.Field, place) {
			own = append(own, s)
		}
	}
	return own
}
