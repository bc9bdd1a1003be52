package server

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fetch is somebody who asked for a key set, and which one they have since.
type Fetch struct {
	From  string // the address
	Agent string // what it calls itself, cut short
	Tag   string // of the set, as Options.Keys names it
	At    time.Time
}

// How many are remembered for each tenant, and how much of what they call themselves.
const mostFetches, longestAgent = 64, 120

// fetches remembers who asked for a tenant's key set last: an operator who rotates wants to know who has the new key. It is a look
// into this process only. May be used concurrently.
type fetches struct {
	mu       sync.Mutex
	byTenant map[string][]Fetch // the latest last
}

func (f *fetches) note(tenant, tag string, r *http.Request, from string, now time.Time) {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) > longestAgent {
		agent = strings.ToValidUTF8(agent[:longestAgent], "")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byTenant == nil {
		f.byTenant = map[string][]Fetch{}
	}
	all := slices.DeleteFunc(f.byTenant[tenant], func(o Fetch) bool { return o.From == from && o.Agent == agent })
	if len(all) == mostFetches {
		all = slices.Delete(all, 0, 1)
	}
	f.byTenant[tenant] = append(all, Fetch{from, agent, tag, now})
}

// Fetches returns who asked this process for a tenant's key set, the latest first, each once.
func (h *Handler) Fetches(tenant string) []Fetch {
	h.fetched.mu.Lock()
	defer h.fetched.mu.Unlock()
	all := slices.Clone(h.fetched.byTenant[tenant])
	slices.Reverse(all)
	return all
}
