package directory

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// listed makes a roster of clients like most.
func listed(n int) *roster {
	t, made := newRoster(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		c := &registry.Client{ID: secret.NewID(made), Created: made, ClientSpec: registry.ClientSpec{Name: fmt.Sprintf("Application %d of site %d", i*7919%n, i%50), Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		c.Permissions = []string{fmt.Sprintf("permission-%d", i%9)}
		if i%10 == 0 {
			c.Expires = registry.Until{Time: made.Add(time.Duration(i) * time.Minute)}
		}
		t.put(c)
		made = made.Add(time.Minute)
	}
	t.repack()
	return t
}

func heap() (bytes, objects uint64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.HeapObjects
}

func TestB29_a_directory_of_100_000_clients_takes_16_MiB_and_few_pointers(t *testing.T) {
	bytes, objects := heap()
	r := listed(100_000)
	bytes2, objects2 := heap()
	if more := int64(bytes2 - bytes); more > 16<<20 {
		t.Errorf("%d bytes", more)
	}
	if more := int64(objects2 - objects); more > 1000 {
		t.Errorf("%d things for the collector to look at", more)
	}
	for i := range reflect.TypeFor[row]().NumField() {
		if f := reflect.TypeFor[row]().Field(i); f.Type.Kind() > reflect.Uint64 {
			t.Errorf("%s of a row is a %s, which has a pointer", f.Name, f.Type)
		}
	}
	runtime.KeepAlive(r)
}

func TestARosterSaysWhatItsClientsAreWhateverHappensToThem(t *testing.T) {
	r, want := newRoster(), map[string]*registry.Client{}
	for range 5000 {
		id := fmt.Sprintf("client-%d", rand.IntN(300))
		if was := want[id]; was != nil && was.Deleted {
			continue // for good
		}
		c := &registry.Client{ID: id, Deleted: rand.IntN(20) == 0, Credentials: []registry.Credential{{ID: "s", Expires: time.Unix(int64(1+rand.IntN(3)), 0)}}, ClientSpec: registry.ClientSpec{Name: strings.Repeat("Ä", rand.IntN(5)) + "x", Disabled: rand.IntN(2) == 0, Expires: registry.Until{Time: time.Unix(int64(rand.IntN(3)), 0)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		for range rand.IntN(4) {
			c.Permissions = append(c.Permissions, fmt.Sprintf("p%d", rand.IntN(100))) // more than a row has bits for
		}
		want[id] = c
		r.put(c)
	}
	seen := map[string]bool{}
	for i := range r.rows {
		w := &r.rows[i]
		if w.flags&isGone != 0 {
			continue
		}
		id := string(r.idOf(w))
		c := want[id]
		n, ok := r.find(id)
		if seen[id] || c == nil || c.Deleted || !ok || n != uint32(i) {
			t.Fatalf("row %d is of %s, seen %v, found at %d", i, id, seen[id], n)
		}
		seen[id] = true
		if string(r.nameOf(w)) != c.Name || string(r.foldedOf(w)) != fold(c.Name) || w.flags&isDisabled != 0 != c.Disabled || w.expires != c.Expires.Unix() ||
			string(r.secretOf(w)) != "s" || w.ends != c.Credentials[0].Expires.Unix() {
			t.Fatalf("%+v is not %+v", w, c)
		}
		for p, number := range r.permissions {
			if r.holds(n, number) != slices.Contains(c.Permissions, p) {
				t.Fatalf("%s and %s: %v", id, p, c.Permissions)
			}
		}
	}
	for id, c := range want {
		if seen[id] == c.Deleted {
			t.Errorf("%s: deleted %v, listed %v", id, c.Deleted, seen[id])
		}
	}
	if len(r.rows) > 2*len(seen)+2 || r.wasted > len(r.text) {
		t.Errorf("%d rows for %d clients, %d of %d bytes wasted", len(r.rows), len(seen), r.wasted, len(r.text))
	}
}

// BenchmarkFind is one look through a hundred thousand clients, the costliest first page of each kind.
func BenchmarkFind(b *testing.B) {
	r := listed(100_000)
	for name, s := range map[string]search{
		"by name":          {limit: 50},
		"a word":           {limit: 50, text: []byte("site 17")},
		"newest 200":       {limit: 200, descending: true, key: func(w *row) int64 { return w.created }},
		"soonest, holding": {limit: 200, key: (*row).end, permission: "permission-3", state: StateActive, now: 1},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if ids, _, total := r.look(&s); len(ids) != s.limit || total < s.limit {
					b.Fatal(total)
				}
			}
		})
	}
}
