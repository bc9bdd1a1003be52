package operator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// What an authenticator says beside its signature (Web Authentication, section 6.1).
const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

// authenticator is a software authenticator with one key on ES256 and no attestation, and the browser in front of it.
type authenticator struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte
	count  uint32
	steps  uint32 // how far the counter goes each time; 0: it has none
	flags  byte
	origin string
	rpID   string // "": what it is asked for
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	a := &authenticator{t: t, id: make([]byte, 32), steps: 1, flags: present | verified, origin: consoleURL}
	a.key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	rand.Read(a.id)
	return a
}

// asked is what a browser reads of the options for either ceremony.
type asked struct {
	PublicKey struct {
		Challenge string
		RPID      string `json:"rpId"`
		RP        struct{ ID string }
		User      struct{ ID string }
		Exclude   []struct{ ID string } `json:"excludeCredentials"`
		Allow     []struct{ ID string } `json:"allowCredentials"`
		UV        string                `json:"userVerification"`
		Selection struct {
			UV          string `json:"userVerification"`
			ResidentKey string
		} `json:"authenticatorSelection"`
	}
}

func (a *authenticator) read(options []byte) (o asked) {
	a.t.Helper()
	if err := json.Unmarshal(options, &o); err != nil {
		a.t.Fatal(err)
	}
	return o
}

var b64 = base64.RawURLEncoding.EncodeToString

func (a *authenticator) client(kind, challenge string) []byte {
	return encode(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
}

// says spells authenticator data.
func (a *authenticator) says(rpID string, flags byte, more ...byte) []byte {
	if a.rpID != "" {
		rpID = a.rpID
	}
	a.count += a.steps
	hash := sha256.Sum256([]byte(rpID))
	data := append(hash[:], a.flags|flags)
	return append(binary.BigEndian.AppendUint32(data, a.count), more...)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(options []byte) []byte {
	a.t.Helper()
	o := a.read(options)
	if o.PublicKey.Selection.UV != "required" || o.PublicKey.Selection.ResidentKey != "required" {
		a.t.Errorf("the options ask for %+v", o.PublicKey.Selection)
	}
	a.handle = must(base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID))(a.t)
	point := must(a.key.PublicKey.Bytes())(a.t)
	cose := must(cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}))(a.t)
	more := binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(a.id)))
	data := a.says(o.PublicKey.RP.ID, attested, append(append(more, a.id...), cose...)...)
	object := must(cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}))(a.t)
	return encode(map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(a.client("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64(object),
			"transports": []string{"internal"}}})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options []byte) []byte {
	a.t.Helper()
	o := a.read(options)
	if o.PublicKey.UV != "required" {
		a.t.Errorf("the options ask for user verification %q", o.PublicKey.UV)
	}
	return a.sign(o.PublicKey.RPID, o.PublicKey.Challenge)
}

func (a *authenticator) sign(rpID, challenge string) []byte {
	a.t.Helper()
	client, data := a.client("webauthn.get", challenge), a.says(rpID, 0)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature := must(ecdsa.SignASN1(rand.Reader, a.key, digest[:]))(a.t)
	return encode(map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature),
			"userHandle": b64(a.handle)}})
}
