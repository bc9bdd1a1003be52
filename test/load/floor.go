//go:build linux

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// serveFloor plays one of the servers that figures are compared with, or the API behind both gateways: the least that net/http can
// do the work with. Arguments are the role, the address, and what the role needs.
func serveFloor(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("a floor needs a role and an address, not %q", args)
	}
	role, addr, rest := args[0], args[1], args[2:]
	var h http.Handler
	var err error
	switch {
	case role == "jwt" && len(rest) == 2:
		h, err = newSigner(rest[0], rest[1])
	case role == "opaque" && len(rest) == 1:
		h, err = newDrawer(rest[0])
	case role == "gateway" && len(rest) == 1:
		h, err = newProxy(rest[0])
	case role == "row" && len(rest) == 2:
		h, err = newReader(rest[0], rest[1])
	case role == "api":
		h = http.HandlerFunc(answerAPI)
	default:
		err = fmt.Errorf("there is no role %q with %q", role, rest)
	}
	if err != nil {
		return err
	}
	return http.ListenAndServe(addr, h)
}

// signer answers a form with a Basic header with a JWT: the claims and the answer are as long as the product's.
type signer struct {
	key    *ecdsa.PrivateKey
	header string
	claims string // what follows the claims that change
	tail   string // of the answer
}

const answerStart = `{"token_type":"Bearer","access_token":"`

// newSigner makes a signer for claims and answers of given lengths.
func newSigner(claims, answer string) (*signer, error) {
	claimed, err1 := strconv.Atoi(claims)
	answered, err2 := strconv.Atoi(answer)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("lengths are numbers, not %q and %q", claims, answer)
	}
	s := &signer{header: base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"0123456789012345678901234567890123456789012"}`))}
	s.claims, s.tail = `,"rest":"`+strings.Repeat("x", claimed)+`"}`, strings.Repeat(" ", answered)+"}"
	var err error
	if s.key, err = ecdsa.GenerateKey(elliptic.P256(), nil); err != nil {
		return nil, err
	}
	text, err := s.sign("0123456789012345")
	if err != nil {
		return nil, err
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		return nil, err
	}
	s.claims = s.claims[:len(s.claims)-2-min(len(payload)-claimed, claimed)] + `"}`
	if text, err = s.sign("0123456789012345"); err != nil {
		return nil, err
	}
	s.tail = s.tail[:max(1, answered-len(answerStart)-len(text)-2)] + "}"
	return s, nil
}

// sign makes a JWT. The signature stays in DER: to spell it otherwise would be work that a floor need not do.
func (s *signer) sign(client string) (string, error) {
	var room [1024]byte
	now := time.Now().Unix()
	c := append(room[:0], `{"sub":"`...)
	c = append(append(c, client...), `","iat":`...)
	c = append(strconv.AppendInt(c, now, 10), `,"exp":`...)
	c = append(strconv.AppendInt(c, now+900, 10), s.claims...)
	var text [2048]byte
	out := append(append(text[:0], s.header...), '.')
	out = base64.RawURLEncoding.AppendEncode(out, c)
	hash := crypto.SHA256.New()
	hash.Write(out)
	sig, err := ecdsa.SignASN1(nil, s.key, hash.Sum(nil))
	return string(base64.RawURLEncoding.AppendEncode(append(out, '.'), sig)), err
}

func (s *signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, password, ok := r.BasicAuth()
	if err := r.ParseForm(); err != nil || !ok || password == "" || r.PostForm.Get("grant_type") != "client_credentials" {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	text, err := s.sign(id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, answerStart, text, s.tail)
}

// drawer answers JSON with random characters, which it does not keep.
type drawer struct{ tail string }

func newDrawer(answer string) (*drawer, error) {
	n, err := strconv.Atoi(answer)
	return &drawer{strings.Repeat(" ", max(1, n-len(answerStart)-36-2)) + "}"}, err
}

func (d *drawer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var given struct{ ClientID, Secret string }
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil || given.ClientID == "" || given.Secret == "" {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	a, b := rand.Uint64(), rand.Uint64()
	answer(w, answerStart, fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff), d.tail)
}

func answer(w http.ResponseWriter, start, token, tail string) {
	var room [2048]byte
	body := append(append(append(append(room[:0], start...), token...), '"'), tail...)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // a caller that went away cannot be told
}

// newProxy makes a reverse proxy that guards nothing.
func newProxy(upstream string) (http.Handler, error) {
	target, err := url.Parse("http://" + upstream)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}, nil
}

const apiAnswer = `[{"id":"#w1","uuid":"2c2b7b6c-8e3f-4c55-8a3c-3f7d3a8f5c11","name":"Restart","status":"ACTIVE","triggerMethods":["API"],"versions":[]}]`

func answerAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(apiAnswer)) // a caller that went away cannot be told
}
