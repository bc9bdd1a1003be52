package bearer_test

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

const (
	metadataPath = "/.well-known/oauth-authorization-server"
	keysPath     = "/keys"
	feedPath     = "/revocations"
	lookUpPath   = "/introspect"

	clientID     = "orders api" // both need the form encoding of RFC 6749, section 2.3.1
	clientSecret = "s3cr%t+:ü"
)

// shifted is the real clock, moved.
type shifted struct{ by atomic.Int64 }

func (s *shifted) now() time.Time       { return time.Now().Add(time.Duration(s.by.Load())) }
func (s *shifted) move(d time.Duration) { s.by.Add(int64(d)) }

// booth is a small issuer: it signs, publishes its keys, answers look-ups and keeps a feed with long-poll.
type booth struct {
	*httptest.Server
	clock *shifted
	away  atomic.Bool // cuts every connection

	mu      sync.Mutex
	private map[string]crypto.Signer // all keys ever made
	keys    map[string]any           // those it publishes, as JWKs
	active  string
	made    int
	epoch   string
	entries []revocation.Entry
	news    chan struct{}
	opaque  map[string]object
	asked   map[string]int
	instead map[string]http.HandlerFunc // what is answered in place of the truth, by path
	page    int                         // entries of a page at most
}

func openBooth() *booth {
	b := &booth{clock: &shifted{}, private: map[string]crypto.Signer{}, keys: map[string]any{}, epoch: "e1", news: make(chan struct{}),
		opaque: map[string]object{}, asked: map[string]int{}, instead: map[string]http.HandlerFunc{}, page: revocation.MaxEntries}
	b.active = b.publish()
	b.Server = httptest.NewServer(b)
	return b
}

func newBooth(t testing.TB) *booth {
	t.Helper()
	b := openBooth()
	t.Cleanup(b.shut)
	return b
}

func (b *booth) shut() {
	b.CloseClientConnections()
	b.Close()
}

// publish makes a key and publishes it.
func (b *booth) publish() (kid string) {
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(k.PublicKey.Bytes())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made++
	kid = fmt.Sprint("key-", b.made)
	text := base64.RawURLEncoding.EncodeToString
	b.private[kid] = k
	b.keys[kid] = object{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": text(point[1:33]), "y": text(point[33:])}
	return kid
}

// sign makes a JWT with a key of that name.
func (b *booth) sign(kid, typ string, payload any) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	kid = cmp.Or(kid, b.active)
	return sign(b.private[kid], object{"alg": "ES256", "typ": typ, "kid": kid}, payload)
}

func (b *booth) mint(changes object) string {
	now := b.clock.now()
	c := claims(object{"iss": b.URL, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix()})
	return b.sign("", "at+jwt", change(c, changes))
}

// issue makes an opaque token.
func (b *booth) issue(changes object) string {
	now := b.clock.now()
	text := "tba_" + rand.Text()
	c := claims(object{"iss": b.URL, "active": true, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix()})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opaque[text] = change(c, changes)
	return text
}

// take takes something back.
func (b *booth) take(k revocation.Kind, id string, before time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, revocation.Entry{Name: revocation.NameOf(k, id), Before: before, Until: b.clock.now().Add(time.Hour)})
	if k == revocation.Key {
		delete(b.keys, id)
	}
	b.tell()
}

func (b *booth) tell() {
	close(b.news)
	b.news = make(chan struct{})
}

// wake answers all who wait, news or not.
func (b *booth) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tell()
}

func (b *booth) restart() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch += "x"
	b.tell()
}

func (b *booth) answerInstead(path string, h http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instead[path] = h
}

func (b *booth) count(path string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[path]
}

func (b *booth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.away.Load() {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	b.asked[r.URL.Path]++
	h := b.instead[r.URL.Path]
	b.mu.Unlock()
	if h == nil {
		h = map[string]http.HandlerFunc{metadataPath: b.metadata, keysPath: b.keySet, feedPath: b.feed, lookUpPath: b.lookUp}[r.URL.Path]
	}
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

func (b *booth) metadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, object{"issuer": b.URL, "jwks_uri": b.URL + keysPath, "introspection_endpoint": b.URL + lookUpPath, "revocation_feed": b.URL + feedPath,
		"response_types_supported": []string{}})
}

func (b *booth) keySet(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w.Header().Set("Cache-Control", "public, max-age=900")
	all := []any{object{"kty": "oct", "k": "AAAA", "kid": "hmac"}, object{"kty": "EC", "crv": "P-521", "kid": "other"}}
	for k := range maps.Values(b.keys) {
		all = append(all, k)
	}
	writeJSON(w, object{"keys": all})
}

func (b *booth) known(w http.ResponseWriter, r *http.Request) bool {
	id, secret, _ := r.BasicAuth()
	id, err := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if err != nil || err2 != nil || id != clientID || secret != clientSecret {
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	return true
}

func (b *booth) feed(w http.ResponseWriter, r *http.Request) {
	if !b.known(w, r) {
		return
	}
	epoch, after := b.placeOf(r)
	if wait, ok := strings.CutPrefix(r.Header.Get("Prefer"), "wait="); ok {
		b.mu.Lock()
		news, caughtUp := b.news, epoch == b.epoch && after == uint64(len(b.entries))
		b.mu.Unlock()
		if caughtUp {
			select {
			case <-news:
			case <-time.After(time.Duration(must(strconv.Atoi(wait))) * time.Second):
			case <-r.Context().Done():
				return
			}
		}
	}
	w.Header().Set("Content-Type", "application/jwt")
	_, _ = w.Write([]byte(b.signed("", revocation.Type, b.list(epoch, after))))
}

// placeOf finds the place in the epoch of the booth among those that are asked for.
func (b *booth) placeOf(r *http.Request) (epoch string, after uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := range strings.SplitSeq(r.URL.Query().Get("after"), ",") {
		if e, n, ok := strings.Cut(at, "."); ok && e == b.epoch {
			after, _ = strconv.ParseUint(n, 10, 64)
			return e, after
		}
	}
	return "", 0
}

// list is an honest page.
func (b *booth) list(epoch string, after uint64) *revocation.List {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch != b.epoch || after > uint64(len(b.entries)) {
		after = 0
	}
	rest := b.entries[after:]
	rest = rest[:min(len(rest), b.page)]
	return &revocation.List{Issuer: b.URL, IssuedAt: b.clock.now(), Epoch: b.epoch, After: after, Sequence: after + uint64(len(rest)),
		Latest: uint64(len(b.entries)), Entries: rest}
}

func (b *booth) signed(kid, typ string, l *revocation.List) string {
	return b.sign(kid, typ, string(l.Claims()))
}

func (b *booth) lookUp(w http.ResponseWriter, r *http.Request) {
	if !b.known(w, r) {
		return
	}
	if r.Method != http.MethodPost || r.FormValue("token_type_hint") != "access_token" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	answer, ok := b.opaque[r.PostFormValue("token")]
	b.mu.Unlock()
	if !ok {
		answer = object{"active": false}
	}
	writeJSON(w, answer)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(must(json.Marshal(v)))
}

// remote is how a guard follows the booth.
func (b *booth) remote() bearer.Remote {
	return bearer.Remote{Issuer: b.URL, ClientID: clientID, ClientSecret: oauth.Secret(clientSecret), Now: b.clock.now, Log: slog.New(slog.DiscardHandler)}
}

func (b *booth) follow(t testing.TB, changes func(*bearer.Remote)) *bearer.Issuer {
	t.Helper()
	r := b.remote()
	if changes != nil {
		changes(&r)
	}
	i, err := bearer.Follow(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

// guard follows the booth, waits until it is ready and returns a verifier.
func (b *booth) guard(t testing.TB, changes func(*bearer.Remote)) (*bearer.Issuer, *bearer.Verifier) {
	t.Helper()
	i := b.follow(t, changes)
	eventually(t, "ready", func() bool { return i.State().Ready })
	return i, must(i.Verifier(audience))
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within 10 s", what)
		}
	}
}

// hang answers nothing until the caller gives up, which a server notices only once it has read the request.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}
