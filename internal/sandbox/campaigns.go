package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// campaign is a campaign that the API may trigger, with the parameters its questions have.
type campaign struct {
	id         string
	parameters []string
}

var campaigns = []campaign{
	{"software_satisfaction", nil},
	{"laptop_replacement", []string{"device_model", "delivery_date"}},
}

// campaignTrigger is the body of POST /api/v1/euf/campaign/trigger.
type campaignTrigger struct {
	CampaignNQLID    string            `json:"campaignNqlId"`
	UserSID          []string          `json:"userSid"`
	ExpiresInMinutes *int              `json:"expiresInMinutes"`
	Parameters       map[string]string `json:"parameters"` // a name given twice counts as given last, as documented
}

func (t *campaignTrigger) check() error {
	switch {
	case t.CampaignNQLID == "":
		return invalid("campaignNqlId is required")
	case len(t.UserSID) == 0 || len(t.UserSID) > 10_000:
		return invalid("userSid must hold 1 to 10000 security IDs")
	case t.ExpiresInMinutes == nil || *t.ExpiresInMinutes < 1 || *t.ExpiresInMinutes > 525_600:
		return invalid("expiresInMinutes is required and must be from 1 to 525600")
	case len(t.Parameters) > 30:
		return invalid("parameters must not hold more than 30 entries")
	}
	at := slices.IndexFunc(campaigns, func(k campaign) bool { return k.id == strings.TrimPrefix(t.CampaignNQLID, "#") })
	if at < 0 {
		return refuse(http.StatusBadRequest, "CAMPAIGN_NOT_FOUND", "no campaign has this NQL ID")
	}
	given := 0
	for _, name := range campaigns[at].parameters {
		if _, ok := t.Parameters[name]; ok {
			given++
		}
	}
	if given != len(campaigns[at].parameters) || given != len(t.Parameters) {
		return refuse(http.StatusBadRequest, "PARAMETERS_MISMATCH", "parameters must be exactly %q", campaigns[at].parameters)
	}
	return nil
}

// triggered says what became of one user: a request, or the reason why there is none.
type triggered struct {
	RequestID string `json:"requestId,omitempty"`
	UserSID   string `json:"userSid"`
	Message   string `json:"message,omitempty"`
}

// triggerCampaign answers POST /api/v1/euf/campaign/trigger.
func (s *sandbox) triggerCampaign(c *call) error {
	var t campaignTrigger
	if err := readJSON(c, largeBody, &t); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	var requests []triggered
	seen := make(map[string]bool, len(t.UserSID))
	for _, sid := range t.UserSID {
		switch {
		case seen[sid]:
			continue // documented: duplicates are left out of the answer
		case sidPattern.MatchString(sid):
			requests = append(requests, triggered{RequestID: s.opt.NewID(), UserSID: sid})
		default:
			requests = append(requests, triggered{UserSID: sid, Message: "this is not a security ID"})
		}
		seen[sid] = true
	}
	writeJSON(c.w, http.StatusOK, struct {
		Requests []triggered `json:"requests"`
	}{requests})
	return nil
}
