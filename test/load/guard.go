//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// gateText is the settings file of a gateway in a process of its own.
const gateText = `listen: %s
operators: %s
data: data
tenants:
  - name: load
    hosts: [127.0.0.1]
    issuer: http://%s
    follow: {client_id: ` + guardID + `, client_secret_file: data/guard.secret}
` + apisText

// desk starts an issuer that has taken back so many tokens that are still alive. secret is that of the client by which guards ask it.
func (b *bench) desk(revocations int) (t *booth, text string, err error) {
	if t, err = b.newBooth(1, "127.0.0.1:9"); err != nil {
		return nil, "", err
	}
	if text, err = t.hire(); err != nil {
		return nil, "", err
	}
	if err = t.takeBack(revocations); err != nil {
		return nil, "", err
	}
	return t, text, b.launch(t, "serve")
}

// takeBack writes so many revocations of single tokens as package feed keeps them, but for the notes by which open booths would hear
// of them. It is done before the booth opens.
func (t *booth) takeBack(n int) error {
	now := time.Now()
	var records []store.Record
	for range n {
		r := feed.Revocation{Tenant: "load", Kind: revocation.Token, ID: secret.NewID(now), Until: now.Add(time.Hour)}
		records = append(records, r.Records(now)[0])
	}
	return t.put(records)
}

// gate starts a gateway that follows a desk, and waits until it knows of all that was taken back.
func (b *bench) gate(desk *booth, text, upstream string, revocations int) (*booth, error) {
	g, operators, err := b.settle("gate-", func(addr, operators netip.AddrPort) string {
		return fmt.Sprintf(gateText, addr, operators, desk.addr, upstream)
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(g.dir, "guard.secret"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := b.launch(g, "gateway"); err != nil {
		return nil, err
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		known, ready, err := following(operators)
		switch {
		case err == nil && ready && known == revocations:
			return g, nil
		case time.Since(began) > silence:
			return nil, fmt.Errorf("after %v the gateway knows %d revocations of %d (%v)\n%s", silence, known, revocations, err, g.server.words())
		}
	}
}

// following asks a gateway how well it follows its issuer.
func following(operators netip.AddrPort) (revocations int, ready bool, err error) {
	answer, err := http.Get("http://" + operators.String() + "/readyz")
	if err != nil {
		return 0, false, err
	}
	defer answer.Body.Close()
	var health struct {
		Issuers map[string]struct {
			Ready       bool
			Revocations int
		}
	}
	err = json.NewDecoder(answer.Body).Decode(&health)
	return health.Issuers["load"].Revocations, health.Issuers["load"].Ready, err
}

// guardID is the client that stands for the booth's API.
const guardID = "guard"

// hire registers the client by which a guard asks, and returns its secret. It is done before the booth opens.
func (t *booth) hire() (text string, err error) {
	now := time.Now()
	text = secret.New(registry.SecretPrefix)
	c := registry.Client{Credentials: []registry.Credential{{ID: secret.NewID(now), Hash: secret.HashSecret(text), Created: now}}, Created: now, CreatedBy: "load", Updated: now, UpdatedBy: "load", ClientSpec: registry.ClientSpec{Name: guardID, ResourceServers: []string{"workflows"}}}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return text, t.put([]store.Record{{Tenant: "load", Kind: store.Client, ID: guardID, Label: c.Name, Body: body}})
}

// put writes records into the database of a booth that has not opened.
func (t *booth) put(records []store.Record) (err error) {
	db, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.dir, "tokenbooth.db"), Now: time.Now, Create: true})
	if err != nil {
		return err
	}
	return errors.Join(put(db, records), db.Close())
}

// put writes records in as few writes as are allowed.
func put(db store.Store, records []store.Record) error {
	for len(records) > 0 {
		n := min(len(records), store.MaxRecords)
		if err := db.Put(context.Background(), records[:n]...); err != nil {
			return fmt.Errorf("write %d records: %w", n, err)
		}
		records = records[n:]
	}
	return nil
}
