//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// asked is how many opaque tokens are asked about.
const asked = 2000

// introspect measures how many questions about opaque tokens a core answers to a resource server, each of which costs a look at the
// token's row, beside a handler that reads a row of that size and believes every caller.
func (b *bench) introspect() error {
	t, err := b.newBooth(few, "127.0.0.1:9")
	if err != nil {
		return err
	}
	text, err := t.hire()
	if err != nil {
		return err
	}
	if err := b.open(t); err != nil {
		return err
	}
	tokens, err := t.buy(asked, atRandom(t.opaques))
	if err != nil {
		return err
	}
	var questions [][]byte
	for _, token := range tokens {
		questions = append(questions, t.request("/oauth2/introspect", "application/x-www-form-urlencoded",
			"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(guardID+":"+text))+"\r\n", "token="+token+"&token_type_hint=access_token"))
	}
	floor, err := b.rowFloor(t, tokens, questions)
	if err != nil {
		return err
	}
	c, err := b.contest(t.side("introspection", atRandom(questions)), floor, (*turn).perCore)
	if err != nil {
		return err
	}
	b.report.compared("introspection of opaque tokens, a second of one core", c, 0.50, whole)
	return nil
}

// rowFloor starts the floor that reads a row for each question, of a file that has as many rows as there are tokens, each of the size
// of theirs.
func (b *bench) rowFloor(t *booth, tokens []string, questions [][]byte) (side, error) {
	body, err := t.fire(questions[0])
	if err != nil {
		return side{}, err
	}
	var said struct{ Active bool }
	if err := json.Unmarshal([]byte(body), &said); err != nil || !said.Active {
		return side{}, fmt.Errorf("a token that was just bought is not active: %q (%v)", body, err)
	}
	file := filepath.Join(t.dir, "floor.db")
	if err := t.mirror(file, tokens); err != nil {
		return side{}, err
	}
	floor, err := b.play(b.cores.server, "row", file, strconv.Itoa(len(body)))
	floor.load.next = atRandom(questions)
	return floor, err
}

// mirror writes a file of rows like those that the booth keeps of opaque tokens, each under the text of one of these.
func (t *booth) mirror(file string, tokens []string) (err error) {
	from, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.dir, "tokenbooth.db"), Now: time.Now, Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := sqlite.Open(sqlite.Options{Path: file, Now: time.Now, Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	rows, err := from.List(context.Background(), store.Query{Tenant: "load", Kind: store.Token, Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("the booth keeps no row of a token")
	}
	for len(tokens) > 0 {
		n := min(len(tokens), store.MaxRecords)
		batch := make([]store.Record, n)
		for i := range batch {
			batch[i] = rows[0]
			batch[i].ID, batch[i].Rev = tokens[i], 0
		}
		if err := to.Put(context.Background(), batch...); err != nil {
			return fmt.Errorf("write the rows of the floor: %w", err)
		}
		tokens = tokens[n:]
	}
	return nil
}
