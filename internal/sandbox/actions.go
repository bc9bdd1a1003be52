package sandbox

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// remoteAction is a remote action as the documents describe it; every member is required.
type remoteAction struct {
	ID                    string     `json:"id"`
	UUID                  string     `json:"uuid"`
	Name                  string     `json:"name"`
	Description           string     `json:"description"`
	Origin                string     `json:"origin"`
	BuiltInContentVersion string     `json:"builtInContentVersion"`
	Purpose               []string   `json:"purpose"`
	Targeting             targeting  `json:"targeting"`
	ScriptInfo            scriptInfo `json:"scriptInfo"`
}

type targeting struct {
	APIEnabled                 bool `json:"apiEnabled"`
	ManualEnabled              bool `json:"manualEnabled"`
	WorkflowEnabled            bool `json:"workflowEnabled"`
	ManualAllowMultipleDevices bool `json:"manualAllowMultipleDevices"`
}

type scriptInfo struct {
	ExecutionServiceDelegate string         `json:"executionServiceDelegate"`
	RunAs                    string         `json:"runAs"`
	TimeoutSeconds           int            `json:"timeoutSeconds"`
	HasScriptWindows         bool           `json:"hasScriptWindows"`
	HasScriptMacOS           bool           `json:"hasScriptMacOs"`
	Inputs                   []scriptInput  `json:"inputs"`
	Outputs                  []scriptOutput `json:"outputs"`
}

type scriptInput struct {
	ID               string   `json:"id"`
	Name             string   `json:"name"`
	Description      string   `json:"description"`
	UsedByWindows    bool     `json:"usedByWindows"`
	UsedByMacOS      bool     `json:"usedByMacOs"`
	Options          []string `json:"options"`
	AllowCustomValue bool     `json:"allowCustomValue"`
}

type scriptOutput struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Type          string `json:"type"`
	Description   string `json:"description"`
	UsedByWindows bool   `json:"usedByWindows"`
	UsedByMacOS   bool   `json:"usedByMacOs"`
}

// remoteActions returns the actions of every tenant: one that reads, one that changes, and one that is not open to the API.
func remoteActions() []remoteAction {
	return []remoteAction{
		{ID: "get_battery_status", UUID: "3f0c9a51-4b7d-4e19-8a66-0d2b7c5e1f10", Name: "Get battery status",
			Description: "Reads the health and the number of charge cycles of the battery.", Origin: "LIBRARY",
			BuiltInContentVersion: "3.1.0", Purpose: []string{"DATA_COLLECTION"},
			Targeting: targeting{APIEnabled: true, ManualEnabled: true, WorkflowEnabled: true, ManualAllowMultipleDevices: true},
			ScriptInfo: scriptInfo{RunAs: "LOCAL_SYSTEM", TimeoutSeconds: 120, HasScriptWindows: true, HasScriptMacOS: true,
				Inputs: []scriptInput{},
				Outputs: []scriptOutput{
					{ID: "BatteryHealth", Name: "Battery health", Type: "PERCENTAGE", Description: "Full charge against design capacity.",
						UsedByWindows: true, UsedByMacOS: true},
					{ID: "CycleCount", Name: "Charge cycles", Type: "INT", Description: "How often the battery was charged.",
						UsedByWindows: true, UsedByMacOS: true}}}},
		{ID: "set_service_state", UUID: "3f0c9a51-4b7d-4e19-8a66-0d2b7c5e1f11", Name: "Set service state",
			Description: "Starts or stops a Windows service and sets how it starts.", Origin: "LIBRARY",
			BuiltInContentVersion: "2.4.1", Purpose: []string{"DATA_COLLECTION", "REMEDIATION"},
			Targeting: targeting{APIEnabled: true, ManualEnabled: true, WorkflowEnabled: true},
			ScriptInfo: scriptInfo{RunAs: "LOCAL_SYSTEM", TimeoutSeconds: 300, HasScriptWindows: true,
				Inputs: []scriptInput{
					{ID: "StartType", Name: "Start type", Description: "How the service starts now.", UsedByWindows: true,
						Options: []string{"Automatic", "Manual", "Disabled"}},
					{ID: "StatusChange", Name: "Status change", Description: "Whether the service is to run.", UsedByWindows: true,
						Options: []string{"On", "Off"}},
					{ID: "SetStartTypeTo", Name: "Set start type to", Description: "How the service shall start.", UsedByWindows: true,
						Options: []string{"Automatic", "Manual", "Disabled"}}},
				Outputs: []scriptOutput{{ID: "ServiceState", Name: "Service state", Type: "STRING",
					Description: "The state afterwards.", UsedByWindows: true}}}},
		{ID: "restart_device", UUID: "3f0c9a51-4b7d-4e19-8a66-0d2b7c5e1f12", Name: "Restart device",
			Description: "Restarts the device after asking its user.", Origin: "CUSTOM",
			BuiltInContentVersion: "", Purpose: []string{"REMEDIATION"}, Targeting: targeting{ManualEnabled: true},
			ScriptInfo: scriptInfo{RunAs: "INTERACTIVE_USER", TimeoutSeconds: 600, HasScriptWindows: true, HasScriptMacOS: true,
				Inputs: []scriptInput{}, Outputs: []scriptOutput{}}},
	}
}

func findAction(id string) (remoteAction, bool) {
	for _, a := range remoteActions() {
		if a.ID == strings.TrimPrefix(id, "#") {
			return a, true
		}
	}
	return remoteAction{}, false
}

// actionRequest is what is kept of an execution: enough to be found with NQL, without the list of devices.
type actionRequest struct {
	action, by string // by: the client
	devices    int
	at         time.Time
}

// listActions answers GET /api/v1/act/remote-action.
func (s *sandbox) listActions(c *call) error {
	writeJSON(c.w, http.StatusOK, remoteActions())
	return nil
}

// showAction answers GET /api/v1/act/remote-action/details.
func (s *sandbox) showAction(c *call) error {
	id, err := oneOf(c, "nql-id", "nqlId")
	if err != nil {
		return err
	}
	a, ok := findAction(id)
	if !ok {
		return refuse(http.StatusNotFound, "REMOTE_ACTION_NOT_FOUND", "no remote action has this NQL ID")
	}
	writeJSON(c.w, http.StatusOK, a)
	return nil
}

// actionExecution is the body of POST /api/v1/act/execute.
type actionExecution struct {
	RemoteActionID   string            `json:"remoteActionId"`
	Params           map[string]string `json:"params"`
	Devices          []string          `json:"devices"`
	ExpiresInMinutes *int              `json:"expiresInMinutes"`
	TriggerInfo      *struct {
		ExternalSource    string `json:"externalSource"`
		Reason            string `json:"reason"`
		ExternalReference string `json:"externalReference"`
	} `json:"triggerInfo"`
}

func (e *actionExecution) check() error {
	switch {
	case e.RemoteActionID == "":
		return invalid("remoteActionId is required")
	case len(e.Devices) == 0 || len(e.Devices) > 10_000:
		return invalid("devices must hold 1 to 10000 Collector IDs")
	case e.ExpiresInMinutes != nil && (*e.ExpiresInMinutes < 60 || *e.ExpiresInMinutes > 10_080):
		return invalid("expiresInMinutes must be from 60 to 10080")
	case e.TriggerInfo != nil && utf8.RuneCountInString(e.TriggerInfo.Reason) > 500:
		return invalid("triggerInfo.reason must not be longer than 500 characters")
	}
	for _, id := range e.Devices {
		if strings.TrimSpace(id) == "" {
			return invalid("devices must not hold an empty Collector ID")
		}
	}
	return nil
}

// executeAction answers POST /api/v1/act/execute.
func (s *sandbox) executeAction(c *call) error {
	var e actionExecution
	if err := readJSON(c, largeBody, &e); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	a, ok := findAction(e.RemoteActionID)
	if !ok {
		return refuse(http.StatusBadRequest, "REMOTE_ACTION_NOT_FOUND", "no remote action has this ID")
	}
	if !a.Targeting.APIEnabled {
		return refuse(http.StatusForbidden, "REMOTE_ACTION_NOT_ENABLED", "this remote action is not open to the API")
	}
	minutes := 10_080
	if e.ExpiresInMinutes != nil {
		minutes = *e.ExpiresInMinutes
	}
	id := s.opt.NewID()
	c.tenant.mu.Lock()
	c.tenant.actions.put(id, actionRequest{action: a.ID, by: clip(c.caller.client), devices: len(e.Devices), at: c.now})
	c.tenant.mu.Unlock()
	writeJSON(c.w, http.StatusOK, struct {
		RequestID        string `json:"requestId"`
		ExpiresInMinutes int    `json:"expiresInMinutes"`
	}{id, minutes})
	return nil
}

// oneOf returns the query parameter that is known by any of the given names and must be there once.
func oneOf(c *call, names ...string) (string, error) {
	query := c.r.URL.Query()
	var values []string
	for _, name := range names {
		values = append(values, query[name]...)
	}
	if len(values) != 1 || values[0] == "" {
		return "", invalid("the query parameter %s is required, once", names[0])
	}
	return values[0], nil
}
