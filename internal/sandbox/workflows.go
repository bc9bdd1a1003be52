package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"time"
)

// workflow is a workflow as the documents describe it, every member required, in the order in which the Nexthink guide shows it.
// The published schema of triggerMethods and versions contradicts itself; existing callers read names and these two members.
type workflow struct {
	ID             string            `json:"id"`
	LastUpdateTime string            `json:"lastUpdateTime"`
	Name           string            `json:"name"`
	Status         string            `json:"status"`
	Description    string            `json:"description"`
	TriggerMethods []string          `json:"triggerMethods"`
	UUID           string            `json:"uuid"`
	Versions       []workflowVersion `json:"versions"`

	dependency string // USER, DEVICE, USER_AND_DEVICE or NONE: a filter looks at it, the answer does not show it
}

type workflowVersion struct {
	VersionNumber int  `json:"versionNumber"`
	IsActive      bool `json:"isActive"`
}

// workflows returns the workflows of every tenant, so that each filter has something to find and something to leave out.
func workflows() []workflow {
	return []workflow{
		{ID: "license_reclamation", LastUpdateTime: "2023-12-07T16:26:36Z", Name: "License reclamation", Status: "ACTIVE",
			Description: "Asks employees who do not use a licensed application and takes the licence back.",
			UUID:        "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b01", TriggerMethods: []string{"API", "MANUAL", "SCHEDULER"},
			Versions: []workflowVersion{{1, false}, {2, true}}, dependency: "USER_AND_DEVICE"},
		{ID: "device_onboarding", LastUpdateTime: "2024-03-19T08:02:11Z", Name: "Device onboarding", Status: "ACTIVE",
			Description: "Installs the standard applications on a new device and checks them.",
			UUID:        "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b02", TriggerMethods: []string{"API", "MANUAL_MULTIPLE"},
			Versions: []workflowVersion{{1, true}}, dependency: "DEVICE"},
		{ID: "password_expiry_notice", LastUpdateTime: "2024-05-02T13:45:00Z", Name: "Password expiry notice", Status: "ACTIVE",
			Description: "Tells an employee that the password expires and waits for the change.",
			UUID:        "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b03", TriggerMethods: []string{"API", "SCHEDULER"},
			Versions: []workflowVersion{{1, false}, {2, false}, {3, true}}, dependency: "USER"},
		{ID: "weekly_fleet_report", LastUpdateTime: "2024-01-22T06:00:00Z", Name: "Weekly fleet report", Status: "ACTIVE",
			Description: "Sends the state of the fleet to the service desk.",
			UUID:        "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b04", TriggerMethods: []string{"SCHEDULER"},
			Versions: []workflowVersion{{1, true}}, dependency: "NONE"},
		{ID: "vpn_repair", LastUpdateTime: "2022-11-30T17:20:54Z", Name: "VPN repair", Status: "INACTIVE",
			Description: "Resets the VPN client. Replaced by a remote action.",
			UUID:        "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b05", TriggerMethods: []string{"API", "MANUAL"},
			Versions: []workflowVersion{{1, false}}, dependency: "DEVICE"},
	}
}

func findWorkflow(id string) (workflow, bool) {
	for _, f := range workflows() {
		if f.ID == id || "#"+f.ID == id {
			return f, true
		}
	}
	return workflow{}, false
}

// listWorkflows answers GET /api/v1/workflows. The documents call two of the filters required, but the guide and existing callers
// send none; so every filter is optional, and one that is sent really filters.
func (s *sandbox) listWorkflows(c *call) error {
	dependency, err := filter(c, "dependency", "USER", "DEVICE", "USER_AND_DEVICE", "NONE")
	if err != nil {
		return err
	}
	method, err := filter(c, "triggerMethod", "API", "MANUAL", "MANUAL_MULTIPLE", "SCHEDULER")
	if err != nil {
		return err
	}
	active, err := filter(c, "fetchOnlyActiveWorkflows", "true", "false")
	if err != nil {
		return err
	}
	found := []workflow{}
	for _, f := range workflows() {
		if (dependency == "" || f.dependency == dependency) &&
			(method == "" || slices.Contains(f.TriggerMethods, method)) &&
			(active != "true" || f.Status == "ACTIVE") {
			found = append(found, f)
		}
	}
	writeJSON(c.w, http.StatusOK, found)
	return nil
}

// filter returns a query parameter that may be missing or empty but, if it is there, is there once and is one of words.
func filter(c *call, name string, words ...string) (string, error) {
	values := c.r.URL.Query()[name]
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return "", nil
	}
	if len(values) > 1 || !slices.Contains(words, values[0]) {
		return "", invalid("%s must be one of %v, once", name, words)
	}
	return values[0], nil
}

// showWorkflow answers GET /api/v1/workflows/details: a list of one. One Go client spells the parameter nql-id.
func (s *sandbox) showWorkflow(c *call) error {
	id, err := oneOf(c, "nqlId", "nql-id")
	if err != nil {
		return err
	}
	f, ok := findWorkflow(id)
	if !ok {
		return refuse(http.StatusBadRequest, "WORKFLOW_NOT_FOUND", "no workflow has this NQL ID")
	}
	writeJSON(c.w, http.StatusOK, []workflow{f})
	return nil
}

// execution is one run of a workflow, for one device or one user.
type execution struct {
	request, workflow, target string
	waiting                   bool // for the event that triggerWorkflow brings
	at                        time.Time
}

// workflowExecution is the body of POST /api/v1/workflows/execute.
type workflowExecution struct {
	WorkflowID string            `json:"workflowId"`
	Devices    []string          `json:"devices"`
	Users      []string          `json:"users"`
	Params     map[string]string `json:"params"`
}

// namedExecution is the body of POST /api/v2/workflows/execute.
type namedExecution struct {
	WorkflowID string `json:"workflowId"`
	Devices    []struct {
		Name         string `json:"name"`
		UID          string `json:"uid"`
		CollectorUID string `json:"collectorUid"`
	} `json:"devices"`
	Users []struct {
		UID string `json:"uid"`
		UPN string `json:"upn"`
		SID string `json:"sid"`
	} `json:"users"`
	Params map[string]string `json:"params"`
}

var (
	sidPattern = regexp.MustCompile(`^S(-\d+){2,10}$|^0$`)
	upnPattern = regexp.MustCompile(`^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$`)
)

// executeWorkflow answers POST /api/v1/workflows/execute.
func (s *sandbox) executeWorkflow(c *call) error {
	var e workflowExecution
	if err := readJSON(c, largeBody, &e); err != nil {
		return err
	}
	for _, id := range e.Devices {
		if !isUUID(id) {
			return invalid("every device must be a Collector ID in the form of a UUID")
		}
	}
	for _, sid := range e.Users {
		if !sidPattern.MatchString(sid) {
			return invalid("every user must be a security ID")
		}
	}
	return s.run(c, e.WorkflowID, e.Devices, e.Users)
}

// executeWorkflowByName answers POST /api/v2/workflows/execute.
func (s *sandbox) executeWorkflowByName(c *call) error {
	var e namedExecution
	if err := readJSON(c, largeBody, &e); err != nil {
		return err
	}
	var devices, users []string
	for _, d := range e.Devices {
		if d.UID != "" && !isUUID(d.UID) || d.CollectorUID != "" && !isUUID(d.CollectorUID) {
			return invalid("uid and collectorUid of a device must be UUIDs")
		}
		name := firstOf(d.CollectorUID, d.UID, d.Name)
		if name == "" {
			return invalid("every device needs at least one of collectorUid, name and uid")
		}
		devices = append(devices, name)
	}
	for _, u := range e.Users {
		if u.UID != "" && !isUUID(u.UID) || u.UPN != "" && !upnPattern.MatchString(u.UPN) || u.SID != "" && !sidPattern.MatchString(u.SID) {
			return invalid("uid, upn and sid of a user must be a UUID, a principal name and a security ID")
		}
		name := firstOf(u.SID, u.UPN, u.UID)
		if name == "" {
			return invalid("every user needs at least one of sid, upn and uid")
		}
		users = append(users, name)
	}
	return s.run(c, e.WorkflowID, devices, users)
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// run starts a workflow for what both versions of the request come down to: one execution for each target.
func (s *sandbox) run(c *call, id string, devices, users []string) error {
	f, err := startable(id, devices, users)
	if err != nil {
		return err
	}
	targets := slices.Concat(devices, users)
	if len(targets) == 0 {
		targets = []string{""}
	}
	answer := struct {
		RequestUUID     string   `json:"requestUuid"`
		ExecutionsUUIDs []string `json:"executionsUuids"`
	}{RequestUUID: s.opt.NewID()}
	c.tenant.mu.Lock()
	for _, target := range targets {
		id := s.opt.NewID()
		answer.ExecutionsUUIDs = append(answer.ExecutionsUUIDs, id)
		c.tenant.executions.put(id, &execution{request: answer.RequestUUID, workflow: f.UUID, target: target, waiting: true, at: c.now})
	}
	c.tenant.mu.Unlock()
	writeJSON(c.w, http.StatusOK, answer)
	return nil
}

// startable returns the workflow if the API may start it for these targets.
func startable(id string, devices, users []string) (workflow, error) {
	f, ok := findWorkflow(id)
	switch {
	case id == "":
		return f, invalid("workflowId is required")
	case len(devices) > 10_000 || len(users) > 10_000:
		return f, invalid("devices and users must not hold more than 10000 entries each")
	case !ok:
		return f, refuse(http.StatusBadRequest, "WORKFLOW_NOT_FOUND", "no workflow has this ID")
	case !slices.Contains(f.TriggerMethods, "API"):
		return f, refuse(http.StatusForbidden, "WORKFLOW_NOT_ENABLED", "this workflow is not open to the API")
	case f.Status != "ACTIVE":
		return f, refuse(http.StatusBadRequest, "WORKFLOW_INACTIVE", "this workflow is not active")
	case f.dependency == "DEVICE" && len(devices) == 0:
		return f, invalid("this workflow needs devices")
	case f.dependency == "USER" && len(users) == 0:
		return f, invalid("this workflow needs users")
	case f.dependency == "USER_AND_DEVICE" && len(devices)+len(users) == 0:
		return f, invalid("this workflow needs devices or users")
	}
	return f, nil
}

// triggerWorkflow answers POST /api/v1/workflows/workflows/{workflow}/execution/{execution}/trigger: it brings the event that an
// execution waits for, once.
func (s *sandbox) triggerWorkflow(c *call) error {
	flow, run := c.r.PathValue("workflow"), c.r.PathValue("execution")
	if !isUUID(flow) || !isUUID(run) {
		return invalid("the workflow and the execution must be UUIDs")
	}
	var body struct {
		Parameters map[string]string `json:"parameters"`
	}
	if err := readJSON(c, smallBody, &body); err != nil {
		return err
	}
	for _, value := range body.Parameters {
		if value == "" {
			return invalid("a parameter must not be empty")
		}
	}
	c.tenant.mu.Lock()
	e, ok := c.tenant.executions.get(run)
	waiting := ok && e.workflow == flow && e.waiting
	if waiting {
		e.waiting = false
	}
	c.tenant.mu.Unlock()
	switch {
	case !ok || e.workflow != flow:
		return refuse(http.StatusBadRequest, "EXECUTION_NOT_FOUND", "this workflow has no such execution")
	case !waiting:
		return refuse(http.StatusBadRequest, "EXECUTION_NOT_WAITING", "this execution does not wait for an event any more")
	}
	type request struct {
		RequestUUID string `json:"requestUuid"`
	}
	writeJSON(c.w, http.StatusOK, []request{{e.request}})
	return nil
}
