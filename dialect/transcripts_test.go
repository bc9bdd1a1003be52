package dialect

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

func TestEveryTranscriptCanBeRead(t *testing.T) {
	total := 0
	for _, d := range Builtin() {
		seen := map[string]bool{}
		for _, tr := range Transcripts(d.Name) {
			total++
			if seen[tr.Name] || tr.Title == "" || strings.Contains(tr.Request+tr.Answer+tr.Title, "# @") || strings.ContainsRune(tr.Request+tr.Answer, '\r') {
				t.Errorf("%s/%s: twice, without a title, or with words for the program: %+v", d.Name, tr.Name, tr)
			}
			seen[tr.Name] = true
			if _, err := http.ReadResponse(bufio.NewReader(strings.NewReader(tr.Answer+"\n\n")), nil); err != nil {
				t.Errorf("%s/%s: the answer: %v\n%s", d.Name, tr.Name, err, tr.Answer)
			}
			if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(tr.Request + "\n\n"))); err != nil {
				t.Errorf("%s/%s: the request: %v\n%s", d.Name, tr.Name, err, tr.Request)
			}
		}
	}
	if want := len(transcripts(t)); total != want {
		t.Errorf("%d transcripts are shown of %d", total, want)
	}
}

func TestADialectWithoutTranscriptsHasNone(t *testing.T) {
	for _, name := range []string{"", ".", "..", "mine", "../dialects", "dadi/..", "/etc", "oauth2/"} {
		if got := Transcripts(name); name != "oauth2/" && got != nil {
			t.Errorf("%q has %d", name, len(got))
		}
	}
}
