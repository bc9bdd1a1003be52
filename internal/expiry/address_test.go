package expiry

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// forms are addresses that no webhook may lead to, in every form that a resolver could answer with.
var (
	private = []string{"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "::1", "fc00::1", "fdff::1",
		"::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1"}
	never = []string{"0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16", "192.88.99.1", "::", "::127.0.0.1",
		"fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254", "2001:db8::1", "2001::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "100::1",
		"::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::169.254.169.254", "64:ff9b:1::a00:1", "::ffff:0:127.0.0.1", "4000::1"}
	public = []string{"1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "11.0.0.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"}
)

// TestReq102_NoWebhookLeadsIntoTheHouse (and B62): each address is judged in the form in which it would be dialled.
func TestReq102_NoWebhookLeadsIntoTheHouse(t *testing.T) {
	for _, allow := range []bool{false, true} {
		for _, group := range []struct {
			addrs []string
			may   bool
		}{{public, true}, {private, allow}, {never, false}} {
			for _, a := range group.addrs {
				dialled := net.JoinHostPort(a, "443")
				if err := control(allow)("tcp", dialled, nil); (err == nil) != group.may {
					t.Errorf("%s, private allowed %v: %v", dialled, allow, err)
				}
			}
		}
	}
	for _, odd := range []string{"", "127.0.0.1", "[fe80::1%eth0]:443", "[::1%lo]:443", "localhost:443"} {
		if control(true)("tcp", odd, nil) == nil {
			t.Errorf("%q is no address, and may be dialled", odd)
		}
	}
}

func FuzzAMappedAddressIsJudgedAsItself(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			return
		}
		v4 := netip.AddrFrom4([4]byte(b))
		plain, mapped := mayReach(v4, false), mayReach(netip.AddrFrom16(v4.As16()), false)
		translated := nat64.Addr().As16()
		copy(translated[12:], b)
		if behind := mayReach(netip.AddrFrom16(translated), false); (plain == nil) != (mapped == nil) || (plain == nil) != (behind == nil) {
			t.Errorf("%s: %v, mapped %v, translated %v", v4, plain, mapped, behind)
		}
		if (v4.IsPrivate() || v4.IsLoopback() || v4.IsLinkLocalUnicast() || v4.IsMulticast() || v4.IsUnspecified()) && plain == nil {
			t.Errorf("%s may be reached", v4)
		}
	})
}

// canary is a server on this machine that nobody may reach.
func canary(t *testing.T) (s *httptest.Server, touched *atomic.Int32) {
	touched = &atomic.Int32{}
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(net.Conn, http.ConnState) { touched.Add(1) }
	s.Start()
	t.Cleanup(s.Close)
	return s, touched
}

// zone answers questions for names: the addresses of each, one set after the other, the last for good.
type zone struct {
	t       *testing.T
	answers map[string][][]string
	asked   map[string]int
}

// resolver asks the zone over a pipe, as over TCP (RFC 1035, section 4.2.2).
func (z *zone) resolver() *net.Resolver {
	z.asked = map[string]int{}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go z.serve(far)
		return near, nil
	}}
}

func (z *zone) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	buf := make([]byte, 512)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if n == 2 { // the length came alone
			if n, err = c.Read(buf[2:]); err != nil {
				return
			}
			n += 2
		}
		reply := z.reply(buf[2:n])
		if _, err := c.Write(binary.BigEndian.AppendUint16(nil, uint16(len(reply)))); err != nil {
			return
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// reply answers one question: header, question, and an A record for each address where A is asked for.
func (z *zone) reply(q []byte) []byte {
	end, name := 12, ""
	for q[end] != 0 {
		name += string(q[end+1:end+1+int(q[end])]) + "."
		end += 1 + int(q[end])
	}
	kind := binary.BigEndian.Uint16(q[end+1:])
	var addrs []string
	if sets := z.answers[strings.TrimSuffix(name, ".")]; kind == 1 && len(sets) > 0 {
		addrs = sets[min(z.asked[name], len(sets)-1)]
		z.asked[name]++
	}
	reply := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, byte(len(addrs)), 0, 0, 0, 0}, q[12:end+5]...)
	for _, a := range addrs {
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, netip.MustParseAddr(a).AsSlice()...)
	}
	return reply
}

// TestB62_ANameThatChangesItsMeaningGainsNothing: it was public when somebody looked, and is ours when it is dialled.
func TestB62_ANameThatChangesItsMeaningGainsNothing(t *testing.T) {
	s, touched := canary(t)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{t: t, answers: map[string][][]string{
		"rebind.example": {{"8.8.8.8"}, {"127.0.0.1"}},
		"inside.example": {{"127.0.0.1"}},
		"many.example":   {{"10.0.0.1", "169.254.169.254", "127.0.0.1"}},
	}}
	r := z.resolver()
	first, err := r.LookupHost(t.Context(), "rebind.example")
	if err != nil || !slices.Equal(first, []string{"8.8.8.8"}) {
		t.Fatal(first, err)
	}
	for host := range z.answers {
		hook := Webhook{URL: "https://" + host + ":" + at.Port() + "/secret-path", Secret: "0123456789abcdef"}
		err := newSender(hook, reach{resolver: r}).post(t.Context(), time.Now(), []byte("{}"))
		if !errors.Is(err, errAddress) || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := touched.Load(); n != 0 {
		t.Errorf("the canary was touched %d times", n)
	}
}

// TestB62_NoSpellingOfAnAddressLeadsHome: whatever the resolver of the machine makes of it.
func TestB62_NoSpellingOfAnAddressLeadsHome(t *testing.T) {
	s, touched := canary(t)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "127.1", "0x7f.1", "0x7f000001", "2130706433",
		"017700000001", "127.0.0.1.", "LOCALHOST", "[64:ff9b::7f00:1]"} {
		for _, hook := range []Webhook{{URL: "https://" + host + ":" + at.Port() + "/"}, {URL: "http://" + host + ":" + at.Port() + "/"}} {
			if newSender(hook, reach{within: 2 * time.Second}).post(t.Context(), time.Now(), nil) == nil {
				t.Errorf("%s was reached", hook.URL)
			}
		}
	}
	if n := touched.Load(); n != 0 {
		t.Errorf("the canary was touched %d times", n)
	}
}
