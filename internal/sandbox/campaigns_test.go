package sandbox

import "testing"

func TestCampaignsAreTriggeredOncePerUser(t *testing.T) {
	const trigger = "POST /api/v1/euf/campaign/trigger"
	const sid = "S-1-5-21-3623811015-3361044348-30300820-1013"
	check(t, []exchange{
		{name: "duplicates and errors", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":["` + sid + `","bob","` + sid + `"],"expiresInMinutes":60}`, status: 200,
			want: `{"requests":[{"requestId":"00000000-0000-4000-8000-000000000001","userSid":"` + sid + `"},{"userSid":"bob","message":"this is not a security ID"}]}`},
		{name: "parameters", request: trigger, body: `{"campaignNqlId":"#laptop_replacement","userSid":["` + sid + `"],"expiresInMinutes":1,"parameters":{"device_model":"a","delivery_date":"x","delivery_date":"b"}}`, status: 200},
		{name: "a parameter is missing", request: trigger, body: `{"campaignNqlId":"laptop_replacement","userSid":["` + sid + `"],"expiresInMinutes":1,"parameters":{"device_model":"a"}}`, status: 400, has: []string{`"code":"PARAMETERS_MISMATCH","message":`}},
		{name: "a parameter too many", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":["` + sid + `"],"expiresInMinutes":1,"parameters":{"a":"a"}}`, status: 400},
		{name: "unknown campaign", request: trigger, body: `{"campaignNqlId":"x","userSid":["` + sid + `"],"expiresInMinutes":1}`, status: 400, want: `{"code":"CAMPAIGN_NOT_FOUND","message":"no campaign has this NQL ID"}`},
		{name: "no campaign", request: trigger, body: `{"userSid":["` + sid + `"],"expiresInMinutes":1}`, status: 400},
		{name: "no users", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":[],"expiresInMinutes":1}`, status: 400},
		{name: "10,001 users", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":[` + list(10_001, `"S-1-5-%d"`) + `],"expiresInMinutes":1}`, status: 400},
		{name: "10,000 users", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":[` + list(10_000, `"S-1-5-%d"`) + `],"expiresInMinutes":525600}`, status: 200},
		{name: "no expiry", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":["` + sid + `"]}`, status: 400},
		{name: "expiry 0", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":["` + sid + `"],"expiresInMinutes":0}`, status: 400},
		{name: "expiry over a year", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":["` + sid + `"],"expiresInMinutes":525601}`, status: 400},
		{name: "31 parameters", request: trigger, body: `{"campaignNqlId":"software_satisfaction","userSid":["` + sid + `"],"expiresInMinutes":1,"parameters":{` + list(31, `"p%d":"x"`) + `}}`, status: 400, has: []string{"30 entries"}},
	})
}
