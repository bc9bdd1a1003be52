package sandbox

import "net/http"

// Route is one line of the list of what the sandbox serves, in the form a gateway's own list can be held against.
type Route struct {
	API        string // the label of the permission, as people read it
	Permission string // the permission that a token needs
	Method     string // empty: every method, because the API itself has an answer to the wrong ones
	Pattern    string // in the syntax of http.ServeMux
	Open       bool   // works without a token too: the identifier in the path is the key
}

// endpoint is a route with the function behind it.
type endpoint struct {
	method, pattern string
	serve           func(*sandbox, *call) error
	open            bool
}

// api is one vendor API: its routes and the words in which it refuses.
type api struct {
	name, permission string
	refuse           func(http.ResponseWriter, *refusal)
	endpoints        []endpoint
}

// apis returns the list of everything the sandbox serves.
func apis() []api {
	return []api{
		{"Remote Actions API", "remote-actions", refuseCodeMessage, []endpoint{
			{method: "POST", pattern: "/api/v1/act/execute", serve: (*sandbox).executeAction},
			{method: "GET", pattern: "/api/v1/act/remote-action", serve: (*sandbox).listActions},
			{method: "GET", pattern: "/api/v1/act/remote-action/details", serve: (*sandbox).showAction},
		}},
		{"Workflows API", "workflows", refuseCodeDetails, []endpoint{
			{method: "GET", pattern: "/api/v1/workflows", serve: (*sandbox).listWorkflows},
			{method: "GET", pattern: "/api/v1/workflows/details", serve: (*sandbox).showWorkflow},
			{method: "POST", pattern: "/api/v1/workflows/execute", serve: (*sandbox).executeWorkflow},
			{method: "POST", pattern: "/api/v2/workflows/execute", serve: (*sandbox).executeWorkflowByName},
			{method: "POST", pattern: "/api/v1/workflows/workflows/{workflow}/execution/{execution}/trigger",
				serve: (*sandbox).triggerWorkflow},
		}},
		{"Enrichment API", "enrichment", refuseMessageCode, []endpoint{
			{method: "POST", pattern: "/api/v1/enrichment/data/fields", serve: (*sandbox).enrich},
		}},
		{"Data management", "data-management", refuseCodeMessage, []endpoint{
			{method: "POST", pattern: "/api/v1/data-management/device/deletions", serve: (*sandbox).deleteDevices},
		}},
		{"Campaigns API", "campaigns", refuseCodeMessage, []endpoint{
			{method: "POST", pattern: "/api/v1/euf/campaign/trigger", serve: (*sandbox).triggerCampaign},
		}},
		{"NQL API", "nql", refuseNQL, []endpoint{
			{method: "POST", pattern: "/api/v1/nql/execute", serve: (*sandbox).executeQuery},
			{method: "POST", pattern: "/api/v2/nql/execute", serve: (*sandbox).executeQueryV2},
			{method: "GET", pattern: "/api/v1/nql/export", serve: (*sandbox).exportByLink},
			{method: "POST", pattern: "/api/v1/nql/export", serve: (*sandbox).exportByBody},
			{method: "GET", pattern: "/api/v1/nql/status/{export}", serve: (*sandbox).exportStatus},
			{method: "GET", pattern: "/api/v1/nql/results/{key}", serve: (*sandbox).exportResults, open: true},
		}},
		{"Spark API", "spark", refuseSpark, []endpoint{
			{method: "POST", pattern: "/api/v1/spark/handoff", serve: (*sandbox).handOff},
		}},
		{"DADI collections", "collections", refuseError, []endpoint{
			{pattern: "/api/collections", serve: (*sandbox).listCollections},
		}},
		{"Nexudus user", "me", refuseBare, []endpoint{
			{method: "GET", pattern: "/api/auth/me", serve: (*sandbox).showMe},
		}},
	}
}

// Routes returns what the sandbox serves, in the order of its list.
func Routes() []Route {
	var routes []Route
	for _, a := range apis() {
		for _, e := range a.endpoints {
			routes = append(routes, Route{API: a.name, Permission: a.permission, Method: e.method, Pattern: e.pattern, Open: e.open})
		}
	}
	return routes
}
