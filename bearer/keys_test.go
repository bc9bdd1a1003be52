package bearer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/revocation"
)

func TestKeysAreRotatedWithoutARequestThatFails(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	stop := make(chan struct{})
	var calls sync.WaitGroup
	var failed, passed atomic.Int64
	for range 4 {
		calls.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := v.Verify(context.Background(), b.mint(nil)); err != nil {
					failed.Add(1)
					t.Error(err)
					return
				}
				passed.Add(1)
			}
		})
	}
	for range 5 { // even when a key signs the moment it is published
		b.clock.move(11 * time.Second)
		kid := b.publish()
		b.mu.Lock()
		b.active = kid
		b.mu.Unlock()
		time.Sleep(30 * time.Millisecond)
	}
	close(stop)
	calls.Wait()
	if passed.Load() == 0 || b.count(keysPath) > 7 {
		t.Errorf("%d passed, %d failed, the keys were read %d times", passed.Load(), failed.Load(), b.count(keysPath))
	}
}

func TestAnEmergencyWithdrawalReachesTheGuardWithinASecond(t *testing.T) {
	b := newBooth(t)
	i, v := b.guard(t, nil)
	old, unseen := b.mint(nil), b.mint(object{"jti": "unseen"})
	accepts(t, v, old)
	next := b.publish() // published but not known to the guard
	b.mu.Lock()
	b.active = next
	b.mu.Unlock()
	began := time.Now()
	b.take(revocation.Key, "key-1", time.Time{})
	eventually(t, "refused", func() bool { return isRefused(t, v, old) })
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
	eventually(t, "told why", func() bool { return i.State().Revocations == 1 }) // the key set may have said it first
	for _, token := range []string{old, unseen, b.sign("key-1", "at+jwt", claims(nil))} {
		if reason := refuses(t, v, token); !strings.Contains(reason, "withdrawn") {
			t.Error(reason)
		}
	}
	accepts(t, v, b.mint(nil))
	eventually(t, "without the withdrawn key", func() bool { return i.State().Keys == 1 })

	// Whoever stole the key can sign pages as well: not one of them is read.
	seq := i.State().Sequence
	b.answerInstead(feedPath, func(w http.ResponseWriter, r *http.Request) {
		l := b.list("", 0)
		l.Epoch, l.Entries, l.Sequence, l.Latest = "stolen", nil, 0, 0
		_, _ = fmt.Fprint(w, b.signed("key-1", revocation.Type, l))
	})
	eventually(t, "refused", func() bool { return strings.Contains(i.State().LastError, "withdrawn") })
	if s := i.State(); s.Epoch == "stolen" || s.Sequence != seq {
		t.Errorf("%+v", s)
	}
	refuses(t, v, old)
}

func TestReq102_AFloodOfUnknownKeysReadsTheKeySetOnceInTenSeconds(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	forged := sign(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), header("ES256", object{"kid": "nobody"}), claims(object{"iss": b.URL}))
	flood := func() {
		var calls sync.WaitGroup
		for n := range 200 {
			calls.Go(func() {
				isRefused(t, v, strings.Replace(forged, ".", fmt.Sprintf("%d.", n), 1))
				isRefused(t, v, forged)
			})
		}
		calls.Wait()
		refuses(t, v, forged)
	}
	flood()
	if n := b.count(keysPath); n > 1 {
		t.Errorf("read %d times within ten seconds of the start", n)
	}
	for n := range 5 {
		b.clock.move(10*time.Second + 1)
		before := b.count(keysPath)
		flood()
		if read := b.count(keysPath) - before; read > 1 {
			t.Errorf("round %d: read %d times", n, read)
		}
	}
	b.away.Store(true)
	b.clock.move(time.Minute)
	faults(t, v, forged) // it may be a good key that we cannot learn of
	faults(t, v, forged)
}

func TestKeysAreKeptWhenTheIssuerPublishesNonsense(t *testing.T) {
	b := newBooth(t)
	good := func() string { b.mu.Lock(); defer b.mu.Unlock(); return string(must(json.Marshal(b.keys["key-1"]))) }()
	second := strings.Replace(good, "key-1", "key-2", 1)
	i, v := b.guard(t, nil)
	token := b.mint(nil)
	unknown := b.sign("key-1", "at+jwt", claims(object{"iss": b.URL}))
	unknown = segment(header("ES256", object{"kid": "key-9"})) + unknown[strings.IndexByte(unknown, '.'):]
	for name, body := range map[string]string{
		"nothing":               ``,
		"not JSON":              `<html>`,
		"no keys":               `{}`,
		"an empty set":          `{"keys":[]}`,
		"keys twice":            `{"keys":[` + good + `],"keys":[` + good + `]}`,
		"a name twice":          `{"keys":[` + good + `,` + good + `]}`,
		"a member twice":        `{"keys":[{"kid":"a",` + good[1:] + `]}`,
		"a member of a type":    `{"keys":[` + strings.Replace(good, `"P-256"`, `256`, 1) + `]}`,
		"something after":       `{"keys":[` + good + `]}{}`,
		"too many keys":         `{"keys":[` + strings.Repeat(second+",", 64) + good + `]}`,
		"a private key":         `{"keys":[{"d":"AA",` + good[1:] + `]}`,
		"a key for encryption":  `{"keys":[` + strings.Replace(good, `"sig"`, `"enc"`, 1) + `]}`,
		"a key of no name":      `{"keys":[` + strings.Replace(good, `"key-1"`, `""`, 1) + `]}`,
		"another algorithm":     `{"keys":[` + strings.Replace(good, `"ES256"`, `"ES384"`, 1) + `]}`,
		"no algorithm at all":   `{"keys":[` + strings.Replace(good, `"ES256"`, `"none"`, 1) + `]}`,
		"a point off the curve": `{"keys":[` + strings.Replace(good, `"x":"`, `"x":"AA`, 1) + `]}`,
		"a secret key":          `{"keys":[{"kty":"oct","k":"AAAA","kid":"key-9","alg":"HS256"}]}`,
		"a short RSA key":       `{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 100) + `","e":"AQAB","kid":"key-9"}]}`,
		"an RSA exponent of 1":  `{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 400) + `","e":"AQ","kid":"key-9"}]}`,
		"a huge RSA key":        `{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 4000) + `","e":"AQAB","kid":"key-9"}]}`,
		"a small-order point":   `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"key-9"}]}`,
	} {
		b.answerInstead(keysPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
		b.clock.move(11 * time.Second)
		faults(t, v, unknown)
		accepts(t, v, token)
		if s := i.State(); s.Keys != 1 || s.LastError == "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestReq010_KeysOfEveryKindAreReadAndUsed(t *testing.T) {
	b := newBooth(t)
	for alg, k := range keys() {
		b.mu.Lock()
		b.private["kid-"+alg] = k.private
		b.keys["kid-"+alg] = publicJWK(k)
		b.mu.Unlock()
	}
	_, v := b.guard(t, nil)
	for alg, k := range keys() {
		accepts(t, v, sign(k.private, header(alg, nil), claims(object{"iss": b.URL, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})))
		for other := range keys() {
			if other != alg {
				refuses(t, v, sign(k.private, header(other, nil), claims(object{"iss": b.URL})))
			}
		}
	}
}

func TestReq013_MetadataOfAnotherIssuerOrThatLeadElsewhereAreRefused(t *testing.T) {
	for name, change := range map[string]object{
		"no issuer":                     {"issuer": nil},
		"another issuer":                {"issuer": "https://evil.example"},
		"a slash at the end":            {"issuer": "URL/"},
		"keys elsewhere":                {"jwks_uri": "http://127.0.0.2:1/keys"},
		"keys at another port":          {"jwks_uri": "http://127.0.0.1:1/keys"},
		"keys over another scheme":      {"jwks_uri": "https" + strings.TrimPrefix("URL", "http")},
		"keys of a host that begins so": {"jwks_uri": "URL.evil.example/keys"},
		"keys with a user":              {"jwks_uri": "http://user@HOST/keys"},
		"keys by a path":                {"jwks_uri": "/keys"},
		"keys at no place":              {"jwks_uri": nil},
		"keys as a list":                {"jwks_uri": []string{"URL/keys"}},
		"look-ups elsewhere":            {"introspection_endpoint": "https://evil.example/introspect"},
		"revocations elsewhere":         {"revocation_feed": "https://evil.example/feed"},
		"not a text":                    {"revocation_feed": true},
	} {
		b := newBooth(t)
		doc := object{"issuer": b.URL, "jwks_uri": b.URL + keysPath, "introspection_endpoint": b.URL + lookUpPath, "revocation_feed": b.URL + feedPath}
		for m, to := range change {
			if s, ok := to.(string); ok {
				to = strings.NewReplacer("URL", b.URL, "HOST", strings.TrimPrefix(b.URL, "http://")).Replace(s)
			}
			doc[m] = to
			if to == nil {
				delete(doc, m)
			}
		}
		b.answerInstead(metadataPath, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, doc) })
		i := b.follow(t, nil)
		v := must(i.Verifier(audience))
		eventually(t, "refused: "+name, func() bool { return i.State().LastError != "" })
		faults(t, v, b.mint(nil))
		faults(t, v, b.issue(nil))
		if s := i.State(); s.Ready || s.Keys != 0 || b.count(keysPath)+b.count(feedPath)+b.count(lookUpPath) != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestReq013_AnIssuerWithAPathHasItsMetadataBesideIt(t *testing.T) {
	b := newBooth(t)
	iss := b.URL + "/tenants/acme"
	b.answerInstead(metadataPath+"/tenants/acme", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, object{"issuer": iss, "jwks_uri": b.URL + keysPath})
	})
	i := b.follow(t, func(r *bearer.Remote) { r.Issuer, r.ClientID, r.ClientSecret, r.IgnoreRevocations = iss, "", "", true })
	v := must(i.Verifier(audience))
	accepts(t, v, b.mint(object{"iss": iss}))
	refuses(t, v, b.mint(nil))
}

func TestAnIssuerWithoutAFeedIsSaidToHaveNone(t *testing.T) {
	b := newBooth(t)
	b.answerInstead(metadataPath, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, object{"issuer": b.URL, "jwks_uri": b.URL + keysPath})
	})
	i := b.follow(t, func(r *bearer.Remote) { *r = bearer.Hasty(*r) })
	v := must(i.Verifier(audience))
	if text := faults(t, v, b.mint(nil)); !strings.Contains(text, "name no revocation_feed") {
		t.Error(text)
	}
	if s := i.State(); s.Ready || !s.Denied || s.Stale != 0 {
		t.Errorf("%+v", s)
	}
	faults(t, v, b.issue(nil))
}
