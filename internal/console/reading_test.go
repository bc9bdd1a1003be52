package console

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const readingMark = `<p data-reading>The clients of this tenant are being read: 0 so far.</p>`

func TestAPageThatNeedsAllClientsSaysHowFarTheyAreRead(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	made, _, err := w.registry.CreateClient(t.Context(), "cli:root", registry.Client{Tenant: "acme", ClientSpec: registry.ClientSpec{Name: "Nightly", Permissions: []string{"nql"}, Expires: registry.Until{Time: w.now().Add(time.Hour)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		t.Fatal(err)
	}
	held := &hold{reached: make(chan struct{}), over: make(chan struct{})}
	w.store.held.Store(held)
	life, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go w.directory.Survey(life)
	<-held.reached

	for _, target := range []string{"/t/acme/clients", "/t/acme/clients?q=night", "/t/acme/tokens?client=night"} {
		asked := time.Now()
		page := owner.get(target)
		if took := time.Since(asked); took > time.Second { // of a reading that does not end; how long it is for real, test/load measures
			t.Errorf("%s took %s", target, took)
		}
		wants(t, page, http.StatusServiceUnavailable, readingMark, `<progress`, `<a class="btn" href="">Look again</a>`)
		guarded(t, page)
		if page.Header().Get("Retry-After") != "1" || strings.Contains(page.Body.String(), "http-equiv") {
			t.Errorf("%s: Retry-After is %q, or the page reloads under its reader", target, page.Header().Get("Retry-After"))
		}
	}
	for target, parts := range map[string][2]string{"/t/acme": {"Tokens issued", "Nothing expires"}, "/t/acme/apis": {"being read</span>", "nobody</span>"}} {
		page := owner.get(target)
		wants(t, page, http.StatusOK, readingMark, parts[0])
		if strings.Contains(page.Body.String(), parts[1]) {
			t.Errorf("%s says %q of what it has not read", target, parts[1])
		}
	}
	for _, target := range []string{"/t/acme/clients/" + made.ID, "/t/acme/users", "/t/acme/keys", "/t/acme/new-client"} {
		wants(t, owner.get(target), http.StatusOK)
	}

	close(held.over)
	for began := time.Now(); owner.get("/t/acme/clients").Code != http.StatusOK && time.Since(began) < 5*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	for target, text := range map[string]string{"/t/acme/clients": "Nightly", "/t/acme": "Nightly", "/t/acme/apis": "1 client</a>"} {
		page := owner.get(target)
		wants(t, page, http.StatusOK, text)
		if strings.Contains(page.Body.String(), "data-reading") {
			t.Errorf("%s goes on asking", target)
		}
	}
}

func TestHowFarTheReadingIsIsSaidInWords(t *testing.T) {
	for want, how := range map[string]*directory.Reading{"": nil, "The clients of this tenant are being read: 43,000 so far.": {Clients: 43_000},
		"The clients of this tenant are read, 100,000 of them; when they were last used is being read: 12,000 notes so far.": {Clients: 100_000, Uses: 12_000}} {
		if got := readingText(how); got != want {
			t.Errorf("%+v: %q", how, got)
		}
	}
}

func TestAnExportSaysHowFarItIsOnlyToWhoAsks(t *testing.T) {
	w := newDeskWorld(t)
	auditor := w.signIn("anna", operator.Auditor)
	for i := range exportPage + 5 {
		w.event(audit.Event{Act: "client.update", Actor: "cli:many", Subject: fmt.Sprintf("client:c%04d", i), Outcome: audit.Allowed, Reason: "a\x1e{}\n"})
	}
	for _, format := range []string{"csv", "json"} {
		const search = "/t/acme/audit/export?actor=cli:many&format="
		plain := auditor.get(search + format)
		if plain.shows(t, http.StatusOK); strings.Contains(plain.body, "\x1e") {
			t.Errorf("%s: a plain download has lines that are not of the file", format)
		}
		told := auditor.get(search + format + "&progress=yes")
		var file bytes.Buffer
		var all []exportProgress
		for i, piece := range strings.Split(told.body, "\x1e") {
			if i > 0 {
				line, rest, ended := strings.Cut(piece, "\n")
				var at exportProgress
				if err := json.Unmarshal([]byte(line), &at); err != nil || !ended {
					t.Fatalf("%s: %q: %v", format, line, err)
				}
				all, piece = append(all, at), rest
			}
			file.WriteString(piece)
		}
		if file.String() != plain.body {
			t.Errorf("%s: without those lines it is not the plain download", format)
		}
		if len(all) != 2 || all[0].Events != exportPage || all[0].Reached.IsZero() || !all[0].Reached.Before(w.now()) || all[1] != (exportProgress{Events: exportPage + 5, Whole: true}) {
			t.Errorf("%s: it told %+v", format, all)
		}
		if format == "csv" {
			if rows, err := csv.NewReader(&file).ReadAll(); err != nil || len(rows) != exportPage+6 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		}
	}
}
