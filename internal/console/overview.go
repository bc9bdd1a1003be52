package console

import (
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// overviewPage is a tenant at a glance.
type overviewPage struct {
	Title, Issuer string
	Hours         []audit.Hour // each hour of the time shown, zeros too
	Week          bool         // seven days; else one
	Issued        uint64       // in that time
	Refused       uint64
	Share         string // of refused, of all
	Busiest       []registry.Busy
	Expiring      []directory.Expiry
	Reading       string // why nothing is said of what expires; "": it is
	ExpiringInAll int
	More          int // that expire beside those listed
	Most          int // tokens of the busiest
	Warnings      []warningLine
	Health        []Fact
	Empty         bool // nothing was ever asked for
	MayCreate     bool
}

type warningLine struct{ Text, URL, Label string }

const shownExpiring = 6

func overview(v *visit) error {
	seen, err := v.desk.Overview(v.r.Context())
	if err != nil {
		return err
	}
	page := overviewPage{Title: titleOf(v.tenant.Title, v.tenant.Name), Issuer: v.tenant.Issuer, Week: v.r.URL.Query().Get("show") != "day",
		Busiest: seen.Busiest, Expiring: seen.Expiring, Reading: readingText(seen.Reading), Warnings: v.warningLines(seen.Warnings),
		MayCreate: v.actor.Role(v.tenant.Name).Can(operator.ChangeClients)}
	hours := 7 * 24
	if !page.Week {
		hours = 24
	}
	page.Hours = filled(seen.Hours, v.Now(), hours)
	for _, h := range page.Hours {
		page.Issued, page.Refused = page.Issued+h.Issued, page.Refused+h.Refused
	}
	page.Empty = page.Issued+page.Refused == 0
	page.Share = share(page.Refused, page.Issued+page.Refused)
	if page.ExpiringInAll = len(page.Expiring); page.ExpiringInAll > shownExpiring {
		page.Expiring, page.More = page.Expiring[:shownExpiring], page.ExpiringInAll-shownExpiring
	}
	if len(page.Busiest) > 0 {
		page.Most = page.Busiest[0].Tokens
	}
	if v.Health != nil {
		page.Health = v.Health(v.r)
	}
	return v.render(http.StatusOK, "overview", "Overview", page)
}

// filled returns every one of the last hours, the running one too, with zeros where nothing was counted.
func filled(counted []audit.Hour, now time.Time, hours int) []audit.Hour {
	by := map[int64]audit.Hour{}
	for _, h := range counted {
		by[h.Start.Unix()] = h
	}
	first := now.UTC().Truncate(time.Hour).Add(-time.Duration(hours-1) * time.Hour)
	all := make([]audit.Hour, hours)
	for i := range all {
		start := first.Add(time.Duration(i) * time.Hour)
		all[i] = by[start.Unix()]
		all[i].Start = start
	}
	return all
}

func share(part, whole uint64) string {
	if whole == 0 {
		return "–"
	}
	percent := float64(part) * 100 / float64(whole)
	if percent > 0 && percent < .1 {
		return "< 0.1 %"
	}
	return decimal(percent) + " %"
}

func (v *visit) warningLines(all []office.Warning) []warningLine {
	var lines []warningLine
	for _, w := range all {
		line := warningLine{Text: w.Text}
		label, right := "Open", operator.Right("")
		switch w.Link {
		case "keys":
			label, right = "Signing keys", operator.ReadKeys
		case "settings":
			label, right = "Settings", operator.ReadSettings
		case "clients":
			label, right = "API credentials", operator.ReadClients
		}
		if right != "" && v.actor.Role(v.tenant.Name).Can(right) {
			line.URL, line.Label = v.path(w.Link), label
		}
		lines = append(lines, line)
	}
	return lines
}
