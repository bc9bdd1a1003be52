package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// apisPage shows what the tenant's settings declare: its APIs, what a client may be given, and which call needs what.
type apisPage struct {
	APIs        []apiCard
	SettingsURL string // "": the settings are not this operator's to read
	Settings    bool   // where calls go that are let through is shown to whoever may read settings
	Reading     string // why it is not said who holds what; "": it is
}

// apiCard is one API.
type apiCard struct {
	registry.API
	Heading     string
	Place       string // where the settings declare it; "": not shown
	DialectURL  string // "": no such dialect is loaded
	BuiltIn     bool   // the operators' API, which no settings declare
	Permissions []permissionRow
	Routes      []routeRow
	CORSMaxAge  string
}

// permissionRow is a permission with the clients that hold it.
type permissionRow struct {
	registry.Permission
	Everywhere bool // it counts in every tenant
	Holders    int
	URL        string // of the list of those clients
}

// routeRow is a route in words.
type routeRow struct {
	Method, Path, Permission string
	Public                   bool
	Rate, MaxBody            string // "": no limit
}

func apis(v *visit) error {
	p := apisPage{Settings: v.offers(operator.ReadSettings)}
	if v.actor.Role(operator.All).Can(operator.ReadSettings) {
		p.SettingsURL = "/settings"
	}
	places := v.apiPlaces()
	known := v.Dialects()
	holders, err := v.desk.Holders(v.r.Context())
	if reading, ok := errors.AsType[*directory.Reading](err); ok {
		p.Reading, err = readingText(reading), nil
	}
	if err != nil {
		return err
	}
	for i := range v.tenant.APIs {
		a := &v.tenant.APIs[i]
		card := apiCard{API: *a, Heading: titleOf(a.Title, a.Name), Place: places[i], BuiltIn: a.Upstream == "" && registry.IsOperatorsPermission(firstPermission(a))}
		if known[a.Dialect] != nil {
			card.DialectURL = v.path("dialects", a.Dialect)
		}
		for _, permission := range a.Permissions {
			card.Permissions = append(card.Permissions, permissionRow{permission, registry.IsDeskPermission(permission.Name), holders[permission.Name], v.path("clients") + "?permission=" + url.QueryEscape(permission.Name)})
		}
		for _, r := range a.Routes {
			card.Routes = append(card.Routes, routeRow{r.Method, r.Path, r.Permission, r.Public, rateText(r.Rate), sizeText(r.MaxBody)})
		}
		if a.CORS != nil && a.CORS.MaxAge > 0 {
			card.CORSMaxAge = inWords(a.CORS.MaxAge)
		}
		p.APIs = append(p.APIs, card)
	}
	return v.render(http.StatusOK, "apis", "APIs & permissions", p)
}

func firstPermission(a *registry.API) string {
	if len(a.Permissions) == 0 {
		return ""
	}
	return a.Permissions[0].Name
}

// apiPlaces finds where the settings declare each API, for those who may read the settings.
func (v *visit) apiPlaces() map[int]string {
	if v.actor.May(operator.ReadSettings, v.tenant.Name) != nil {
		return nil
	}
	own, err := v.desk.Settings()
	if err != nil {
		return nil
	}
	places := map[int]string{}
	for _, s := range own {
		_, rest, ofAPI := strings.Cut(s.Field, "].apis[")
		number, field, _ := strings.Cut(rest, "].")
		if i, err := strconv.Atoi(number); ofAPI && field == "name" && err == nil {
			places[i] = s.Place
		}
	}
	return places
}

// rateText says how many calls are let through; "" is no limit.
func rateText(r registry.Rate) string {
	if r.PerSecond == 0 {
		return ""
	}
	text := strconv.FormatFloat(r.PerSecond, 'g', -1, 64) + " a second"
	if r.PerSecond < 1 {
		text = "one every " + inWords(time.Duration(float64(time.Second)/r.PerSecond).Round(time.Second))
	}
	if r.Burst > 0 {
		text += fmt.Sprintf(", %d at once", r.Burst)
	}
	return text
}

// sizeText says how many bytes; "" is no limit.
func sizeText(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return num(n) + " bytes"
}
