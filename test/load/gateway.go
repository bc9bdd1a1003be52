//go:build linux

package main

import (
	"encoding/json"
	"fmt"
)

// gateway measures calls that carry a JWT seen before through the gateway, beside calls through a proxy that checks nothing. The API
// behind both runs on the generator's core.
func (b *bench) gateway() error {
	api, err := b.play(b.cores.generator, "api")
	if err != nil {
		return err
	}
	floor, err := b.play(b.cores.server, "gateway", api.load.addr.String())
	if err != nil {
		return err
	}
	t, err := b.newBooth(1, api.load.addr.String())
	if err != nil {
		return err
	}
	if err := b.open(t); err != nil {
		return err
	}
	body, err := t.fire(t.jwts[0])
	if err != nil {
		return err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return fmt.Errorf("%q: %w", body, err)
	}
	call := fmt.Appendf(nil, "GET /api/v1/workflows?dependency=USER HTTP/1.1\r\nHost: %v\r\nUser-Agent: load\r\nAccept: */*\r\nAuthorization: Bearer %s\r\n\r\n",
		t.addr, answer.Token)
	ours := t.side("gateway", always(call))
	floor.load.next, floor.load.spare, ours.load.spare = always(call), true, true // the API needs the core
	c, err := b.contest(ours, floor, (*turn).perCore)
	if err != nil {
		return err
	}
	b.report.compared("gateway, JWT seen before, calls a second of one core", c, 0.70, whole)
	return nil
}
