package local

import "testing"

func TestOnlyNamesThatCannotMeanAnotherMachineAreThisOne(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "localhost.": true, "acme.localhost": true, "a.b.Localhost.": true,
		"127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, ".": false, "localhost.example.com": false, "notlocalhost": false, "127.0.0.1.example.com": false, "localhost..": false,
		"0.0.0.0": false, "::": false, "10.0.0.1": false, "127.0.0.1:80": false, "[::1]": false, "2130706433": false, "0x7f.1": false, "127.1": false,
	} {
		if Host(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

func TestAnyNameOfThisMachineIsDialledAsLocalhost(t *testing.T) {
	for addr, want := range map[string]string{
		"acme.localhost:80": "localhost:80", "LOCALHOST.:80": "localhost:80", "127.0.0.1:80": "127.0.0.1:80", "[::1]:80": "[::1]:80",
		"localhost.example.com:80": "localhost.example.com:80", "acme.localhost": "acme.localhost", "": "", ":80": ":80",
	} {
		if got := Address(addr); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}
