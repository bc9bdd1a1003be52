package console

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Every request that a contract shows can be tried as it is, and is read as what the contract says it is.
func TestEveryExampleOfAContractIsUnderstood(t *testing.T) {
	for _, d := range dialect.Builtin() {
		for _, e := range readContract(d).Endpoints {
			for _, b := range e.Requests {
				text := b.example("login.acme.test:8080", exampleValues(d.Terms))
				r, notes, err := readPasted(text, "other.test")
				if err != nil || len(notes) > 0 {
					t.Errorf("%s, %s: %v, notes %q\n%s", d.Name, b.Title, err, notes, text)
					continue
				}
				req, refusal := d.Endpoint(e.Path).Decode(r)
				if refusal != nil || string(req.Grant) != b.Grant {
					t.Errorf("%s, %s: read as %q, refused %v; want %q\n%s", d.Name, b.Title, req.Grant, refusal, b.Grant, text)
				}
				if strings.Contains(text, "{{") {
					t.Errorf("%s, %s: a hole is left\n%s", d.Name, b.Title, text)
				}
			}
		}
	}
}

func TestAContractIsShownWhole(t *testing.T) {
	for _, d := range dialect.Builtin() {
		c := readContract(d)
		requests, answers := 0, len(c.Success)+len(c.Refusals)+len(c.Guard)
		for _, e := range c.Endpoints {
			if d.Endpoint(e.Path) == nil {
				t.Errorf("%s: %s is no endpoint", d.Name, e.Path)
			}
			requests += len(e.Requests)
		}
		if len(c.Endpoints) != len(d.Endpoints()) || requests+answers+len(c.Carriers) != strings.Count("\n"+d.Source, "\n###") {
			t.Errorf("%s: %d endpoints, %d requests, %d answers and %d carriers are shown of %d blocks", d.Name, len(c.Endpoints), requests, answers, len(c.Carriers), strings.Count("\n"+d.Source, "\n###"))
		}
		for _, b := range c.Success {
			var back strings.Builder
			for _, p := range b.Pieces() {
				back.WriteString(p.Text)
			}
			if back.String() != b.Text || !strings.HasPrefix(b.Text, "HTTP/1.1 200") {
				t.Errorf("%s: the answer comes out as\n%s", d.Name, back.String())
			}
		}
	}
}

func TestAPastedRequestIsForgivenWhatPastingDoes(t *testing.T) {
	const body = "grant_type=client_credentials&client_id=a&client_secret=b"
	for name, text := range map[string]string{
		"LF line ends":          "POST /oauth2/token HTTP/1.1\nHost: a.test\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"CRLF line ends":        "POST /oauth2/token HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n" + body + "\r\n",
		"no version, no host":   "POST /oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"blank lines before":    "\n\n  \nPOST /oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n" + body + "\n\n",
		"a block of the file":   "### a token\n# @grant client_credentials\nPOST /oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"as curl -v shows it":   "> POST /oauth2/token HTTP/2\n> Host: a.test\n> Content-Type: application/x-www-form-urlencoded\n>\n" + body,
		"a wrong length":        "POST /oauth2/token HTTP/1.1\nHost: a.test\nContent-Length: 999999\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"chunked, so it says":   "POST /oauth2/token HTTP/1.1\nHost: a.test\nTransfer-Encoding: chunked\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"an absolute target":    "POST https://a.test/oauth2/token HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"a byte order mark":     "\ufeffPOST /oauth2/token\nContent-Type: application/x-www-form-urlencoded\n\n" + body,
		"spaces around a value": "POST   /oauth2/token   HTTP/1.1\nHost: a.test\nContent-Type:    application/x-www-form-urlencoded   \n\n" + body,
	} {
		r, _, err := readPasted(text, "a.test")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		req, refusal := dialect.Standard().Endpoint("/oauth2/token").Decode(r)
		if refusal != nil || req.Grant != oauth.ClientCredentials || r.Host != "a.test" {
			t.Errorf("%s: host %q, grant %q, refused %v", name, r.Host, req.Grant, refusal)
		}
	}
}

func TestWhatCannotBeReadIsExplainedInASentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "no request yet",
		" \n\n":                            "no request yet",
		"### only a title":                 "no request yet",
		"hello":                            "a method and a path",
		"POST / token HTTP/1.1":            "too many words",
		"POST /a b":                        "too many words",
		"curl -X POST https://a.test":      "This is a command",
		"HTTP/1.1 200 OK\n\n{}":            "This is an answer",
		"POST /t\nno header":               "Line 2 of the request is no header",
		"POST /t\nA: b\n c: d":             "Line 3 of the request begins with a space",
		"POST /t\nHo st: a":                "Line 2 of the request has a header name",
		"POST /t\nHost: a\x00b":            "Line 2 of the request has a control character",
		"PO\"ST /t":                        "begin with a method",
		"POST /%zz":                        "cannot be read",
		"POST t":                           "cannot be read",
		"POST /t\xff":                      "not UTF-8",
		"POST /t\x1b[2J":                   "control character",
		strings.Repeat("a", maxPasted+1):   "larger than",
		"POST /t HTTP/1.1 extra\nHost: a.": "too many words",
	} {
		_, _, err := readPasted(text, "a.test")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want a sentence with %q", text, err, want)
		}
	}
}

func FuzzPasted(f *testing.F) {
	for _, d := range dialect.Builtin() {
		for _, e := range readContract(d).Endpoints {
			for _, b := range e.Requests {
				f.Add(b.example("a.test", exampleValues(d.Terms)))
				f.Add(b.Text)
			}
		}
	}
	f.Add("> POST /x HTTP/2\n> A: b\n>\nbody")
	f.Fuzz(func(t *testing.T, text string) {
		r, notes, err := readPasted(text, "a.test")
		if err != nil {
			if _, sayable := err.(sayable); !sayable {
				t.Fatalf("not a sentence: %v", err)
			}
			return
		}
		for _, n := range notes {
			if n != plainly(n) {
				t.Errorf("a note with control characters: %q", n)
			}
		}
		for _, d := range dialect.Builtin() {
			for _, e := range d.Endpoints() {
				if _, refusal := e.Decode(r); refusal != nil {
					d.EncodeError(newAnswer(), refusal, dialect.About{})
				}
			}
			_, _ = d.Carried(r)
		}
	})
}

func TestReq051_NoCellOfAnExportIsAFormula(t *testing.T) {
	for _, evil := range []string{"=HYPERLINK(\"http://evil\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1"} {
		var out bytes.Buffer
		s, err := newCSVSheet(&out)
		if err != nil {
			t.Fatal(err)
		}
		e := audit.Event{ID: evil, Act: evil, Actor: evil, Subject: evil, Outcome: evil, Reason: evil, RequestID: evil, Source: evil, Detail: map[string]string{evil: evil}}
		if err := s.write(e); err != nil {
			t.Fatal(err)
		}
		if err := s.end(true); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%q: %d rows, %v", evil, len(rows), err)
		}
		if !strings.Contains(rows[2][0], "after 1 events") {
			t.Errorf("it was cut off elsewhere: %q", rows[2][0])
		}
		for _, row := range rows {
			for i, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
					t.Errorf("%q: cell %d is %q", evil, i, cell)
				}
			}
		}
	}
}

func TestTheCSVIsRFC4180AndTheJSONOneObject(t *testing.T) {
	e := audit.Event{ID: "e1", Time: time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC), Act: "client.update", Actor: `a "quoted", name`, Reason: "two\nlines \x1b[2J", Outcome: audit.Allowed}
	var sheetText bytes.Buffer
	s, _ := newCSVSheet(&sheetText)
	_ = s.write(e)
	_ = s.end(false)
	want := "\ufefftime,act,outcome,actor,subject,reason,request_id,source,detail,changes,id\r\n" +
		"2026-11-22T04:09:00Z,client.update,allowed,\"a \"\"quoted\"\", name\",,two\\u000alines \\u001b[2J,,,,,e1\r\n"
	if sheetText.String() != want {
		t.Errorf("got\n%q\nwant\n%q", sheetText.String(), want)
	}
	for n := range 3 {
		var out bytes.Buffer
		j := &jsonSheet{out: &out}
		for range n {
			_ = j.write(e)
		}
		_ = j.end(n == 2)
		var back struct {
			Events []exportedEvent `json:"events"`
			CutOff bool            `json:"cut_off"`
		}
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back.Events) != n || back.CutOff != (n == 2) {
			t.Errorf("%d events: %v\n%s", n, err, out.String())
		}
	}
}

func TestReq101_WhatIsShownCannotPassForAnotherLine(t *testing.T) {
	for text, want := range map[string]string{"plain é": "plain é", "a\nb": `a\u000ab`, "\x1b[31mred": `\u001b[31mred`, "abc\u202edcba": `abc\u202edcba`, "\u2066x": `\u2066x`} {
		if got := plainly(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestASearchSaysWhatItCannotUnderstand(t *testing.T) {
	for name, test := range map[string]struct {
		filter auditFilter
		field  string
	}{
		"a moment":         {auditFilter{Since: "2026-11-22T04:09"}, ""},
		"with seconds":     {auditFilter{Until: "2026-11-22T04:09:30"}, ""},
		"a day":            {auditFilter{Since: "2026-11-22"}, ""},
		"no moment":        {auditFilter{Since: "yesterday"}, "since"},
		"backwards":        {auditFilter{Since: "2026-11-22T04:09", Until: "2026-11-21T04:09"}, "until"},
		"an outcome":       {auditFilter{Outcome: "maybe"}, "outcome"},
		"too long":         {auditFilter{Actor: strings.Repeat("a", 600)}, "actor"},
		"a wildcard is no": {auditFilter{Actor: "%"}, ""},
	} {
		_, problems := test.filter.query(false)
		if test.field == "" && len(problems) > 0 || test.field != "" && problems[test.field] == "" {
			t.Errorf("%s: got %v, want a problem with %q", name, problems, test.field)
		}
	}
	if q, _ := (auditFilter{Subject: "q2tj"}).query(false); q.Subject != "client:q2tj" {
		t.Errorf("a bare id is searched for as %q", q.Subject)
	}
}

func TestTheGuardsAnswerIsForetoldByItsOwnRules(t *testing.T) {
	tenant := &registry.Tenant{APIs: []registry.API{
		{Name: "a", Audience: "aud-a", Routes: []registry.Route{{Method: "GET", Path: "/free", Public: true}, {Method: "GET", Path: "/a", Permission: "p"}}},
		{Name: "b", Audience: "aud-b", Routes: []registry.Route{{Method: "GET", Path: "/b", Permission: "q"}}},
	}}
	for name, test := range map[string]struct {
		in   oauth.Introspection
		want string
	}{
		"inactive":                     {oauth.Introspection{}, "public 401 401"},
		"held":                         {oauth.Introspection{Active: true, Audience: []string{"aud-a"}, Permissions: []string{"p"}}, "public passes 401"},
		"not held":                     {oauth.Introspection{Active: true, Audience: []string{"aud-a"}, Permissions: []string{}, Scope: "p"}, "public 403 401"},
		"scope where it has no claim":  {oauth.Introspection{Active: true, Audience: []string{"aud-a", "aud-b"}, Scope: "p q"}, "public passes passes"},
		"the right of another API's":   {oauth.Introspection{Active: true, Audience: []string{"aud-b"}, Permissions: []string{"p"}}, "public 401 403"},
		"part of a word is no word":    {oauth.Introspection{Active: true, Audience: []string{"aud-a"}, Scope: "pp"}, "public 403 401"},
		"an audience of nobody at all": {oauth.Introspection{Active: true, Permissions: []string{"p", "q"}}, "public 401 401"},
	} {
		var got []string
		for _, g := range guardVerdicts(tenant, test.in) {
			word, _, _ := strings.Cut(g.Text, ":")
			got = append(got, word)
			if g.Passes != (word == "passes" || word == "public") {
				t.Errorf("%s: %s: passes %v", name, g.Text, g.Passes)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %v, want %s", name, got, test.want)
		}
	}
}

func TestThoseWhoLackTheNewestKeyComeFirst(t *testing.T) {
	announced := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	got := fetchesSince([]Fetch{{From: "a", Current: true, At: announced.Add(time.Minute)}, {From: "b", At: announced.Add(2 * time.Minute)},
		{From: "c", Current: true, At: announced.Add(-time.Minute)}, {From: "d", Current: true, At: announced.Add(time.Hour)}}, announced)
	var order string
	for _, f := range got {
		order += f.From
	}
	if order != "bcda" || got[1].Current {
		t.Errorf("order %s, %+v", order, got)
	}
}

func TestAnAnswerIsTakenDownWhole(t *testing.T) {
	p := newAnswer()
	p.Header().Set("B", "2")
	p.Header().Set("A", "1")
	http.Error(p, "no", http.StatusTeapot)
	if !strings.HasPrefix(p.String(), "HTTP/1.1 418 I'm a teapot\nA: 1\nB: 2\n") || !strings.HasSuffix(p.String(), "\n\nno\n") {
		t.Errorf("got %q", p.String())
	}
}

func TestWhatIsCopiedAlongWithATokenIsTakenOff(t *testing.T) {
	for in, want := range map[string]string{
		"abc": "abc", " abc\r\n": "abc", `"abc",`: "abc", "Authorization: Bearer abc": "abc", "\u200babc\ufeff": "abc", "\u00a0Bearer abc ": "abc",
	} {
		if got := bareToken(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
