package sandbox

import (
	"strings"
	"time"
)

// device is a line of the inventory.
type device struct {
	uid, collector, name string
	platform, system     string
	model, owner         string
	memoryGB, crashes    int
	lastSeen             time.Time
	fields               map[string]string // what Enrichment wrote
}

// user is an employee of the inventory.
type user struct {
	uid, sid, upn, name string
	fields              map[string]string
}

// newDevices returns the inventory every tenant starts with.
func newDevices(now time.Time) []*device {
	seen := func(ago time.Duration) time.Time { return now.Add(-ago).Truncate(time.Second) }
	tagged := func(tag string) map[string]string { return map[string]string{"device/device/configuration_tag": tag} }
	return []*device{
		{uid: "0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a01", collector: "5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d201", name: "LAP-ZRH-0142",
			platform: "Windows", system: "Windows 11 Pro 23H2 (64 bits)", model: "HP EliteBook 840 G10", owner: "alice.martin@example.com",
			memoryGB: 32, crashes: 0, lastSeen: seen(4 * time.Minute), fields: tagged("Zurich")},
		{uid: "0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a02", collector: "5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d202", name: "LAP-LON-0077",
			platform: "Windows", system: "Windows 11 Enterprise 24H2 (64 bits)", model: "Lenovo ThinkPad T14 Gen 4", owner: "ben.okafor@example.com",
			memoryGB: 16, crashes: 3, lastSeen: seen(12 * time.Minute), fields: tagged("London")},
		{uid: "0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a03", collector: "5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d203", name: "MAC-LON-0031",
			platform: "macOS", system: "macOS Sonoma 14.5", model: "MacBook Pro (14-inch, 2023)", owner: "chloe.dubois@example.com",
			memoryGB: 36, crashes: 1, lastSeen: seen(2 * time.Hour), fields: tagged("London")},
		{uid: "0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a04", collector: "5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d204", name: "VDI-EU-0009",
			platform: "Windows", system: "Windows 10 Enterprise 22H2 (64 bits)", model: "VMware Virtual Platform", owner: "deepak.rao@example.com",
			memoryGB: 8, crashes: 7, lastSeen: seen(26 * time.Hour), fields: tagged("Virtual desktops")},
		{uid: "0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a05", collector: "5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d205", name: "DSK-ZRH-0310",
			platform: "Windows", system: "Windows 11 Pro 23H2 (64 bits)", model: "Dell OptiPlex 7010", owner: "alice.martin@example.com",
			memoryGB: 16, crashes: 0, lastSeen: seen(41 * 24 * time.Hour), fields: tagged("Zurich")},
	}
}

// newUsers returns the employees every tenant starts with.
func newUsers() []*user {
	of := func(department string) map[string]string {
		return map[string]string{"user/user/ad/department": department}
	}
	return []*user{
		{uid: "9d4c2b10-6a3e-4f58-b1c7-20e8d7f5a301", sid: "S-1-5-21-3623811015-3361044348-30300820-1013",
			upn: "alice.martin@example.com", name: "Alice Martin", fields: of("Finance")},
		{uid: "9d4c2b10-6a3e-4f58-b1c7-20e8d7f5a302", sid: "S-1-5-21-3623811015-3361044348-30300820-1044",
			upn: "ben.okafor@example.com", name: "Ben Okafor", fields: of("Sales")},
		{uid: "9d4c2b10-6a3e-4f58-b1c7-20e8d7f5a303", sid: "S-1-5-21-3623811015-3361044348-30300820-1102",
			upn: "chloe.dubois@example.com", name: "Chloé Dubois", fields: of("Design")},
		{uid: "9d4c2b10-6a3e-4f58-b1c7-20e8d7f5a304", sid: "S-1-5-21-3623811015-3361044348-30300820-1177",
			upn: "deepak.rao@example.com", name: "Deepak Rao", fields: of("Engineering")},
	}
}

// fieldsOf returns what has been written about the object that Enrichment calls by field and value. The caller holds t.mu.
func (t *tenant) fieldsOf(field, value string) (map[string]string, bool) {
	for _, d := range t.devices {
		if field == "device/device/uid" && strings.EqualFold(d.uid, value) || field == "device/device/name" && d.name == value {
			return d.fields, true
		}
	}
	for _, u := range t.users {
		if field == "user/user/uid" && strings.EqualFold(u.uid, value) || field == "user/user/sid" && u.sid == value ||
			field == "user/user/upn" && strings.EqualFold(u.upn, value) {
			return u.fields, true
		}
	}
	return nil, false
}

// isUUID reports whether s is written as 8-4-4-4-12 hexadecimal digits, which is the pattern the documents give.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}
