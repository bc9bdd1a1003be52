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

const codeDue = `{"error":"two_factor_auth_check"}`

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

	moved.later(t, time.Minute)
	p.signInWith(t, "totp", code(t, moved, moved.now())).wantStatus(t, 200)
}

// Req 52, Req 112, Req 115, B23, B25: guesses at one account are counted together however its name is spelt, and made to wait before
// they are looked at, longer each time; whoever is known from elsewhere still gets in, and when the wait is over so does everybody.
func TestReq052_GuessingIsThrottledPerUserAndShutsOutNobodyForGood(t *testing.T) {
	p, elsewhere := person{moved, "NEXUDUS", "S5-guessed"}, from("127.0.0.2")
	p.signInFrom(t, elsewhere).wantStatus(t, 200)
	moved.later(t, 20*time.Minute) // whatever other tests guessed is forgotten
	for i := range 10 {
		p.guess(t, i).want(t, 400, wrongPassword)
	}
	waits := []int{p.mustWait(t)}
	for i := range 5 {
		moved.later(t, time.Duration(waits[i]+1)*time.Second)
		p.guess(t, 10+i).want(t, 400, wrongPassword)
		waits = append(waits, p.mustWait(t))
	}
	if !slices.IsSorted(waits) || waits[5] < 8*waits[0] {
		t.Errorf("the waits are %v", waits)
	}

	p.signInWith(t).want(t, 409, "") // a right one is not looked at either
	p.signInFrom(t, elsewhere).wantStatus(t, 200)
	other := person{moved, "NEXUDUS_TOTP", "S5-guessed"}
	other.signInWith(t).want(t, 400, codeDue) // the password of another user is looked at
	moved.later(t, time.Duration(waits[5]+1)*time.Second)
	p.signIn(t)
}

// guess is a wrong password for the user, whose name is spelt in one of several ways.
func (p person) guess(t *testing.T, i int) answer {
	t.Helper()
	name := p.at.vars[p.name+"_USERNAME"]
	spellings := []string{name, strings.ToUpper(name), " " + name + " ", strings.ToUpper(name[:1]) + name[1:]}
	return p.ask(t, "grant_type", "password", "username", spellings[i%len(spellings)], "password", keepSecret("Demo1234 guess "+strconv.Itoa(i)))
}

// mustWait makes a guess that is not looked at, and returns the seconds to wait. 409 is this vendor's word for too many requests.
func (p person) mustWait(t *testing.T) int {
	t.Helper()
	a := p.guess(t, 0).want(t, 409, "")
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || wait < 1 {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	return wait
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
