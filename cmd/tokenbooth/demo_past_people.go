package main

import (
	"net/netip"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// pastClient is a client that the demo has had for a month.
type pastClient struct {
	id, name, description string
	owner                 string // who registered it
	permissions, opens    []string
	from                  netip.Addr
	allowFrom             []registry.Network
	endsIn                time.Duration // after the demo's start; 0: never; below zero: it has ended already
	idle                  time.Duration // since when it has not asked
	keepsOld              bool          // it still uses the secret that was replaced
	asks                  func(hour time.Time) int
}

// Rhythms of asking, in tokens an hour.
func always(n int) func(time.Time) int { return func(time.Time) int { return n } }

func nightly(at, n int) func(time.Time) int {
	return func(h time.Time) int {
		if h.Hour() == at {
			return n
		}
		return 0
	}
}

// atDaytime is the rhythm of people at work: most in the late morning, little at midday, nobody at night or at the weekend.
func atDaytime(most int) func(time.Time) int {
	share := [24]int{7: 20, 8: 55, 9: 90, 10: 100, 11: 85, 12: 45, 13: 75, 14: 95, 15: 90, 16: 70, 17: 40, 18: 15}
	return func(h time.Time) int {
		if d := h.Weekday(); d == time.Saturday || d == time.Sunday {
			return 0
		}
		return most * (share[h.Hour()] + h.YearDay()*7%23 - 11) / 100 * min(share[h.Hour()], 1)
	}
}

func never(time.Time) int { return 0 }

const ada, bo = "cli:ada", "cli:bo"

var pastClients = []pastClient{
	{id: "warehouse-nightly", name: "Nightly warehouse load", description: "Loads devices and scores into the data warehouse. data-platform@example.com",
		owner: ada, permissions: []string{"nql", "enrichment"}, opens: []string{"nql"}, from: netip.MustParseAddr("192.0.2.20"),
		allowFrom: []registry.Network{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}, asks: nightly(2, 64)},
	{id: "power-bi", name: "Power BI dashboards", description: "Refreshes the experience dashboards. bi-team@example.com",
		owner: ada, permissions: []string{"nql"}, opens: []string{"nql"}, from: netip.MustParseAddr("198.51.100.31"), asks: atDaytime(34)},
	{id: "servicenow", name: "ServiceNow integration", description: "Opens incidents and runs remote actions from them. itsm@example.com",
		owner: bo, permissions: []string{"remote-actions", "workflows", "campaigns", "nql"}, opens: []string{"remote-actions", "workflows"},
		from: netip.MustParseAddr("198.51.100.7"), asks: atDaytime(52)},
	{id: "endpoint-health", name: "Endpoint health exporter", description: "Metrics every five minutes. sre@example.com",
		owner: bo, permissions: []string{"nql"}, opens: []string{"nql"}, from: netip.MustParseAddr("192.0.2.44"), asks: always(12)},
	{id: "incident-bot", name: "Incident bot", description: "Answers in the chat of the service desk; its secret is being rotated.",
		owner: bo, permissions: []string{"workflows", "spark"}, opens: []string{"workflows", "spark"}, from: netip.MustParseAddr("203.0.113.52"),
		keepsOld: true, asks: atDaytime(16)},
	{id: "crm-sync", name: "CRM sync", description: "A project until the end of the quarter. crm@example.com", owner: ada,
		permissions: []string{"enrichment"}, opens: []string{"enrichment"}, from: netip.MustParseAddr("203.0.113.9"), endsIn: 5 * day, asks: atDaytime(9)},
	{id: "ci-pipeline", name: "Deployment pipeline", description: "Smoke tests after each deployment.", owner: ada,
		permissions: []string{"workflows", "remote-actions"}, opens: []string{"workflows"}, from: netip.MustParseAddr("192.0.2.80"), asks: atDaytime(21)},
	{id: "postman-ada", name: "Postman (Ada)", description: "For trying things out.", owner: ada,
		permissions: []string{"remote-actions", "enrichment", "data-management", "workflows", "campaigns", "nql", "spark"}, opens: []string{"workflows"},
		from: netip.MustParseAddr("198.51.100.90"), asks: nightly(10, 2)},
	{id: "device-cleanup", name: "Device clean-up", description: "Deletes devices that left the company. Monthly.", owner: bo,
		permissions: []string{"data-management", "nql"}, opens: []string{"data-management"}, from: netip.MustParseAddr("192.0.2.61"), idle: 18 * day,
		asks: nightly(4, 3)},
	{id: "contractor-import", name: "Contractor import", description: "The contract has ended.", owner: bo,
		permissions: []string{"enrichment"}, opens: []string{"enrichment"}, from: netip.MustParseAddr("203.0.113.77"), idle: 12 * day, asks: atDaytime(6)},
	{id: "pilot-2026", name: "Pilot of a partner", description: "Ended with the pilot.", owner: ada, permissions: []string{"nql"}, opens: []string{"nql"},
		from: netip.MustParseAddr("203.0.113.120"), endsIn: -4 * day, idle: 5 * day, asks: atDaytime(5)},
	{id: "notebook", name: "Research notebook", description: "Never used so far.", owner: ada, permissions: []string{"nql", "campaigns"}, asks: never},
}

// pastChange is what an operator did.
type pastChange struct {
	ago             time.Duration
	by, act, client string
	edit            func(*registry.Client, time.Time) (oauth.Secret, error) // a new secret, if it makes one
}

var pastChanges = []pastChange{
	{21*day + 3*time.Hour, ada, "client.update", "power-bi", func(c *registry.Client, _ time.Time) (oauth.Secret, error) {
		c.Description = "Refreshes the experience dashboards, every half hour. bi-team@example.com"
		return "", nil
	}},
	{12 * day, bo, "client.disable", "contractor-import", func(c *registry.Client, _ time.Time) (oauth.Secret, error) {
		c.Disabled = true
		return "", nil
	}},
	{9*day + 2*time.Hour, ada, "client.rotate", "ci-pipeline", func(c *registry.Client, now time.Time) (oauth.Secret, error) { return c.Rotate(now, day) }},
	{2*day + 5*time.Hour, bo, "client.rotate", "incident-bot", func(c *registry.Client, now time.Time) (oauth.Secret, error) {
		return c.Rotate(now, 7*day)
	}},
}

// pastCall is somebody who asks for a token, and may call an API with it.
type pastCall struct {
	every, but     int           // on each day that is so many days ago, and so many more
	time           time.Duration // of the day; they are in its order
	client, secret string        // who asks; no secret: its own; nobody: calls without a token
	from           string        // address
	body           string
	opens          string        // the path that is called with the token; none: none is
	later          time.Duration // when
}

const (
	tokenPath = "/oauth2/token"
	askForOne = "grant_type=client_credentials"
)

// pastCalls are refused, each for a reason of its own; the first ones of a client before it is disabled or ends are not.
var pastCalls = []pastCall{
	{2, 0, 2*time.Hour + 11*time.Minute, "warehouse-nightly", "", "203.0.113.200", askForOne, "", 0}, // from another network
	{3, 1, 3*time.Hour + 40*time.Minute, "admin", "admin", "203.0.113.200", askForOne, "", 0},        // a client that is not
	{1, 0, 6*time.Hour + 5*time.Minute, "contractor-import", "", "203.0.113.77", askForOne, "", 0},   // disabled
	{2, 1, 7*time.Hour + 20*time.Minute, "pilot-2026", "", "203.0.113.120", askForOne, "", 0},        // has ended
	{2, 0, 8*time.Hour + 2*time.Minute, "postman-ada", "copied-wrong", "198.51.100.90", askForOne, "", 0},
	{3, 2, 9*time.Hour + 14*time.Minute, "power-bi", "", "198.51.100.31", askForOne + "&scope=campaigns", "", 0}, // not its scope
	{5, 2, 9*time.Hour + 30*time.Minute, "ci-pipeline", "", "192.0.2.80", "grant_type=implicit", "", 0},
	{5, 3, 10*time.Hour + 12*time.Minute, "crm-sync", "", "203.0.113.9", "grant_type=refresh_token&refresh_token=x", "", 0}, // not its grant
	{4, 1, 11 * time.Hour, "power-bi", "", "198.51.100.31", "scope=nql", "", 0},                                             // no grant type
	{3, 1, 12*time.Hour + 9*time.Minute, "power-bi", "", "198.51.100.31", askForOne, "/api/v1/workflows", 0},                // not permitted
	{4, 2, 13*time.Hour + 1*time.Minute, "ci-pipeline", "", "192.0.2.80", askForOne, "/api/v1/workflows", 20 * time.Minute}, // too old
	{2, 1, 14*time.Hour + 6*time.Minute, "", "", "198.51.100.90", "", "/api/v1/workflows", 0},                               // no token
}
