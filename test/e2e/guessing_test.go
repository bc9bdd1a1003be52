package e2e

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

const (
	codeDue = `{"error":"two_factor_auth_check"}`
	minute  = time.Minute
)

// code is the one-time code of the demo's second user at a time.
func code(t *testing.T, b *booth, at time.Time) string {
	t.Helper()
	c, err := totp.GenerateCode(b.vars["NEXUDUS_TOTP_SECRET"], at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wrongCode is a code that no clock within some minutes would show.
func wrongCode(t *testing.T, b *booth) string {
	t.Helper()
	var right []string
	for step := -10; step <= 10; step++ {
		right = append(right, code(t, b, b.now().Add(time.Duration(step)*30*time.Second)))
	}
	for _, c := range []string{"000000", "111111", "222222", "333333"} {
		if !slices.Contains(right, c) {
			return c
		}
	}
	t.Fatal("four codes at once are right")
	return ""
}

func TestS5_AUserWithOneTimeCodesNeedsOneThatIsRightAndNew(t *testing.T) {
	p := person{moved, "NEXUDUS_TOTP", "S5-code"}
	p.signInWith(t).want(t, 400, codeDue)
	p.signInWith(t, "totp", "").want(t, 400, codeDue) // the portal always sends the field
	p.signInWith(t, "totp", wrongCode(t, moved)).want(t, 400, wrongPassword)
	wrong := []string{"grant_type", "password", "username", moved.vars["NEXUDUS_TOTP_USERNAME"], "password", keepSecret("Demo1234 and no code")}
	p.ask(t, wrong...).want(t, 400, wrongPassword) // whether there are codes is for those who know the password

	now := moved.now()
	pair := nexudusTokens(t, p.signInWith(t, "totp", code(t, moved, now)).wantStatus(t, 200).body)
	p.signInWith(t, "totp", code(t, moved, now)).want(t, 400, wrongPassword)                      // replayed
	p.signInWith(t, "totp", code(t, moved, now.Add(-30*time.Second))).want(t, 400, wrongPassword) // older than the last
	_, me := members(t, p.me(t, pair.access).wantStatus(t, 200).body)
	if me["Email"] != moved.vars["NEXUDUS_TOTP_USERNAME"] || me["FullName"] != "Jane Roe" {
		t.Errorf("the token is that of %v, %v", me["FullName"], me["Email"])
	}
	p.refresh(t, pair.refresh).wantStatus(t, 200) // refreshing needs none

	moved.later(t, minute)
	p.signInWith(t, "totp", code(t, moved, moved.now())).wantStatus(t, 200)
}

// Req 52, Req 112, Req 115, B23, B25: guesses at one account are counted together however its name is spelt, and throttled before they
// are checked; whoever is known from elsewhere still gets in, and when the wait is over so does everybody.
func TestReq052_GuessingIsThrottledPerUserAndShutsOutNobodyForGood(t *testing.T) {
	p := person{moved, "NEXUDUS", "S5-guessed"}
	elsewhere := from("127.0.0.2")
	if got := p.signInFrom(t, elsewhere); got.status != 200 {
		t.Fatalf("from elsewhere: %d %s", got.status, got.body)
	}
	moved.later(t, 20*minute) // whatever other tests guessed is forgotten
	name := moved.vars["NEXUDUS_USERNAME"]
	spellings := []string{name, strings.ToUpper(name), " " + name + " ", "Demoaccount@Example.com", name}
	throttled, wait := 0, 0
	for i := range 16 {
		a := p.ask(t, "grant_type", "password", "username", spellings[i%len(spellings)], "password", keepSecret("Demo1234 guess "+strconv.Itoa(i)))
		switch {
		case a.status == http.StatusConflict: // this vendor's word for too many requests
			throttled++
			a.want(t, 409, "")
			var err error
			if wait, err = strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 {
				t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
			}
		case i < 10:
			a.want(t, 400, wrongPassword)
		default:
			t.Errorf("guess %d was looked at", i+1)
		}
	}
	if throttled != 6 {
		t.Errorf("%d of 16 guesses were throttled", throttled)
	}
	p.signInWith(t).want(t, 409, "") // a right one is not looked at either
	if got := p.signInFrom(t, elsewhere); got.status != 200 {
		t.Errorf("from where the user is known: %d %s", got.status, got.body)
	}
	other := person{moved, "NEXUDUS_TOTP", "S5-guessed"}
	other.signInWith(t).want(t, 400, codeDue) // the password of another user was looked at
	moved.later(t, time.Duration(wait+1)*time.Second)
	p.signIn(t)
}

// from is a caller at another address of this machine.
func from(address string) *http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Timeout: callTime, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return d.DialContext(ctx, network, addr)
		}}}
}

func (p person) signInFrom(t *testing.T, caller *http.Client) answer {
	t.Helper()
	body := values("grant_type", "password", "username", p.at.vars[p.name+"_USERNAME"], "password", p.at.vars[p.name+"_PASSWORD"])
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.at.public+"/api/token", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	setHeaders(req, []string{"Content-Type: " + form, "client_id: " + p.clientID})
	res, err := caller.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	a := whole(t, res, "/api/token")
	if a.status == http.StatusOK {
		nexudusTokens(t, a.body)
	}
	return a
}
