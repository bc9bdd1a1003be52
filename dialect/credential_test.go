package dialect

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq062_CredentialsAndGrantsInTheQueryAreRefused(t *testing.T) {
	names := []string{"client_id", "client_secret", "username", "password", "totp", "refresh_token", "scope", "access_token",
		"client_assertion", "Client_Secret", "PASSWORD", "client%5Fsecret", "client_secret"}
	for _, c := range good {
		for _, name := range names {
			refusedWith(t, c.query(name+"=canary"), oauth.InvalidRequest)
		}
		if c.dialect == "dadi" {
			refusedWith(t, c.query("secret=canary"), oauth.InvalidRequest)
			refusedWith(t, c.query("clientid=canary"), oauth.InvalidRequest)
		}
		if c.endpoint().Path != "/api/v1/token" { // the one whose contract puts the grant there
			refusedWith(t, c.query("grant_type=client_credentials"), oauth.InvalidRequest)
		}
		refusedWith(t, c.query("x=%zz"), oauth.InvalidRequest)
		if req := taken(t, c.query("x=1&path=2&status=3")); req.Client.ID == "" {
			t.Errorf("%s: an unknown parameter in the query is not ignored", c.name)
		}
	}
}

func TestB30_WhatIsNotAStringIsNoCredential(t *testing.T) {
	for _, c := range good {
		if !c.isJSON() {
			continue
		}
		for _, value := range []string{"null", "true", "false", "0", "1.5", "[]", `["highly-secret"]`, "{}", `{"$ne":null}`, `{"$gt":""}`, `"\u0000not a string"`} {
			refusedWith(t, c.replace(strings.Replace(c.body, `"highly-secret"`, value, 1)), oauth.InvalidClient)
			refusedWith(t, c.replace(strings.Replace(c.body, `"cid"`, value, 1)), oauth.InvalidClient)
			if strings.Contains(c.body, "grant_type") {
				refusedWith(t, c.replace(strings.Replace(c.body, `"client_credentials"`, value, 1)), oauth.InvalidRequest)
				refusedWith(t, c.replace(`{"scope":`+value+","+c.body[1:]), oauth.InvalidRequest)
			}
		}
	}
}

func TestReq066_ABodylessRequestFromAPageIsRefused(t *testing.T) {
	for _, c := range good {
		if c.body != "" {
			taken(t, c.with("Origin: https://evil.example", "Sec-Fetch-Site: cross-site")) // a page cannot know what the body needs
			continue
		}
		for _, h := range []string{"Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: canary"} {
			refusedWith(t, c.with(h), oauth.CrossOrigin)
		}
		taken(t, c.with("Sec-Fetch-Site: none"))
		if bare := !strings.Contains(c.target, "?"); taken(t, c).Bodyless != bare {
			t.Errorf("%s: Bodyless is %v", c.name, !bare)
		}
	}
}

func TestReq067_BasicIsStrict(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	for _, c := range good {
		if !slices.Contains(c.header, basicHi) {
			continue
		}
		bare := c.without("Authorization")
		for _, value := range []string{
			"Basic", "Basic ", "Basic \tY2lkOmhpZ2hseS1zZWNyZXQ=", "Basic\tY2lkOmhpZ2hseS1zZWNyZXQ=", "Basic Y2lkOmhpZ2hseS1zZWNyZXQ", "Basic Y2lkOmhpZ2hseS1zZWNyZXR=", // not canonical
			"Basic Y2lkOmhpZ2hseS1zZWNyZXQ==", "Basic Y2lkOmhpZ2hseS1zZWNyZXQ= x", "Basic Y2lk OmhpZ2hseS1zZWNyZXQ=", "Basic Y2lkOmhpZ2hseS1zZWNyZXQ=,", "Basic ====", "Basic cid:canary",
			"Basic " + base64.URLEncoding.EncodeToString([]byte("cid:\xff\xfe?>canary")), "Basic " + encode([]byte("cid")), "Basic " + encode([]byte(":canary")), "Basic " + encode([]byte(":")),
			"Basic " + encode([]byte("cid:a\x00b")), "Basic " + encode([]byte("c\nid:x")), "Basic " + encode([]byte("cid:x\x7f")), "Basic " + encode([]byte("cid:\xff")),
			"Basic " + encode([]byte(strings.Repeat("i", 257)+":x")), "Basic " + encode([]byte("cid:"+strings.Repeat("x", 5000))), "Basic " + encode([]byte("cid:"+strings.Repeat("x", 50000))),
		} {
			if strings.HasPrefix(value, "Basic\t") || value == "Basic" {
				continue // seen as another scheme below
			}
			refusedWith(t, bare.with("Authorization: "+value), oauth.InvalidClient)
		}
		for _, value := range []string{"Bearer canary", "Digest username=cid", "Basic\tY2lkOmhpZ2hseS1zZWNyZXQ=", "", "Basi Y2lkOmhpZ2hseS1zZWNyZXQ="} {
			refusedWith(t, bare.with("Authorization: "+value), oauth.MissingCredentials)
		}
		refusedWith(t, bare.with("Authorization: Basic "+encode([]byte("cid:"))), oauth.MissingCredentials) // empty counts as absent (72)
		refusedWith(t, c.with(basicHi), oauth.InvalidRequest)
		for _, scheme := range []string{"basic", "BASIC", "bAsIc"} {
			taken(t, bare.with("Authorization: "+scheme+" Y2lkOmhpZ2hseS1zZWNyZXQ="))
		}
	}
	// What net/http would never let through is refused as well.
	r := good[0].request(t)
	r.Header["Authorization"] = []string{"Basic Y2lkOmhpZ2hs\r\neS1zZWNyZXQ="}
	if _, refusal := good[0].endpoint().Decode(r); refusal == nil || refusal.Code != oauth.InvalidClient {
		t.Errorf("base64 with a line end in it is taken: %v", refusal)
	}
}

// The raw reading comes first, as most callers write it; the form-decoded one of RFC 6749 beside it where the two differ.
func TestReq067_BasicIsReadRawAndFormDecodedOnce(t *testing.T) {
	for _, c := range good {
		if !slices.Contains(c.header, basicHi) {
			continue
		}
		bare := c.without("Authorization")
		for plain, want := range map[string]string{
			"cid:a:b:c":         "client_id=cid client_secret=a:b:c",
			"cid:a%3Ab":         "client_id=cid client_secret=a%3Ab or client_id=cid client_secret=a:b",
			"cid:a%253Ab":       "client_id=cid client_secret=a%253Ab or client_id=cid client_secret=a%3Ab", // once
			"cid:a+b":           `client_id=cid client_secret=a+b or client_id=cid client_secret="a b"`,
			"cid:100%":          "client_id=cid client_secret=100%",
			"cid:a%00b":         "client_id=cid client_secret=a%00b",
			"c%69d:%ff":         "client_id=c%69d client_secret=%ff",
			"%3A:x":             "client_id=%3A client_secret=x or client_id=: client_secret=x",
			"cid:pässword":      "client_id=cid client_secret=pässword",
			"cid:s%3Aec%25t%2B": "client_id=cid client_secret=s%3Aec%25t%2B or client_id=cid client_secret=s:ec%t+",
		} {
			got := understood(taken(t, bare.with("Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(plain)))))
			if !strings.Contains(got, want) || !strings.Contains(want, " or ") && strings.Contains(got, " or ") {
				t.Errorf("%s: %s is understood as %s, want %s", c.name, plain, got, want)
			}
		}
	}
}

func TestReq019_TwoWaysOfAuthenticatingAreRefused(t *testing.T) {
	for _, c := range good {
		if c.dialect == "dadi" || c.dialect == "nexudus" {
			continue // they know one way
		}
		if c.isForm() && slices.Contains(c.header, basicHi) {
			for _, more := range []string{"&client_id=cid&client_secret=highly-secret", "&client_secret=canary", "&client_id=other", "&client_id=cid&client_assertion=canary",
				"&client_id=CID", "&client_id=cid%20", "&client_assertion=canary"} {
				refusedWith(t, c.add(more), oauth.InvalidRequest)
			}
			taken(t, c.add("&client_secret=&client_id=&client_assertion=")) // empty counts as absent (72)
			refusedWith(t, c.without("Authorization").add("&client_assertion=canary"), oauth.MissingCredentials)
		}
		if c.isForm() && strings.Contains(c.body, "client_secret=") {
			refusedWith(t, c.with(basicHi), oauth.InvalidRequest)
			refusedWith(t, c.add("&client_assertion=canary"), oauth.InvalidRequest)
		}
		if c.isJSON() {
			refusedWith(t, c.with(basicHi), oauth.InvalidRequest)
		}
	}
}

func TestReq020_AValueInTwoPlacesIsRefused(t *testing.T) {
	for _, c := range good {
		if c.dialect == "nexudus" {
			refusedWith(t, c.add("&client_id=other"), oauth.InvalidRequest)
			refusedWith(t, c.with("client_id: kiosk"), oauth.InvalidRequest) // one header, twice
			refusedWith(t, c.with("Client_ID: canary"), oauth.InvalidRequest)
			taken(t, c.without("client_id").with("client_id:").add("&client_id=kiosk"))
		}
	}
}
