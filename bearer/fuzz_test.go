package bearer_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzB11_Verify holds that no text makes the verifier panic, and that none is accepted whose signed part was not signed.
func FuzzB11_Verify(f *testing.F) {
	genuine := map[string]bool{}
	for alg := range keys() {
		token := mint(alg, nil)
		f.Add(token)
		genuine[token[:strings.LastIndexByte(token, '.')]] = true
	}
	f.Add("a.b.c")
	f.Add("")
	v, _ := verifier(f, nil)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := v.Verify(context.Background(), text); err == nil && !genuine[text[:strings.LastIndexByte(text, '.')]] {
			t.Fatalf("accepted %q", text)
		}
	})
}

// FuzzReq065_Claims holds that whatever is accepted means the same to the library's decoder, once names are unique and exact.
func FuzzReq065_Claims(f *testing.F) {
	k := keys()["EdDSA"]
	good := string(must(json.Marshal(claims(nil))))
	f.Add(good)
	f.Add(`{"aud":["a","` + audience + `"],` + good[1:])
	f.Add(`{"x":{"y":[1,2.5e3,null,true,"\ud83d\ude00"]},` + good[1:])
	v, _ := verifier(f, nil)
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := v.Verify(context.Background(), sign(k.private, header("EdDSA", nil), payload))
		if err != nil {
			return
		}
		var other map[string]any
		if err := json.Unmarshal([]byte(payload), &other); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		if other["sub"] != got.Subject || other["iss"] != got.Issuer || other["client_id"] != got.ClientID || other["jti"] != got.ID {
			t.Fatalf("%q read as %+v and as %v", payload, got, other)
		}
	})
}
