package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// follow makes a guard's request for what is after a place.
func (b *booth) follow(query string, header ...string) *http.Request {
	r := get(FeedPath)
	r.URL.RawQuery = query
	r.SetBasicAuth("guard", b.secrets["guard"].Reveal())
	for k := 0; k+1 < len(header); k += 2 {
		r.Header.Set(header[k], header[k+1])
	}
	return r
}

// list checks a page as a guard does and reads it.
func list(t testing.TB, keys *keyring.Keyring, text string) *revocation.List {
	t.Helper()
	part := strings.Split(text, ".")
	if len(part) != 3 {
		t.Fatalf("no JWS: %.100s", text)
	}
	raw := func(s string) []byte {
		out, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var head struct{ Typ, Alg, Kid string }
	if err := json.Unmarshal(raw(part[0]), &head); err != nil || head.Typ != revocation.Type || head.Alg != "ES256" {
		t.Fatalf("%+v %v", head, err)
	}
	key, ok := keys.Key("acme", head.Kid)
	pub, isEC := key.Key.(*ecdsa.PublicKey)
	digest, sig := sha256.Sum256([]byte(part[0]+"."+part[1])), raw(part[2])
	if !ok || !isEC || len(sig) != 64 || !ecdsa.Verify(pub, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Fatal("the page is not signed with a key of the tenant")
	}
	if _, _, err := keys.Verify("acme", text); err == nil {
		t.Error("the page passes for an access token")
	}
	l, err := revocation.ParseClaims(raw(part[1]))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (b *booth) page(query string, header ...string) *revocation.List {
	b.t.Helper()
	w := b.answer(b.follow(query, header...))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/jwt" || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
		b.t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	l := list(b.t, b.keys, w.Body.String())
	if want := fmt.Sprintf(`"%s.%d"`, l.Epoch, l.Sequence); w.Header().Get("ETag") != want {
		b.t.Errorf("ETag %s, want %s", w.Header().Get("ETag"), want)
	}
	return l
}

func TestTheFeedTellsWhatWasTakenBackInItsOrder(t *testing.T) {
	b := openWithGuard(t)
	first := b.page("")
	if first.Issuer != "https://login.acme.test" || !first.IssuedAt.Equal(b.clock.now().Truncate(time.Second)) || first.After != 0 {
		t.Errorf("%+v", first)
	}
	tok := b.tokens()
	names := []revocation.Name{}
	for _, form := range []string{"JWT", "opaque", "refresh"} {
		names = append(names, revocation.Name{})
		if form != "refresh" {
			in := b.answer(b.about("app", IntrospectPath, tok[form])).Body.String()
			names[len(names)-1] = revocation.NameOf(revocation.Token, member(t, in, "jti"))
		}
		if w := b.answer(b.about("app", RevokePath, tok[form])); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
	}
	place := fmt.Sprintf("after=%s.%d", first.Epoch, first.Sequence)
	news := b.page(place)
	if news.Epoch != first.Epoch || news.After != first.Sequence || len(news.Entries) != 3 || news.Sequence != first.Sequence+3 || news.Latest != news.Sequence {
		t.Fatalf("%+v", news)
	}
	for k, name := range names[:2] {
		if news.Entries[k].Name != name {
			t.Errorf("entry %d is another", k)
		}
	}
	if e := news.Entries[2]; e.Before.IsZero() || e.Until.Before(b.clock.now()) {
		t.Errorf("the chain: %+v", e)
	}
	for _, other := range []string{"", "after=unknown.1", fmt.Sprintf("after=%s.999", first.Epoch), "after=unknown.7,other.9"} {
		if all := b.page(other); all.After != 0 || len(all.Entries) != int(news.Latest) {
			t.Errorf("?%s: %d entries after %d", other, len(all.Entries), all.After)
		}
	}
}

func TestWhoHasAllNeedNotBeSentItAgain(t *testing.T) {
	b := openWithGuard(t)
	l := b.page("")
	tag := fmt.Sprintf(`"%s.%d"`, l.Epoch, l.Sequence)
	for _, query := range []string{"", fmt.Sprintf("after=%s.%d", l.Epoch, l.Sequence)} {
		w := b.answer(b.follow(query, "If-None-Match", tag))
		if w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != tag || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
			t.Errorf("?%s: %d %v", query, w.Code, w.Header())
		}
	}
	b.answer(b.about("app", RevokePath, b.tokens()["JWT"]))
	if w := b.answer(b.follow("", "If-None-Match", tag)); w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
}

// waiters is a server over real connections, whose requests a test lets wait.
func (b *booth) waiters(t *testing.T) func(query, prefer string) (int, *revocation.List, time.Duration) {
	t.Helper()
	srv := httptest.NewUnstartedServer(b)
	srv.Config.ReadTimeout = 300 * time.Millisecond // shorter than any wait
	srv.Start()
	t.Cleanup(srv.Close)
	return func(query, prefer string) (int, *revocation.List, time.Duration) {
		r, err := http.NewRequest(http.MethodGet, srv.URL+FeedPath+"?"+query, nil)
		if err != nil {
			t.Error(err)
			return 0, nil, 0
		}
		r.Host = "login.acme.test"
		r.Header.Set("Prefer", prefer)
		r.SetBasicAuth("guard", b.secrets["guard"].Reveal())
		began := time.Now()
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return 0, nil, 0
		}
		defer res.Body.Close()
		text := readAll(t, res.Body)
		if res.StatusCode != http.StatusOK {
			return res.StatusCode, nil, time.Since(began)
		}
		return res.StatusCode, list(t, b.keys, text), time.Since(began)
	}
}

func TestAGuardThatWaitsIsToldAtOnceAndElseThatThereIsNothing(t *testing.T) {
	b := openWithGuard(t)
	wait := b.waiters(t)
	tok := b.tokens()
	l := b.page("")
	place := fmt.Sprintf("after=%s.%d", l.Epoch, l.Sequence)

	status, empty, took := wait(place, "wait=1")
	if status != http.StatusOK || empty == nil || len(empty.Entries) != 0 || empty.Sequence != l.Sequence || took < 900*time.Millisecond || took > 5*time.Second {
		t.Errorf("%d %+v after %v", status, empty, took)
	}
	if _, known, took := wait("after=other.7", "wait=20"); known == nil || len(known.Entries) != int(l.Latest) || took > 5*time.Second {
		t.Errorf("news of another epoch: %+v after %v", known, took)
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if status, news, took := wait(place, "respond-async, wait=20"); status != http.StatusOK || news == nil || len(news.Entries) != 1 || took > 5*time.Second {
				t.Errorf("%d %+v after %v", status, news, took)
			}
		})
	}
	b.waits(t, 5)
	b.answer(b.about("app", RevokePath, tok["JWT"]))
	all.Wait()
	b.waits(t, 0)

	l = b.page("")
	all.Go(func() {
		status, empty, took := wait(fmt.Sprintf("after=%s.%d", l.Epoch, l.Sequence), "wait=20")
		if status != http.StatusOK || empty == nil || len(empty.Entries) != 0 || took > 5*time.Second {
			t.Errorf("when the server leaves: %d %+v after %v", status, empty, took)
		}
	})
	b.waits(t, 1)
	b.Leave()
	all.Wait()
}

// waits returns when so many guards wait.
func (b *booth) waits(t *testing.T, n int) {
	t.Helper()
	want := fmt.Sprintf("tokenbooth_feed_waiting{tenant=\"acme\"} %d\n", n)
	for range 1000 {
		if _, text := b.metrics(nil, "/metrics"); strings.Contains(text, want) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("not %d guards wait", n)
}

func TestOnlySoManyGuardsMayWaitAndAReloadForgetsNone(t *testing.T) {
	b := openWithGuard(t)
	l := b.page("")
	place := fmt.Sprintf("after=%s.%d", l.Epoch, l.Sequence)
	end, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range maxWaiting {
		all.Go(func() { b.answer(b.follow(place, "Prefer", "wait=30").WithContext(end)) })
	}
	b.waits(t, maxWaiting)
	b.SetTenants(surface())
	w := b.answer(b.follow(place, "Prefer", "wait=30"))
	if w.Code != http.StatusOK || w.Body.Len() == 0 {
		t.Errorf("one guard too many is not told at once that nothing is new: %d %v", w.Code, w.Header())
	}
	if w := b.answer(b.follow(place)); w.Code != http.StatusOK {
		t.Errorf("who does not wait: %d", w.Code)
	}
	cancel()
	all.Wait()
	b.waits(t, 0)
}

func TestAPageThatCannotBeSignedIsAFaultThatSaysNothing(t *testing.T) {
	b := openWithGuard(t, func(o *Options) {
		o.Sign = func(string, string, []byte) ([]byte, error) { return nil, errors.New("inside") }
	})
	w := b.answer(b.follow(""))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "inside") || w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestALargeFeedComesInPages(t *testing.T) {
	b := openWithGuard(t)
	until := b.clock.now().Add(time.Hour)
	for k := range 100 {
		b.feed.Add(feed.Revocation{Tenant: "acme", Kind: revocation.Token, ID: fmt.Sprint(k), Until: until})
	}
	var set revocation.Set
	epoch, after := "", uint64(0)
	for {
		l := b.page(fmt.Sprintf("after=%s.%d", epoch, after))
		set.Add(b.clock.now(), l.Entries...)
		epoch, after = l.Epoch, l.Sequence
		if l.Sequence == l.Latest {
			break
		}
	}
	for k := range 100 {
		if !set.Has(revocation.NameOf(revocation.Token, fmt.Sprint(k))) {
			t.Errorf("entry %d is missing", k)
		}
	}
}

func TestPreferencesThatCannotBeReadAreIgnored(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"wait=2": 2 * time.Second, `wait="2"`: 2 * time.Second, "WAIT = 2": 2 * time.Second, "respond-async, wait=2": 2 * time.Second, "wait=2;x=y": 2 * time.Second,
		"wait=2, wait=9": 2 * time.Second, "wait=31": 30 * time.Second, "wait=65535": 30 * time.Second, "wait=0": 0,
		"": 0, "wait": 0, "wait=": 0, "wait=-1": 0, "wait=1.5": 0, "wait=99999999999999999999": 0, "waiting=2": 0, "x=wait=2": 0, "wait=+2": 0,
	} {
		if got := preferredWait(http.Header{"Prefer": {text}}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzPrefer(f *testing.F) {
	for _, s := range []string{"wait=2", `a;b=",",wait="3"`, "wait==", ",,,", "wait=2;"} {
		f.Add(s, `"a", W/"b"`)
	}
	f.Fuzz(func(t *testing.T, prefer, tags string) {
		if got := preferredWait(http.Header{"Prefer": {prefer, prefer}}); got < 0 || got > longestWait || got%time.Second != 0 {
			t.Fatalf("%q: %v", prefer, got)
		}
		if has(http.Header{"If-None-Match": {tags}}, "epoch.1") && !strings.Contains(tags, `"epoch.1"`) && !strings.Contains(tags, "*") {
			t.Fatalf("%q", tags)
		}
	})
}

func FuzzReadPlace(f *testing.F) {
	for _, after := range []string{"", "e.1", "e.1,f.2", "e.18446744073709551615", "e.+1", ".", ",", "e.1,e.2,e.3,e.4,e.5,e.6,e.7,e.8,e.9", "e", "e.1.2"} {
		f.Add(after)
	}
	f.Fuzz(func(t *testing.T, after string) {
		r := httptest.NewRequest("GET", "/?"+url.Values{"after": {after}}.Encode(), nil)
		at, refusal := readPlace(r, "e")
		switch {
		case refusal != nil && at != (place{}):
			t.Errorf("%q is refused, and read as %+v", after, at)
		case at != (place{}) && (at.epoch != "e" || !strings.Contains(after, "e."+strconv.FormatUint(at.after, 10)) && !strings.Contains(after, "e.0")):
			t.Errorf("%q is read as %+v", after, at)
		}
	})
}
