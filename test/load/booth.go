//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// settingsText is the settings file of a booth: one tenant, two contracts, one API behind the gateway.
const settingsText = `listen: %s
operators: %s
data: data
tenants:
  - name: load
    hosts: [127.0.0.1]
    issuer: http://%s
    dialects: [nexthink, dadi]
` + apisText

// apisText is the API behind every gateway.
const apisText = `    apis:
      - name: workflows
        upstream: http://%s
        dialect: nexthink
        permissions: [{name: workflows}, {name: nql}, {name: campaigns}]
        routes:
          - {method: GET, path: /api/v1/workflows, permission: workflows}
          - {method: GET, path: "/api/v1/nql/status/{export}", permission: nql}
          - {method: POST, path: /api/v1/euf/campaign/trigger, permission: campaigns}
`

// booth is the product with a database of its own.
type booth struct {
	dir, file string // its data folder, its settings: apart, as the command init lays them out
	addr      netip.AddrPort
	server    *process
	jwts      [][]byte // requests for a token, one of each client
	opaques   [][]byte
	wide      bool // it has the generator's core as well, as a desk of a user's has
}

// booth returns the running product with so many clients in its database.
func (b *bench) booth(clients int) (*booth, error) {
	if known := b.booths[clients]; known != nil {
		return known, nil
	}
	t, err := b.newBooth(clients, "127.0.0.1:9")
	if err != nil {
		return nil, err
	}
	b.booths[clients] = t
	return t, b.open(t)
}

// settle finds a process a folder and addresses, and writes its settings there.
func (b *bench) settle(folder string, settings func(addr, operators netip.AddrPort) string) (t *booth, operators netip.AddrPort, err error) {
	t = &booth{}
	if folder, err = os.MkdirTemp(b.dir, folder); err != nil {
		return nil, operators, err
	}
	t.dir, t.file = filepath.Join(folder, "data"), filepath.Join(folder, "tokenbooth.yaml")
	if err = os.Mkdir(t.dir, 0o700); err != nil {
		return nil, operators, err
	}
	if t.addr, err = freeAddress(); err != nil {
		return nil, operators, err
	}
	if operators, err = freeAddress(); err != nil {
		return nil, operators, err
	}
	return t, operators, os.WriteFile(t.file, []byte(settings(t.addr, operators)), 0o600)
}

// newBooth writes settings and a database. upstream is where its gateway forwards to.
func (b *bench) newBooth(clients int, upstream string) (*booth, error) {
	t, _, err := b.settle("booth-", func(addr, operators netip.AddrPort) string {
		return fmt.Sprintf(settingsText, addr, operators, addr, upstream)
	})
	if err != nil {
		return nil, err
	}
	if err := t.newKey(); err != nil {
		return nil, err
	}
	return t, t.register(clients)
}

// newKey gives a booth a key-encryption key.
func (t *booth) newKey() error {
	key := secret.Nonce()
	return os.WriteFile(filepath.Join(t.dir, "key-encryption-key"), []byte(base64.StdEncoding.EncodeToString(key[:])), 0o600)
}

// register writes the registrations as package registry keeps them, a thousand with each write: registering a hundred thousand
// through the command would take longer than everything else here.
func (t *booth) register(clients int) error {
	db, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.dir, "tokenbooth.db"), Now: time.Now, Create: true})
	if err != nil {
		return err
	}
	defer db.Close()
	var batch []store.Record
	for n := range clients {
		now := time.Now()
		id, text := secret.NewID(now), secret.New(registry.SecretPrefix)
		c := registry.Client{Credentials: []registry.Credential{{ID: secret.NewID(now), Hash: secret.HashSecret(text), Created: now}}, Created: now, CreatedBy: "load", Updated: now, UpdatedBy: "load", ClientSpec: registry.ClientSpec{Name: fmt.Sprintf("load %d", n), Permissions: []string{"workflows", "nql", "campaigns"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		batch = append(batch, store.Record{Tenant: "load", Kind: store.Client, ID: id, Label: c.Name, Body: body})
		t.jwts = append(t.jwts, t.request("/oauth2/default/v1/token", "application/x-www-form-urlencoded",
			"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+text))+"\r\n", "grant_type=client_credentials"))
		t.opaques = append(t.opaques, t.request("/token", "application/json", "", `{"clientId":"`+id+`","secret":"`+text+`"}`))
		if len(batch) < store.MaxRecords && n < clients-1 {
			continue
		}
		if err := db.Put(context.Background(), batch...); err != nil {
			return fmt.Errorf("register clients: %w", err)
		}
		batch = batch[:0]
	}
	return nil
}

// request writes a POST as curl does.
func (t *booth) request(path, mediaType, header, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %v\r\nUser-Agent: load\r\nAccept: */*\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		path, t.addr, header, mediaType, len(body), body)
}

// open starts the product and waits for its first token.
func (b *bench) open(t *booth) error {
	if err := b.launch(t, "serve"); err != nil {
		return err
	}
	_, err := t.fire(t.jwts[0])
	return err
}

// launch starts one of the product's two servers and waits until it takes connections.
func (b *bench) launch(t *booth, command string) (err error) {
	on := []int{b.cores.server}
	if t.wide {
		on = append(on, b.cores.generator)
	}
	if t.server, err = b.spawn(on, t.dir, b.binary, command, "-c", t.file); err != nil {
		return err
	}
	b.running = append(b.running, t.server)
	return answering(t.server, t.addr)
}

// buy buys tokens, one after the other.
func (t *booth) buy(n int, request func() []byte) (tokens []string, err error) {
	var last []byte
	var failed error
	collect := func() {
		token, err := tokenIn(last)
		tokens, failed = append(tokens, token), errors.Join(failed, err)
	}
	v := volley{addr: t.addr, conns: 1, count: n, keep: &last, next: func() []byte {
		if last != nil {
			collect()
		}
		return request()
	}}
	if _, err := v.run(); err != nil {
		return nil, fmt.Errorf("buy %d tokens: %w\n%s", n, err, t.server.words())
	}
	collect()
	return tokens, failed
}

// tokenIn takes the token out of an answer, whichever dialect it is in.
func tokenIn(answer []byte) (string, error) {
	_, body, _ := bytes.Cut(answer, headEnd)
	var said struct {
		Standard string `json:"access_token"`
		Camel    string `json:"accessToken"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.Standard+said.Camel == "" {
		return "", fmt.Errorf("no token is in %q (%v)", answer, err)
	}
	return said.Standard + said.Camel, nil
}

// side is the product as one side of a comparison.
func (t *booth) side(name string, next func() []byte) side {
	return side{name: name, server: t.server, load: volley{addr: t.addr, conns: conns, next: next}}
}

// fire sends one request and returns the body of its answer.
func (t *booth) fire(request []byte) (body string, err error) {
	answer, err := exchange(t.addr, request)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, t.server.words())
	}
	_, body, _ = strings.Cut(string(answer), "\r\n\r\n")
	return body, nil
}

// exchange sends one request over a connection of its own and returns the answer.
func exchange(addr netip.AddrPort, request []byte) ([]byte, error) {
	var last []byte
	v := volley{addr: addr, conns: 1, count: 1, next: always(request), keep: &last}
	_, err := v.run()
	return last, err
}
