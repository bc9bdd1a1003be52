package e2e

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"
)

// person is somebody who signs in at a demo, from a program that names itself or does not.
type person struct {
	at       *booth
	name     string // NEXUDUS or NEXUDUS_TOTP
	clientID string // in the header client_id; empty: the program does not name itself
}

func (p person) ask(t *testing.T, pairs ...string) answer {
	t.Helper()
	headers := []string{"Accept: application/json"}
	if p.clientID != "" {
		headers = append(headers, "client_id: "+p.clientID)
	}
	return post(t, p.at.public+"/api/token", values(pairs...), headers...)
}

// signInWith asks with what else a form may have.
func (p person) signInWith(t *testing.T, pairs ...string) answer {
	t.Helper()
	return p.ask(t, append([]string{"grant_type", "password", "username", p.at.vars[p.name+"_USERNAME"], "password", p.at.vars[p.name+"_PASSWORD"]}, pairs...)...)
}

func (p person) signIn(t *testing.T) token {
	t.Helper()
	return nexudusTokens(t, p.signInWith(t).wantStatus(t, 200).body)
}

func (p person) refresh(t *testing.T, refresh string) answer {
	t.Helper()
	return p.ask(t, "grant_type", "refresh_token", "refresh_token", refresh)
}

const (
	wrongPassword = `{"error":"invalid_grant","error_description":"The user name or password is incorrect."}`
	badRefresh    = `{"error":"invalid_grant"}`
	badGrant      = `{"error":"unsupported_grant_type"}`
)

func (p person) me(t *testing.T, access string) answer {
	t.Helper()
	return call(t, "GET", p.at.public+"/api/auth/me", "", "Bearer: "+access)
}

func TestS5_APasswordBuysAPairAndARefreshTokenAnother(t *testing.T) {
	p := person{shared, "NEXUDUS", "S5-pair"}
	a := p.signInWith(t).wantStatus(t, 200)
	a.wantHeader(t, "Content-Type", "application/json;charset=UTF-8").wantHeader(t, "Pragma", "no-cache").wantHeader(t, "Expires", "-1")
	first := nexudusTokens(t, a.body)
	second := nexudusTokens(t, p.refresh(t, first.refresh).wantStatus(t, 200).body)
	if first.access == second.access || first.refresh == second.refresh {
		t.Errorf("refreshing gave the same again: %v", second)
	}
	p.me(t, first.access).wantStatus(t, 200) // refreshing does not touch access tokens
	p.me(t, second.access).wantStatus(t, 200)
}

func TestS5_TheClientIDStandsInAHeaderOrInTheFormOrIsTheEmail(t *testing.T) {
	email := shared.vars["NEXUDUS_USERNAME"]
	header, unnamed := person{shared, "NEXUDUS", "S5-named"}, person{shared, "NEXUDUS", ""}
	t.Run("header", func(t *testing.T) { header.refresh(t, header.signIn(t).refresh).wantStatus(t, 200) })
	t.Run("form", func(t *testing.T) {
		pair := nexudusTokens(t, unnamed.signInWith(t, "client_id", "S5-named").wantStatus(t, 200).body)
		unnamed.refresh(t, pair.refresh).wantStatus(t, 400) // it was not issued to a caller without a name
		header.refresh(t, pair.refresh).wantStatus(t, 200)  // the header means the same
	})
	t.Run("neither: the email", func(t *testing.T) {
		byEmail := person{shared, "NEXUDUS", email}
		pair := byEmail.refresh(t, unnamed.signIn(t).refresh).wantStatus(t, 200)
		unnamed.ask(t, "grant_type", "refresh_token", "client_id", email, "refresh_token", nexudusTokens(t, pair.body).refresh).wantStatus(t, 200)
	})
	t.Run("both, and different", func(t *testing.T) { header.signInWith(t, "client_id", "another").wantStatus(t, 400) })
}

func TestS5_OneRefreshTokenPerUserAndClientID(t *testing.T) {
	p, other := person{shared, "NEXUDUS", "S5-one"}, person{shared, "NEXUDUS", "S5-other"}
	untouched := other.signIn(t)
	first := p.signIn(t)
	second := p.signIn(t)
	p.refresh(t, first.refresh).want(t, 400, badRefresh)
	p.me(t, first.access).wantStatus(t, 200)
	p.refresh(t, second.refresh).wantStatus(t, 200)
	other.refresh(t, untouched.refresh).wantStatus(t, 200)
}

// Req 3: the client_id of the sign-in, or none.
func TestReq003_ARefreshTokenServesNoOtherClientID(t *testing.T) {
	p := person{shared, "NEXUDUS", "S5-mine"}
	pair := p.signIn(t)
	person{shared, "NEXUDUS", "S5-yours"}.refresh(t, pair.refresh).want(t, 400, badRefresh)
	p.refresh(t, pair.refresh).wantStatus(t, 200)
}

func TestS5_RefusalsAreThoseOfTheDocument(t *testing.T) {
	p := person{shared, "NEXUDUS", "S5-refused"}
	email, password := shared.vars["NEXUDUS_USERNAME"], shared.vars["NEXUDUS_PASSWORD"]
	for _, c := range []struct {
		name, want string
		pairs      []string
	}{
		{"a wrong password", wrongPassword, []string{"grant_type", "password", "username", email, "password", keepSecret("Demo1234 but wrong")}},
		{"nobody of that name", wrongPassword, []string{"grant_type", "password", "username", "nobody@example.com", "password", keepSecret("Demo1234 of nobody")}},
		{"a refresh token of nobody", badRefresh, []string{"grant_type", "refresh_token", "refresh_token", "2669808"}},
		{"no grant type", badGrant, []string{"username", email, "password", password}},
		{"another grant type", badGrant, []string{"grant_type", "client_credentials"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.ask(t, c.pairs...).want(t, 400, c.want).wantHeader(t, "Content-Type", "application/json;charset=UTF-8").wantHeader(t, "WWW-Authenticate", "")
		})
	}
	t.Run("JSON", func(t *testing.T) {
		body := `{"grant_type":"password","username":"` + email + `","password":"` + password + `"}`
		call(t, "POST", shared.public+"/api/token", body, "Content-Type: application/json").want(t, 400, badGrant)
	})
}

// The answer has every member of the document in the document's order. What speaks of the user is the token's user; the rest is the
// document's.
func TestS5_MeIsTheTokensUserInEveryMemberOfTheDocument(t *testing.T) {
	raw, err := os.ReadFile("testdata/nexudus-me.json")
	if err != nil {
		t.Fatal(err)
	}
	wantNames, want := members(t, string(raw))
	email := shared.vars["NEXUDUS_USERNAME"]
	want["Email"], want["UpdatedBy"], want["ToStringText"] = email, email, "John Doe - "+email
	access := person{shared, "NEXUDUS", "S5-me"}.signIn(t).access
	for _, header := range []string{"Bearer: " + access, "Authorization: Bearer " + access} {
		names, got := members(t, call(t, "GET", shared.public+"/api/auth/me", "", header).wantStatus(t, 200).body)
		if !slices.Equal(names, wantNames) {
			t.Errorf("the members are %q\nwant %q", names, wantNames)
		}
		want["Id"], want["UniqueId"] = got["Id"], got["UniqueId"]
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		if id, unique := got["Id"], got["UniqueId"].(string); id == 303914611.0 || len(unique) != 36 {
			t.Errorf("the user is the document's, not the demo's: %v, %v", id, unique)
		}
	}
}

func TestS5_MeIsRefusedWithoutABody(t *testing.T) {
	const realm = `Bearer realm="me"`
	call(t, "GET", shared.public+"/api/auth/me", "").want(t, 401, "").wantHeader(t, "WWW-Authenticate", realm)
	for _, header := range []string{"Bearer: v8hNJebN2", "Authorization: Bearer v8hNJebN2"} {
		call(t, "GET", shared.public+"/api/auth/me", "", header).want(t, 401, "").wantHeader(t, "WWW-Authenticate", realm+`, error="invalid_token"`)
	}
	access := person{shared, "NEXUDUS", "S5-twice"}.signIn(t).access
	call(t, "GET", shared.public+"/api/auth/me", "", "Bearer: "+access, "Authorization: Bearer "+access).wantStatus(t, 400)
}

func TestReq009_AnOpaqueTokenIsMatchedWhole(t *testing.T) {
	p := person{shared, "NEXUDUS", "S5-whole"}
	access := p.signIn(t).access
	for i := 0; i < len(access); i += 5 {
		swapped := []byte(access)
		if swapped[i]++; swapped[i] == 'z'+1 {
			swapped[i] = 'a'
		}
		if a := p.me(t, string(swapped)); a.status != 401 {
			t.Errorf("byte %d changed: %d", i, a.status)
		}
	}
	p.me(t, access[:len(access)-1]).wantStatus(t, 401)
	p.me(t, access+"0").wantStatus(t, 401)
	p.me(t, access).wantStatus(t, 200)
}

func TestReq002_ASpentRefreshTokenGivesTheSamePairForAWhileAndThenEndsTheChain(t *testing.T) {
	p := person{moved, "NEXUDUS", "S5-replay"}
	first := p.signIn(t)
	second := nexudusTokens(t, p.refresh(t, first.refresh).wantStatus(t, 200).body)

	moved.later(t, 20*time.Second) // the answer was lost on the way: asking again gives the same
	var again map[string]any
	if err := json.Unmarshal([]byte(p.refresh(t, first.refresh).wantStatus(t, 200).body), &again); err != nil {
		t.Fatal(err)
	}
	if again["access_token"] != second.access || again["refresh_token"] != second.refresh {
		t.Errorf("asking again gave another pair: %v", again)
	}
	if left := again["expires_in"].(float64); left < 604799-30 || left > 604799-20 {
		t.Errorf("20 seconds later it lives for %v", left)
	}

	moved.later(t, 11*time.Second) // outside the window somebody has a copy
	p.refresh(t, first.refresh).want(t, 400, badRefresh)
	p.refresh(t, second.refresh).want(t, 400, badRefresh)
	time.Sleep(1100 * time.Millisecond)
	for _, access := range []string{first.access, second.access} {
		p.me(t, access).wantStatus(t, 401)
	}
	p.me(t, p.signIn(t).access).wantStatus(t, 200)
}

func TestS5_ARefreshTokenLivesFifteenDaysAndAnAccessTokenSeven(t *testing.T) {
	p := person{moved, "NEXUDUS", "S5-life"}
	first := p.signIn(t)
	moved.later(t, 7*24*time.Hour-time.Minute)
	p.me(t, first.access).wantStatus(t, 200)
	moved.later(t, time.Minute)
	time.Sleep(1100 * time.Millisecond)
	p.me(t, first.access).wantStatus(t, 401)

	moved.later(t, 8*24*time.Hour-time.Minute)
	second := nexudusTokens(t, p.refresh(t, first.refresh).wantStatus(t, 200).body)
	p.me(t, second.access).wantStatus(t, 200)

	moved.later(t, 15*24*time.Hour+time.Second)
	p.refresh(t, second.refresh).want(t, 400, badRefresh)
	p.signIn(t)
}
