package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// checked parses and checks a settings file of this text.
func checked(text string) error {
	s, err := parseSettings("f.yaml", []byte(text))
	if err != nil {
		return err
	}
	return s.check()
}

// A tenant to go with a fault elsewhere, and the start of one with a fault in it.
const (
	aTenant = "tenants: [{name: a, hosts: [a.localhost], issuer: http://a.localhost}]\n"
	start   = "listen: 127.0.0.1:80\ntenants:\n"
)

// TestEachFaultOfTheSettingsHasAPlace: every message is one sentence behind file, line and column, where there is something to point at.
func TestEachFaultOfTheSettingsHasAPlace(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "f.yaml:1:1: the settings are empty; write some with: tokenbooth init"},
		{"only comments", "# later\n", "f.yaml:1:1: the settings are empty; write some with: tokenbooth init"},
		{"null", "~\n", "f.yaml:1:1: here belongs a group of fields, not nothing"},
		{"a list", "- a\n", "f.yaml:1:1: here belongs a group of fields, not a list"},
		{"a text", "just text\n", "f.yaml:1:1: here belongs a group of fields, not a text"},
		{"two documents", "listen: x\n---\nlisten: y\n", "f.yaml:2:1: the settings are one document: what comes after --- would not be read"},
		{"indented with a tab", "tls:\n\tkey: x\n", "f.yaml:2:1: YAML is indented with spaces, not with tabs"},
		{"not closed", "listen: [1\n", "f.yaml:1:9: sequence end token ']' not found"},
		{"a field twice", "listen: a\nlisten: b\n", `f.yaml:2:1: mapping key "listen" already defined at [1:1]`},
		{"a misspelt field", "lisen: a\n", `f.yaml:1:1: there is no setting "lisen"; did you mean listen?`},
		{"a misspelt field deep down", start + "  - name: a\n    issuerr: x\n", `f.yaml:4:5: there is no setting "issuerr"; did you mean issuer?`},
		{"an unknown field", "colour: red\n", `f.yaml:1:1: there is no setting "colour"`},
		{"a list for a text", "listen: [a]\n", "f.yaml:1:9: here belongs a text, not a list"},
		{"a text for a list", "tenants: five\n", "f.yaml:1:10: here belongs a list, not a text"},
		{"a text for a number", "hashing: {workers: many}\n", "f.yaml:1:20: here belongs a whole number, not a text"},
		{"a text for yes or no", "insecure_plain_http: maybe\n", "f.yaml:1:22: here belongs true or false, not a text"},
		{"a text for a group", "tls: on\n", "f.yaml:1:6: here belongs a group of fields, not a text"},
		{"a length of time", "listen: x\nreplay_window: 30x\n", `f.yaml:2:16: a length of time is like 30s or 5m, not "30x"`},
		{"a length of time without a unit", "replay_window: 30\n", `f.yaml:1:16: a length of time is like 30s or 5m, not "30"`},
		{"an address for a network", "trusted_proxies: [10.0.0.0/8, 192.0.2.1]\n",
			`f.yaml:1:31: a network is like 192.0.2.0/24, one address like 192.0.2.1/32, not "192.0.2.1"`},
		{"a tag", "trusted_proxies: !000 ", "f.yaml:1:18: a tag (a word that starts with !) has no place here; put the value into quotes if it is meant to start so"},
		{"an alias to nothing", "listen: *x\n", `f.yaml:1:10: could not find alias "x"`},

		{"no listener", "data: x\n" + aTenant, "f.yaml:1:1: listen: where shall the token endpoints listen? For example: 127.0.0.1:8080"},
		{"no port", "listen: localhost\n" + aTenant, `f.yaml:1:9: listen: an address is host:port, like 127.0.0.1:8080, not "localhost"`},
		{"operators without a port", "listen: 127.0.0.1:80\noperators: x\n" + aTenant, `f.yaml:2:12: operators: an address is host:port, like 127.0.0.1:8080, not "x"`},
		{"credentials in clear", "listen: :80\n" + aTenant,
			"f.yaml:1:9: listen: without tls credentials would cross the network in clear; give tls, listen on 127.0.0.1, or say insecure_plain_http: true"},
		{"operators open to all", "listen: 127.0.0.1:80\noperators: :81\n" + aTenant,
			"f.yaml:2:12: operators: the operators' listener is for this machine: give it an address like 127.0.0.1:8081, or operators_tls"},
		{"a console in clear", "listen: 127.0.0.1:1\nconsole: {url: http://desk.example.com}\n" + aTenant,
			"f.yaml:2:16: console.url: without https passwords would cross the network in clear, and browsers keep no session there"},
		{"a console at a page", "listen: 127.0.0.1:1\nconsole: {url: https://desk.example.com/x}\n" + aTenant,
			`f.yaml:2:16: console.url: the console is at an address like https://desk.example.com, not "https://desk.example.com/x"`},
		{"half a certificate", "listen: 127.0.0.1:1\noperators_tls: {key: k}\n" + aTenant, "f.yaml:2:16: operators_tls: it needs both files: certificate and key"},
		{"warnings to nobody", "listen: 127.0.0.1:1\nexpiry_warnings: {secret_file: s}\n" + aTenant,
			"f.yaml:2:18: expiry_warnings.webhook: where shall warnings be sent? For example: https://hooks.example.com/expiry"},
		{"unsigned warnings", "listen: 127.0.0.1:1\nexpiry_warnings: {webhook: https://h.example}\n" + aTenant,
			"f.yaml:2:18: expiry_warnings.secret_file: messages are signed: name a file with a secret that the receiver has too"},
		{"a socket from here on", "listen: unix:public.sock\n" + aTenant,
			`f.yaml:1:9: listen: a unix socket is like unix:/run/tokenbooth/public.sock, a path from / on of at most 103 bytes, not "public.sock"`},
		{"a socket without a file", "listen: unix:@public\n" + aTenant, // nothing would say who may open it
			`f.yaml:1:9: listen: a unix socket is like unix:/run/tokenbooth/public.sock, a path from / on of at most 103 bytes, not "@public"`},
		{"a socket with a long name", "listen: unix:/" + strings.Repeat("x", 103) + "\n" + aTenant,
			`f.yaml:1:9: listen: a unix socket is like unix:/run/tokenbooth/public.sock, a path from / on of at most 103 bytes, not "/` + strings.Repeat("x", 103) + `"`},
		{"a socket for everybody", "listen: unix:/run/p.sock,mode=0666\n" + aTenant,
			"f.yaml:1:9: listen: whoever may open the socket is believed about whom they call for, so not everybody may: give mode=0660 and a group"},
		{"a socket with a mode in words", "listen: unix:/run/p.sock,mode=rw\n" + aTenant, `f.yaml:1:9: listen: the mode of a socket is like 0660, not "rw"`},
		{"a socket with more than a mode", "listen: unix:/run/p.sock,mode=4660\n" + aTenant, `f.yaml:1:9: listen: the mode of a socket is like 0660, not "4660"`},
		{"a console at a socket", "listen: 127.0.0.1:1\noperators: unix:/run/o.sock\n" + aTenant,
			"f.yaml:2:12: operators: people reach a console at a unix socket through a proxy in front of it: say where, with console.url"},
		{"a check at a socket", "listen: 127.0.0.1:1\ncheck: {listen: 'unix:/run/c.sock', secret_file: s}\n" + aTenant,
			`f.yaml:2:17: check.listen: a unix socket can be listen or operators; here an address is host:port, like 127.0.0.1:8080, not "unix:/run/c.sock"`},
		{"no operators", "listen: 127.0.0.1:1\ninsecure_plain_http: true\noperators: ''\n" + aTenant,
			"f.yaml:3:12: operators: where shall operators find console, health and metrics? For example: 127.0.0.1:8081"},
		{"hsts in clear", "listen: 127.0.0.1:1\nhsts: {max_age: 1h}\n" + aTenant,
			"f.yaml:2:7: hsts: it is sent over TLS alone: give tls, or say it where TLS ends, in the proxy in front"},
		{"hsts for ever", "listen: :443\ntls: {certificate: c, key: k}\nhsts: {max_age: 20000h}\n" + aTenant,
			"f.yaml:3:17: hsts.max_age: browsers are bound for whole seconds from 0s (not at all) to 17520h, not 20000h0m0s"},
		{"hsts of the past", "listen: :443\ntls: {certificate: c, key: k}\nhsts: {max_age: -1s}\n" + aTenant,
			"f.yaml:3:17: hsts.max_age: browsers are bound for whole seconds from 0s (not at all) to 17520h, not -1s"},
		{"half a second of hsts", "listen: :443\ntls: {certificate: c, key: k}\nhsts: {max_age: 500ms}\n" + aTenant,
			"f.yaml:3:17: hsts.max_age: browsers are bound for whole seconds from 0s (not at all) to 17520h, not 500ms"},
		{"hsts of subdomains alone", "listen: :443\ntls: {certificate: c, key: k}\nhsts: {max_age: 0s, include_subdomains: true}\n" + aTenant,
			"f.yaml:3:41: hsts.include_subdomains: with max_age: 0s browsers are told nothing, of subdomains neither"},
		{"a scraper with a port", "listen: 127.0.0.1:1\nscrapers: {hosts: [a.internal, 'b.internal:9090']}\n" + aTenant,
			`f.yaml:2:32: scrapers.hosts[1]: "b.internal:9090" is no host name; one has neither port nor path`},
		{"a scraper that is no network", "listen: 127.0.0.1:1\nscrapers: {networks: [10.0.0.1]}\n" + aTenant,
			`f.yaml:2:23: a network is like 192.0.2.0/24, one address like 192.0.2.1/32, not "10.0.0.1"`},
		{"health by a word", "listen: 127.0.0.1:1\npublic_health: always\n" + aTenant, "f.yaml:2:16: here belongs true or false, not a text"},
		{"sandbox open to all", "listen: 127.0.0.1:80\nsandbox: :82\n" + aTenant,
			"f.yaml:2:10: sandbox: the sandbox believes whoever calls it: give it an address like 127.0.0.1:8082"},
		{"half of tls", "listen: :443\ntls: {key: k.pem}\n" + aTenant, "f.yaml:2:6: tls: it needs both files: certificate and key"},
		{"no data", "listen: 127.0.0.1:80\ndata: \"\"\n" + aTenant,
			"f.yaml:2:7: data: where shall the database, the journal and the key-encryption key be? Name a folder"},
		{"another store", "listen: 127.0.0.1:80\nstore: oracle\n" + aTenant, `f.yaml:2:8: store: a store is sqlite or memory, not "oracle"`},
		{"a long replay window", "listen: 127.0.0.1:80\nreplay_window: 1h\n" + aTenant, "f.yaml:2:16: replay_window: a replay window is 0s to 5m, not 1h0m0s"},
		{"less than no workers", "listen: 127.0.0.1:80\nhashing:\n  workers: -1\n" + aTenant, "f.yaml:3:3: hashing: workers are 0 to 256, each with 19 MiB at a time, and the queue is 0 to 10000"},
		{"more workers than memory", "listen: 127.0.0.1:80\nhashing:\n  workers: 257\n" + aTenant, "f.yaml:3:3: hashing: workers are 0 to 256, each with 19 MiB at a time, and the queue is 0 to 10000"},
		{"a loud log", "listen: 127.0.0.1:80\nlog:\n  level: loud\n" + aTenant, `f.yaml:3:10: log.level: a level is debug, info, warn or error, not "loud"`},
		{"a log in XML", "listen: 127.0.0.1:80\nlog: {format: xml}\n" + aTenant, `f.yaml:2:15: log.format: a format is json or text, not "xml"`},

		{"backups nowhere", "listen: 127.0.0.1:80\nbackup: {keep: 3}\n" + aTenant,
			"f.yaml:2:9: backup.to: where shall backups be put? Name a folder, best on another disk"},
		{"backups all the time", "listen: 127.0.0.1:80\nbackup: {to: b, every: 0s}\n" + aTenant,
			"f.yaml:2:24: backup.every: a backup is made every 1m to 744h (31 days), not every 0s"},
		{"backups that are not kept", "listen: 127.0.0.1:80\nbackup: {to: b, keep: 0}\n" + aTenant, "f.yaml:2:23: backup.keep: 1 to 1000 backups are kept, not 0"},
		{"backups for nobody", "listen: 127.0.0.1:80\nbackup: {to: b, recipient: me}\n" + aTenant,
			`f.yaml:2:28: backup.recipient: "me" is no recipient of age, which begins with age1; make one with: age-keygen`},
		{"backups of a memory", "listen: 127.0.0.1:80\nstore: memory\nbackup: {to: b}\n" + aTenant, "f.yaml:3:9: backup: a store in memory has no file"},

		{"a check that anybody may ask", "listen: 127.0.0.1:80\ncheck: {listen: 127.0.0.1:83}\n" + aTenant,
			"f.yaml:2:8: check: what a proxy says of a call is believed, so say which proxies may ask: peers, secret_file or tls.client_ca"},
		{"a check nowhere", "listen: 127.0.0.1:80\ncheck: {secret_file: s}\n" + aTenant,
			"f.yaml:2:8: check.listen: where shall reverse proxies ask? For example: 127.0.0.1:8083"},
		{"a check in clear", "listen: 127.0.0.1:80\ncheck: {listen: ':83', secret_file: s}\n" + aTenant,
			"f.yaml:2:17: check.listen: without tls tokens would cross the network in clear; give check.tls, listen on 127.0.0.1, or say insecure_plain_http: true"},
		{"a long memory of answers", "listen: 127.0.0.1:80\ncheck: {listen: 127.0.0.1:83, secret_file: s, cache_for: 6s}\n" + aTenant,
			"f.yaml:2:58: check.cache_for: an answer can be kept for whole seconds from 0s to 5s, not 6s: what is revoked shall be refused by then"},
		{"half a certificate for checks", "listen: 127.0.0.1:80\ncheck: {listen: 127.0.0.1:83, secret_file: s, tls: {key: k}}\n" + aTenant,
			"f.yaml:2:52: check.tls: it needs both files: certificate and key"},
		{"a hasty rotation", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    rotate_keys_every: 1m\n",
			"f.yaml:6:24: tenants[0].rotate_keys_every: a key signs for at least 1h0m0s, because its successor is announced for a quarter of an hour; not 1m0s"},
		{"a follower that issues", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    dialects: [oauth2]\n    follow: {client_id: g, client_secret_file: s}\n",
			"f.yaml:7:13: tenants[0].follow: who follows an issuer elsewhere issues nothing itself: leave dialects and endpoints out"},
		{"a follower without a credential", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    follow: {client_id: g}\n",
			"f.yaml:6:13: tenants[0].follow: it needs client_id and client_secret_file, of a client that is a resource server of the tenant's APIs"},
		{"a follower that guesses", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    follow: {client_id: g, client_secret_file: s, when_stale: guess}\n",
			`f.yaml:6:63: tenants[0].follow.when_stale: when the issuer is away a guard can serve or refuse, not "guess"`},
		{"a follower without patience", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    follow: {client_id: g, client_secret_file: s, stale_after: 1s}\n",
			"f.yaml:6:64: tenants[0].follow.stale_after: the last word of the issuer counts for at least 10s, not 1s"},
		{"a body of less than nothing", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    apis:\n      - name: x\n        routes:\n          - {method: GET, path: /x, public: true, max_body: -1}\n",
			"f.yaml:9:13: tenants[0].apis[0].routes[0]: GET /x: neither max_body nor rate can be less than 0"},

		{"no tenants", "listen: 127.0.0.1:80\n", "f.yaml:1:1: tenants: declare at least one tenant; tokenbooth init --stdout shows how"},
		{"a tenant without a name", start + "  - hosts: [a]\n", `f.yaml:3:5: tenants[0].name: a tenant's name is 1 to 64 of a-z, 0-9 and -, not ""`},
		{"a tenant with a bad name", start + "  - name: Acme\n", `f.yaml:3:11: tenants[0].name: a tenant's name is 1 to 64 of a-z, 0-9 and -, not "Acme"`},
		{"no issuer", start + "  - name: a\n    hosts: [a]\n",
			`f.yaml:3:5: tenants[0].issuer: an issuer is a URL like https://login.example.com (RFC 8414, section 2), not ""`},
		{"no hosts", start + "  - name: a\n    issuer: http://a\n", "f.yaml:3:5: tenants[0].hosts: a tenant needs a host name to be found by"},
		{"a host that is a URL", start + "  - name: a\n    issuer: http://a\n    hosts: [http://a]\n", `f.yaml:5:12: tenants[0].hosts: "http://a" is no host name; one has neither port nor path`},
		{"an algorithm", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    algorithm: HS256\n",
			`f.yaml:6:16: tenants[0].algorithm: keys are ES256, EdDSA or RS256, not "HS256"`},
		{"two tenants of one name", start + "  - {name: a, issuer: http://a, hosts: [a]}\n  - {name: a, issuer: http://a, hosts: [b]}\n",
			"f.yaml:4:12: tenants[1].name: two tenants are called a"},
		{"two tenants at one host", start + "  - {name: a, issuer: http://a, hosts: [a]}\n  - {name: b, issuer: http://b, hosts: [A]}\n",
			"f.yaml:4:40: tenants[1].hosts: host a belongs to tenant a already"},
		{"two tenants with one issuer", start + "  - {name: a, issuer: http://a, hosts: [a]}\n  - {name: b, issuer: http://a, hosts: [b]}\n",
			"f.yaml:4:23: tenants[1].issuer: issuer http://a belongs to tenant a already"},
		{"a route without permission", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    apis:\n      - name: x\n        routes:\n          - {method: GET, path: /x}\n",
			`f.yaml:9:13: tenants[0].apis[0].routes[0]: GET /x needs a permission of this API, or public: true; "" is none`},
		{"a permission of two words", start + "  - name: a\n    issuer: http://a\n    hosts: [a]\n    apis:\n      - name: x\n        permissions: [{name: a b}]\n",
			`f.yaml:8:22: tenants[0].apis[0].permissions: a permission is one word of a scope (RFC 6749, section 3.3), not "a b"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := checked(test.text)
			if err == nil {
				t.Fatal("no fault was found")
			}
			message, excerpt, _ := strings.Cut(err.Error(), "\n")
			if message != test.want {
				t.Errorf("message\n got %s\nwant %s", message, test.want)
			}
			checkExcerpt(t, message, excerpt)
		})
	}
}

var placeOfMessage = regexp.MustCompile(`^f\.yaml:(\d+):(\d+): `)

// checkExcerpt wants the excerpt to show the line of the message, with the mark under its column.
func checkExcerpt(t *testing.T, message, shown string) {
	t.Helper()
	place := placeOfMessage.FindStringSubmatch(message)
	if place == nil {
		t.Fatalf("the message has no place: %s", message)
	}
	if shown == "" {
		return // an empty file has nothing to show
	}
	lines := strings.Split(shown, "\n")
	last, mark := lines[len(lines)-2], lines[len(lines)-1]
	if !regexp.MustCompile(`^> +` + place[1] + ` \| `).MatchString(last) {
		t.Errorf("the excerpt does not end with line %s:\n%s", place[1], shown)
	}
	if strings.TrimLeft(mark, " ") != "^" || len(mark) > len(last)+1 {
		t.Errorf("the mark does not stand under the line:\n%s", shown)
	}
}

func TestWhatFlagsAndEnvironmentDecideHasNoPlaceInTheFile(t *testing.T) {
	s, err := parseSettings("f.yaml", []byte("listen: 127.0.0.1:80\n"+aTenant))
	if err != nil {
		t.Fatal(err)
	}
	s.over = map[string]string{"listen": "nowhere"}
	s.Listen = "nowhere"
	const want = `listen, by --listen or $TOKENBOOTH_LISTEN: an address is host:port, like 127.0.0.1:8080, not "nowhere"`
	if err := s.check(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestInitExplainsEverySetting(t *testing.T) {
	for _, name := range fieldNames(reflect.TypeFor[settings](), nil) {
		if !regexp.MustCompile(`(?m)\b` + name + `:`).MatchString(firstSettings) {
			t.Errorf("init.yaml does not have %s", name)
		}
	}
}

func TestInitServesAsItIs(t *testing.T) {
	text, err := renderSettings("f.yaml", "127.0.0.1:8080", "127.0.0.1:8081")
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSettings("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := tenantHere(s, &s.Tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Endpoints) == 0 || len(v.APIs) == 0 {
		t.Errorf("the first tenant has no endpoint or no API: %+v", v)
	}
}

// TestTheCommentedSettingsLoadToo: whoever takes the # away gets a file that loads.
func TestTheCommentedSettingsLoadToo(t *testing.T) {
	text, err := renderSettings("f.yaml", "127.0.0.1:8080", "127.0.0.1:8081")
	if err != nil {
		t.Fatal(err)
	}
	open := regexp.MustCompile(`(?m)^( *)# ( *(?:- \{|[a-z_]+:(?: |$)))`).ReplaceAllString(text, "$1$2")
	s, err := parseSettings("f.yaml", []byte(open))
	if err != nil {
		t.Fatal(err)
	}
	if s.Tenants[0].Follow == nil {
		t.Error("follow was not taken up")
	}
	s.Tenants[0].Follow = nil // it goes in the place of dialects
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	if s.TLS == nil || !s.Tenants[0].AllowPasswordGrant || s.Hashing.Workers != 4 || len(s.Tenants[0].Endpoints) != 1 {
		t.Errorf("some comments were not taken away: %+v", s)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("listen: 127.0.0.1:80\n" + aTenant)
	f.Add("replay_window: 30x\ntrusted_proxies: [x]\n")
	f.Add("a: &x [*x]\n---\n\t")
	f.Fuzz(func(t *testing.T, text string) {
		if err := checked(text); err != nil && err.Error() == "" {
			t.Error("a fault without a message")
		}
	})
}
