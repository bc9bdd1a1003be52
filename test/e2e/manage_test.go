package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const doubleDesk = `listen: %[1]s
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[1]s
    dialects: [oauth2]
    allow_password_grant: true
    apis: %[3]s
  - name: globex
    hosts: [localhost]
    issuer: http://localhost:%[4]s
    dialects: [oauth2]
    apis: *apis
`

const acmeFollowed = `listen: %[1]s
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[3]s
    follow: {client_id: gateway, client_secret_file: secret}
    apis: %[4]s
`

// limitedOrders is an API with all that a route and an API may have.
const limitedOrders = `&apis
      - name: orders
        audience: http://%s/api/orders
        upstream: %s
        dialect: oauth2
        permissions: [{name: orders.read}]
        routes:
          - {method: GET, path: /api/orders, permission: orders.read}
          - {method: POST, path: /api/orders, permission: orders.read, max_body: 64}
          - {method: GET, path: /api/few, permission: orders.read, rate: {per_second: 1, burst: 3}}
        cors: {origins: [https://app.example.com], headers: [Authorization], max_age: 10m}`

const globexFollowed = `  - name: globex
    hosts: [localhost]
    issuer: http://localhost:%s
    follow: {client_id: gateway, client_secret_file: globex.secret}
    apis: *apis
`

// double is a pair with two tenants, of which the gateway follows one; and a client of each that may read orders.
type double struct {
	*pair
	acme, globex string // the gateway's settings: without and with the second tenant
	id2, secret2 string
}

func startDouble(t *testing.T) *double {
	t.Helper()
	api := newHeard(t)
	at := freeAddresses(t, 4)
	_, port, _ := strings.Cut(at[0], ":")
	apis := fmt.Sprintf(limitedOrders, at[0], api.URL)
	d := &double{acme: fmt.Sprintf(acmeFollowed, at[2], at[3], at[0], apis)}
	d.globex = d.acme + fmt.Sprintf(globexFollowed, port)
	d.pair = &pair{desk: apart(t, "serve", fmt.Sprintf(doubleDesk, at[0], at[1], apis, port)), gate: apart(t, "gateway", d.acme)}
	d.desk.public, d.desk.operators = "http://"+at[0], "http://"+at[1]
	d.gate.public, d.gate.operators = "http://"+at[2], "http://"+at[3]
	d.id, d.secret = d.desk.register(t, "Reader", "-t", "acme", "-p", "orders.read", "--grant", "client_credentials,password,refresh_token")
	d.id2, d.secret2 = d.desk.register(t, "Reader", "-t", "globex", "-p", "orders.read")
	for tenant, file := range map[string]string{"acme": "secret", "globex": "globex.secret"} {
		_, secret := d.desk.register(t, "Gateway", "-t", tenant, "--id", "gateway", "-p", "none", "--resource-server", "orders")
		writeFile(t, filepath.Join(d.gate.dir, file), secret+"\n")
	}
	for _, b := range []*booth{d.desk, d.gate} {
		b.begin(t)
		t.Cleanup(func() { b.end(t) })
	}
	return d
}

// foreign buys a token of the second tenant.
func (d *double) foreign(t *testing.T) string {
	t.Helper()
	url := strings.Replace(d.desk.public, "127.0.0.1", "localhost", 1) + "/oauth2/token"
	a := post(t, url, "grant_type=client_credentials", "Authorization: Basic "+basicOf(d.id2, d.secret2))
	return keepToken(member(a.wantStatus(t, 200).body, "access_token"))
}

// resettle replaces a process's settings and tells it.
func (b *booth) resettle(t *testing.T, text string) {
	t.Helper()
	writeFile(t, filepath.Join(b.dir, "next.yaml"), text)
	if err := os.Rename(filepath.Join(b.dir, "next.yaml"), filepath.Join(b.dir, "tokenbooth.yaml")); err != nil {
		t.Fatal(err)
	}
	b.hangUp(t)
}

// R30, R28: a gateway takes up a tenant and drops it again while callers of the other one are served, and not one of them notices.
func TestR030_AGatewayTakesUpAndDropsATenantUnderLoad(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	token := d.token(t)
	other := d.foreign(t)
	elsewhere := strings.Replace(d.gate.public, "127.0.0.1", "localhost", 1) + "/api/orders"
	c := gather(t, 4, func(ctx context.Context, caller *http.Client, _ int) (bool, error) {
		a, err := ask(ctx, caller, "GET", d.gate.public+"/api/orders", "", "Authorization: Bearer "+token)
		return true, good(a, err)
	})
	for i := range 6 {
		text, want := d.globex, http.StatusOK
		if i%2 == 1 {
			text, want = d.acme, http.StatusMisdirectedRequest
		}
		d.gate.resettle(t, text)
		within(t, freshness, fmt.Sprintf("reload %d: the second tenant answers %d", i, want), func() bool {
			a, err := ask(t.Context(), web, "GET", elsewhere, "", "Authorization: Bearer "+other)
			return err == nil && a.status == want
		})
		if status := get(t, d.gate.public+"/api/orders", other).status; status != http.StatusUnauthorized {
			t.Errorf("a token of the second tenant at the first: %d", status)
		}
	}
	c.begun(t, 50)
	c.home(t)
}

// The client's secret is replaced, as everywhere, without a gap: what is taken back afterwards is heard as before.
func TestD4_R030_AGatewayHearsOfRevocationsAfterItsOwnSecretWasReplaced(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	for round := range 5 {
		out := d.desk.operate(t, "client", "rotate", "-t", "acme", "gateway", "--overlap", "0", "--yes", "--json")
		var made struct {
			Secret string `json:"client_secret"`
		}
		if err := json.Unmarshal([]byte(out), &made); err != nil || made.Secret == "" {
			t.Fatalf("client rotate says %s (%v)", out, err)
		}
		basic := "Authorization: Basic " + basicOf("gateway", keepSecret(made.Secret))
		within(t, freshness, "the desk knows the new secret", func() bool {
			return post(t, d.desk.public+"/oauth2/introspect", values("token", "any"), basic).status == http.StatusOK
		})
		writeFile(t, filepath.Join(d.gate.dir, "secret"), made.Secret)
		d.gate.hangUp(t)
		d.gate.applied(t, round+1)
		token := d.token(t)
		within(t, freshness, "a fresh token passes", func() bool { return d.passes(t, token) == http.StatusOK })
		d.revoke(t, token)
		within(t, freshness, fmt.Sprintf("round %d: the revoked token is refused", round), func() bool { return d.passes(t, token) == http.StatusUnauthorized })
	}
}

// What was taken back is never given back, by new settings neither: not even when with them the issuer no longer speaks to the gateway.
func TestReq006_R030_WhatAGatewayHasHeardItKeepsOverAReload(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	token := d.token(t)
	d.revoke(t, token)
	within(t, freshness, "the revoked token is refused", func() bool { return d.passes(t, token) == http.StatusUnauthorized })
	for round := range 4 {
		writeFile(t, filepath.Join(d.gate.dir, "secret"), keepSecret(fmt.Sprintf("tbs_%d%s", round, strings.Repeat("Stale", 9))))
		d.gate.hangUp(t)
		d.gate.applied(t, round+1)
		for range 10 {
			if status := d.passes(t, token); status == http.StatusOK {
				t.Fatalf("reload %d: a token that was refused as revoked passes", round)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// applied waits until settings have been taken up so many times.
func (b *booth) applied(t *testing.T, times int) {
	t.Helper()
	within(t, freshness, "the settings are taken up", func() bool { return b.reloads(t) >= times })
}

// reloads counts how often new settings were taken up.
func (b *booth) reloads(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "new settings are applied")
}

func TestAGatewayWithAWrongSecretSaysSoInItsReadiness(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	d.gate.end(t)
	writeFile(t, filepath.Join(d.gate.dir, "secret"), keepSecret("tbs_"+strings.Repeat("Wrong", 9)))
	if err := d.gate.start(); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Reason  string                              // in one line
		Issuers map[string]struct{ Problem string } // of each
	}
	within(t, freshness, "readiness says what is wrong", func() bool {
		a, err := ask(t.Context(), web, "GET", d.gate.operators+"/readyz", "")
		return err == nil && a.status == 503 && json.Unmarshal([]byte(a.body), &said) == nil && said.Issuers["acme"].Problem != ""
	})
	if p := said.Issuers["acme"].Problem; !strings.Contains(p, "401") && !strings.Contains(p, "invalid_client") || !strings.Contains(said.Reason, "acme") {
		t.Errorf("it says %+v, and not that its credential is refused", said)
	}
	if strings.Contains(said.Reason, "has not answered") {
		t.Errorf("the issuer has answered, but the reason is %q", said.Reason)
	}
}

func TestReq088_TheGatewayProcessExplainsWhatItRefused(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	token := d.token(t)
	d.revoke(t, token)
	within(t, freshness, "it is refused", func() bool { return d.passes(t, token) == http.StatusUnauthorized })
	for what, a := range map[string]answer{"no_token": call(t, "GET", d.gate.public+"/api/orders", ""), "invalid_token: revoked": get(t, d.gate.public+"/api/orders", token)} {
		d.gate.wantExplained(t, what, a.header.Get("X-Request-Id"), what)
		if out, problems, code := command(t, d.desk.dir, "", "-c", "tokenbooth.yaml", "explain", a.header.Get("X-Request-Id")); code != 1 || !strings.Contains(problems, "nothing is recorded of request") {
			t.Errorf("the desk, which has not seen it, says more of it than that: %s%s", out, problems)
		}
	}
}

func TestThePagesOfOneOriginMayCallAndThoseOfNoOther(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	token := d.token(t)
	for name, at := range map[string]string{"desk": d.desk.public, "gateway": d.gate.public} {
		preflight := func(origin, method, headers string) answer {
			a, err := ask(t.Context(), web, "OPTIONS", at+"/api/orders", "", "Origin: "+origin, "Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: "+headers)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		const page = "https://app.example.com"
		a := preflight(page, "GET", "authorization")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Methods") == "" || !strings.EqualFold(a.header.Get("Access-Control-Allow-Headers"), "authorization") {
			t.Errorf("%s: the preflight: %d %v", name, a.status, a.header)
		}
		a.wantHeader(t, "Access-Control-Allow-Origin", page).wantHeader(t, "Access-Control-Max-Age", "600").wantHeader(t, "Access-Control-Allow-Credentials", "")
		for _, no := range []answer{preflight("https://app.example.com.evil.example", "GET", "authorization"), preflight(page, "DELETE", "authorization"), preflight("null", "GET", "")} {
			no.wantHeader(t, "Access-Control-Allow-Origin", "")
		}
		get(t, at+"/api/orders", token, "Origin: "+page).wantStatus(t, 200).wantHeader(t, "Access-Control-Allow-Origin", page)
		get(t, at+"/api/orders", token, "Origin: https://evil.example").wantHeader(t, "Access-Control-Allow-Origin", "")
		call(t, "GET", at+"/api/orders", "", "Origin: "+page).wantStatus(t, 401).wantHeader(t, "Access-Control-Allow-Origin", page) // the page may read why
	}
}

func TestBodiesAndCallsBeyondTheLimitsOfARouteAreRefused(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	otherID, otherSecret := d.desk.register(t, "Other", "-t", "acme", "-p", "orders.read")
	token, other := "Authorization: Bearer "+d.token(t), d.tokenOf(t, otherID, otherSecret)
	for name, b := range map[string]*booth{"desk": d.desk, "gateway": d.gate} {
		call(t, "POST", b.public+"/api/orders", strings.Repeat("x", 64), token).wantStatus(t, 200)
		call(t, "POST", b.public+"/api/orders", strings.Repeat("x", 65), token).wantStatus(t, 413)
		head := "POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n" + token + "\r\n\r\n"
		b.raw(t, head+"41\r\n"+strings.Repeat("x", 65)+"\r\n0\r\n\r\n").wantStatus(t, 413) // that does not say how long it is

		var last answer
		for i := range 4 {
			if last = call(t, "GET", b.public+"/api/few", "", token); i < 3 {
				last.wantStatus(t, 200)
			}
		}
		last.wantStatus(t, 429).wantHeader(t, "Retry-After", "1")
		b.wantExplained(t, name+": one call too many", last.header.Get("X-Request-Id"), "")
		get(t, b.public+"/api/few", other).wantStatus(t, 200) // nobody else's loss
		within(t, freshness, "the next second has room for one", func() bool { return call(t, "GET", b.public+"/api/few", "", token).status == 200 })
	}
}
