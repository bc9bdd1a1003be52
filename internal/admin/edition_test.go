package admin

import (
	"testing"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestASignInBetweenReadAndWriteOfAUserIsNoLostUpdate(t *testing.T) {
	w := open(t)
	const at = "/v1/tenants/acme/users/jane@example.com"
	w.wants(201, "editor", "POST", "/v1/tenants/acme/users", `{"username":"jane@example.com","password":"seven turnips in a bucket"}`)
	text := read[TOTPSecret](t, w.wants(200, "editor", "POST", at+"/totp", `{"enabled":true}`)).Secret
	seen := w.wants(200, "editor", "GET", at, "")
	u, err := w.registry.UserByName(t.Context(), "acme", "jane@example.com")
	w.must(err)
	code, err := totp.GenerateCode(text, w.clock())
	w.must(err)
	if ok, err := w.registry.UseTOTP(t.Context(), u, oauth.Secret(code)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	etag := seen.Header.Get("Etag")
	if now := w.wants(200, "editor", "GET", at, "").Header.Get("Etag"); now != etag {
		t.Errorf("the ETag is %s after a sign-in, %s before", now, etag)
	}
	w.wants(200, "editor", "PUT", at, `{"name":"Jane"}`, ifMatch, etag)
	w.wants(412, "editor", "PUT", at, `{"name":"Jill"}`, ifMatch, etag)
}
