package registry

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// shelf is what a memory under test reads from, and counts the reads.
type shelf struct {
	mu      sync.Mutex
	clients map[string]Client
	reads   atomic.Int64
	during  func() // called while a read is under way, when it knows the answer already
}

func (s *shelf) read(_ context.Context, n name) (*Client, error) {
	s.reads.Add(1)
	s.mu.Lock()
	c, ok := s.clients[n.id]
	during := s.during
	s.mu.Unlock()
	if during != nil {
		during()
	}
	if !ok || n.tenant != c.Tenant {
		return nil, notRegistered(n)
	}
	c.Credentials = append([]Credential(nil), c.Credentials...)
	for i := range c.Credentials {
		c.Credentials[i].used = new(atomic.Int64)
	}
	return &c, nil
}

func (s *shelf) set(c Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c.ID] = c
}

// stock makes a shelf of clients and a memory in front of it.
func stock(clients, most int) (*shelf, *remembered[*Client]) {
	s := &shelf{clients: map[string]Client{}}
	for i := range clients {
		s.set(usual(fmt.Sprintf("client-%d", i)))
	}
	return s, remember(most, s.read)
}

// usual is a client like most.
func usual(id string) Client {
	made := time.Date(2026, 11, 22, 8, 0, 0, 123, time.UTC)
	return Client{Tenant: "acme", ID: id, Rev: 3, Scope: "workflows", Audiences: []string{"https://a"}, Credentials: []Credential{{ID: "secret of " + id, Hash: secret.Hash("sha256$" + id), Created: made}}, Created: made, CreatedBy: "bob", Updated: made.Add(time.Hour), UpdatedBy: "eve", ClientSpec: ClientSpec{Name: "Name of " + id, Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
}

func known(t *testing.T, m *remembered[*Client], id string) *Client {
	t.Helper()
	c, err := m.get(ctx, name{"acme", id})
	if err != nil || c.ID != id || c.Tenant != "acme" {
		t.Fatalf("%s: %+v %v", id, c, err)
	}
	return c
}

func unknown(t *testing.T, m *remembered[*Client], id string) {
	t.Helper()
	if c, err := m.get(ctx, name{"acme", id}); !errors.Is(err, ErrNotFound) || c != nil {
		t.Fatalf("%s: %+v %v", id, c, err)
	}
}

func TestB29_what_is_remembered_is_bounded(t *testing.T) {
	for _, most := range []int{1, 16, 100, 5000} {
		s, m := stock(3*most, most)
		for i := range 10 * most {
			unknown(t, m, fmt.Sprintf("made-up-%d", i))
		}
		for range 2 {
			for id := range s.clients {
				known(t, m, id)
			}
		}
		if n := m.known.size + m.absent.size; n > most {
			t.Errorf("%d names are remembered, the bound is %d", n, most)
		}
	}
}

func TestB29_a_flood_of_made_up_names_pushes_no_registration_out(t *testing.T) {
	const clients = 5000
	s, m := stock(clients, 2*clients)
	for id := range s.clients {
		known(t, m, id)
	}
	for i := range 20 * clients {
		unknown(t, m, fmt.Sprintf("made-up-%d", i))
	}
	before := s.reads.Load()
	for id := range s.clients {
		known(t, m, id)
	}
	if n := s.reads.Load() - before; n != 0 {
		t.Errorf("%d of %d clients had to be read again", n, clients)
	}
}

func TestB29_names_longer_than_a_registered_one_are_not_remembered(t *testing.T) {
	s, m := stock(0, 1000)
	unknown(t, m, strings.Repeat("x", longestID))
	if m.absent.size != 1 {
		t.Error("a made-up name is not remembered")
	}
	unknown(t, m, strings.Repeat("y", longestID+1))
	unknown(t, m, strings.Repeat("y", 1<<20))
	if m.absent.size != 1 || s.reads.Load() != 3 {
		t.Error("a long one is")
	}
}

func TestWhatThereIsRoomForIsReadOnce(t *testing.T) {
	const room = 30_000
	s, m := stock(room-room/absentShare, room)
	for range 2 {
		for id := range s.clients {
			known(t, m, id)
		}
	}
	if n := s.reads.Load(); n != room-room/absentShare || m.known.size != room-room/absentShare {
		t.Errorf("%d reads for %d clients, %d are known", n, room-room/absentShare, m.known.size)
	}
	if s.set(usual("one more")); known(t, m, "one more") == nil || m.known.size != room-room/absentShare {
		t.Errorf("with one more %d are known", m.known.size)
	}
}

func TestNoNameIsTakenForAnother(t *testing.T) {
	s, m := stock(0, 1000)
	s.set(Client{Tenant: "acme", ID: "bc"})
	s.set(Client{Tenant: "acme", ID: "acme"})
	known(t, m, "bc")
	known(t, m, "acme")
	for _, n := range []name{{"acmeb", "c"}, {"acm", "ebc"}, {"", "acmebc"}, {"acmebc", ""}, {"acme", ""}, {"", ""}, {"acme", "b"}, {"acme", "bcx"}} {
		for range 2 {
			if c, err := m.get(ctx, n); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q is taken for %+v: %v", n, c, err)
			}
		}
	}
}

// filled sets everything that is not set, so that a field which somebody adds to clients is seen here too.
func filled(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		if !f.CanSet() || !f.IsZero() || strings.HasPrefix(field.Name, "LastUsed") { // which is no part of what is remembered
			continue
		}
		switch x := f.Addr().Interface().(type) {
		case *time.Time:
			*x = time.Date(2030+i, 1, 2, 3, 4, 5, 6, time.UTC)
		case *ClientSpec:
			filled(t, f)
		case *Until:
			*x = Until{time.Date(2030+i, 1, 2, 3, 4, 5, 6, time.UTC)}
		case *[]Network:
			*x = []Network{{netip.MustParsePrefix("192.0.2.0/24")}}
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString(field.Name)
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Int64:
				f.SetInt(int64(1000 + i))
			case reflect.Uint64:
				f.SetUint(uint64(1000 + i))
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 2, 2))
				f.Index(0).SetString(field.Name)
			default:
				t.Fatalf("say here how to fill a %v", f.Type())
			}
		}
	}
}

func TestAClientComesOutOfMemoryAsItWentIn(t *testing.T) {
	full := usual("full")
	full.Credentials = make([]Credential, MaxLiveSecrets)
	filled(t, reflect.ValueOf(&full).Elem())
	for i := range full.Credentials {
		filled(t, reflect.ValueOf(&full.Credentials[i]).Elem())
	}
	full.Credentials[1].Imported = false
	s, m := stock(0, 10_000)
	var want []Client
	add := func(c Client) {
		c.ID = fmt.Sprintf("client-%d", len(want))
		want = append(want, c)
		s.set(c)
	}
	add(full)
	add(usual(""))
	add(Client{Tenant: "acme"})
	for i := range reflect.TypeFor[Client]().NumField() { // each differs from the full one and from the usual one in one thing
		for _, other := range [][2]Client{{full, usual("")}, {usual(""), full}} {
			reflect.ValueOf(&other[0]).Elem().Field(i).Set(reflect.ValueOf(&other[1]).Elem().Field(i))
			if other[0].Tenant = "acme"; len(other[0].Credentials) <= MaxLiveSecrets {
				add(other[0])
			}
		}
	}
	whole, err := s.read(ctx, name{"acme", want[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	if like, own := whole.pack(new(likes)); like == whole || own == "" {
		t.Error("a client with everything is not packed: has it something new of its own, that pack does not know?")
	}
	for range 2 {
		for i := range want {
			got := known(t, m, want[i].ID)
			for k := range got.Credentials {
				if got.Credentials[k].used == nil {
					t.Fatal("the use of a secret cannot be noted")
				}
				got.Credentials[k].used = nil
			}
			for k := range want[i].Credentials {
				want[i].Credentials[k].used = nil
			}
			if !reflect.DeepEqual(*got, want[i]) {
				t.Fatalf("client %d:\n%+v\n%+v", i, *got, want[i])
			}
		}
	}
	if n := s.reads.Load(); n != int64(len(want)+1) {
		t.Errorf("%d reads for %d clients", n, len(want))
	}
}

func TestAnUnusualClientIsRememberedAllTheSame(t *testing.T) {
	long, many := usual("long"), usual("many")
	long.Description = strings.Repeat("x", 1<<17)
	many.Credentials = make([]Credential, MaxLiveSecrets+1)
	s, m := stock(0, 1000)
	s.set(long)
	s.set(many)
	for range 2 {
		if c := known(t, m, "long"); c.Description != long.Description {
			t.Error("a long description is cut")
		}
		if c := known(t, m, "many"); len(c.Credentials) != len(many.Credentials) {
			t.Error("a secret is missing")
		}
	}
	if s.reads.Load() != 2 {
		t.Error("it is not remembered")
	}
}

func TestAUseIsNotedAtTheSecretWhateverComesToLieBesideIt(t *testing.T) {
	s, m := stock(3000, 100_000)
	rotated := usual("rotated")
	rotated.Credentials = append(rotated.Credentials, Credential{ID: "second"})
	s.set(rotated)
	known(t, m, "rotated").Credentials[1].used.Store(7)
	for id := range s.clients {
		known(t, m, id)
	}
	for id := range s.clients {
		for i, cred := range known(t, m, id).Credentials {
			if got := cred.used.Load(); (got == 7) != (id == "rotated" && i == 1) {
				t.Fatalf("secret %d of %s: %d", i, id, got)
			}
		}
	}
	m.forget(name{"acme", "rotated"})
	if known(t, m, "rotated").Credentials[1].used.Load() != 0 {
		t.Error("a use outlives what is known of the client")
	}
}

func TestWhatWasReadBeforeAChangeIsNeverRememberedAfterIt(t *testing.T) {
	for what, forget := range map[string]func(*remembered[*Client]){
		"this one is forgotten": func(m *remembered[*Client]) { m.forget(name{"acme", "client-0"}) },
		"everything is":         (*remembered[*Client]).forgetAll,
	} {
		for _, was := range []string{"there", "not there"} {
			s, m := stock(0, 1000)
			if was == "there" {
				s.set(usual("client-0"))
			}
			s.during = func() {
				changed := usual("client-0")
				changed.Disabled = true
				s.set(changed)
				forget(m)
				s.during = nil
			}
			_, _ = m.get(ctx, name{"acme", "client-0"}) // what it says, it knew before the change
			if c := known(t, m, "client-0"); !c.Disabled {
				t.Errorf("%s while it is read, and it was %s: remembered what was no longer so", what, was)
			}
		}
	}
}

func TestAReadPastTheMemoryReplacesWhatIsRemembered(t *testing.T) {
	s, m := stock(1, 1000)
	known(t, m, "client-0")
	unknown(t, m, "late")
	changed := usual("client-0")
	changed.Disabled = true
	s.set(changed)
	s.set(usual("late"))
	for _, id := range []string{"client-0", "late"} {
		if _, err := m.fresh(ctx, name{"acme", id}); err != nil {
			t.Fatal(err)
		}
	}
	if !known(t, m, "client-0").Disabled {
		t.Error("the older state is still known")
	}
	known(t, m, "late")
	if m.absent.size != 0 {
		t.Error("it is remembered as unknown still")
	}
	s.during = func() { m.forget(name{"acme", "another"}) } // so that this read cannot be trusted
	if _, err := m.fresh(ctx, name{"acme", "client-0"}); err != nil || m.known.size != 1 {
		t.Errorf("%d are known: %v", m.known.size, err)
	}
}

// TestReadersAndWritersAtOnce is for the race detector too: everybody gets the client that was asked for, whole, whatever happens.
func TestReadersAndWritersAtOnce(t *testing.T) {
	s, m := stock(500, 300)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 4000 {
				k := i*(2*g+1) + g
				id := fmt.Sprintf("client-%d", k%500)
				c, err := m.get(ctx, name{"acme", id})
				if err != nil || c.Name != "Name of "+id || string(c.Credentials[0].Hash) != "sha256$"+id {
					t.Errorf("%s: %+v %v", id, c, err)
					return
				}
				c.Credentials[0].used.Add(1)
				switch k % 50 {
				case 0:
					m.forget(name{"acme", id})
				case 1:
					_, _ = m.get(ctx, name{"acme", "made-up-" + id})
				case 2:
					if g == 0 {
						m.forgetAll()
					}
				}
			}
		})
	}
	all.Wait()
	if n := m.known.size + m.absent.size; n > 300 {
		t.Errorf("%d are remembered", n)
	}
	for id := range s.clients {
		known(t, m, id)
	}
}

func TestTwoLookUpsNoteUsesInOnePlace(t *testing.T) {
	_, m := stock(1, 1000)
	known(t, m, "client-0").Credentials[0].used.Store(7)
	if known(t, m, "client-0").Credentials[0].used.Load() != 7 {
		t.Error("the second look-up does not know what the first has noted")
	}
}
