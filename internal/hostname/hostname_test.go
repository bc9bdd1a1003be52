package hostname

import (
	"strings"
	"testing"
)

func TestAHostHasOneSpelling(t *testing.T) {
	long := strings.Repeat("a.", 126) + "b"
	for host, want := range map[string]string{
		"Login.Acme.Test": "login.acme.test", "login.acme.test:8443": "login.acme.test", "login.acme.test.": "login.acme.test", "a.test.:443": "a.test",
		"a.test:": "a.test", "127.0.0.1:80": "127.0.0.1", "[::1]": "::1", "[0:0:0:0:0:0:0:1]:80": "::1", "[2001:DB8::1]": "2001:db8::1", long: long,
		"a_b.test": "a_b.test",
		"":         "", ":80": "", ".": "", "a.test..": "a.test.", "::1": "", "2001:db8::1:443": "", "[::1": "", "::1]": "", "[a.test]": "", "[127.0.0.1]": "", "[fe80::1%eth0]": "",
		"a.test:https": "", "a.test@evil.test": "", "evil.test#a.test": "", "a.test,b.test": "", " a.test": "", "a/b": "", "ä.test": "", "a%2etest": "",
		long + "cd": "", "a\x00": "", "[::1]x": "", "[::1]:80:80": "",
	} {
		got, ok := Of(host)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", host, got, ok, want)
		}
	}
	for host, want := range map[string]string{"::1": "::1", "2001:DB8:0::1": "2001:db8::1", "[::1]": "::1", "A.test.": "a.test", "a.test:80": "", "fe80::1%eth0": "", "": ""} {
		if got, ok := Canonical(host); got != want || ok != (want != "") {
			t.Errorf("%q in settings is %q, %v; want %q", host, got, ok, want)
		}
	}
}

// FuzzWhatARequestAndSettingsSayAreTheSameHost holds that a name which was read is read as itself, with a port too.
func FuzzWhatARequestAndSettingsSayAreTheSameHost(f *testing.F) {
	for _, s := range []string{"A.test:80", "[::1]:443", "127.0.0.1", "", "[", "]:", "a..", "::ffff:1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name, ok := Of(host)
		if ok != (name != "") {
			t.Fatalf("%q: %q, %v", host, name, ok)
		}
		if !ok {
			return
		}
		authority := name
		if strings.Contains(name, ":") {
			authority = "[" + name + "]"
		}
		if again, _ := Canonical(name); again != strings.TrimSuffix(name, ".") {
			t.Fatalf("%q is %q, which settings read as %q", host, name, again)
		}
		if again, _ := Of(authority + ":443"); again != strings.TrimSuffix(name, ".") {
			t.Fatalf("%q is %q, which with a port is %q", host, name, again)
		}
	})
}
