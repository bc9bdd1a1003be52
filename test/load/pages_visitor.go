//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// page is an address of the console, and a text that shows that it is the page that is meant.
type page struct{ name, path, has string }

// glance is one look at a page.
type glance struct {
	took time.Duration
	body []byte
}

// looks are all that were taken at a page.
type looks struct {
	page
	waits []float64 // milliseconds
	busy  time.Duration
	size  int
	cuts  int // how many of them ended because their time was up
}

// cut reports whether the page offers to search further.
func (l looks) cut() bool { return 2*l.cuts > len(l.waits) }

func (l looks) median() float64 { return median(l.waits) }

// late is the longest wait but one: a single one may be another program's doing.
func (l looks) late() float64 { return slices.Sorted(slices.Values(l.waits))[len(l.waits)-2] }

// visitor is an operator at a browser.
type visitor struct {
	http   http.Client
	base   string
	cookie string
}

func newVisitor(at netip.AddrPort) *visitor {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{http: http.Client{CheckRedirect: stay, Timeout: silence, Transport: &http.Transport{DisableCompression: true}}, base: "http://" + at.String()}
}

// send sends a request with the session's cookie. A jar would keep that to itself: it is Secure, and this is plain HTTP.
func (v *visitor) send(method, path string, form url.Values) (*http.Response, []byte, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, v.base+path, body)
	if err != nil {
		return nil, nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	answer, err := v.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}

// signIn opens a one-time link and presses its button.
func (v *visitor) signIn(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	if _, text, err := v.send("GET", u.RequestURI(), nil); err != nil || !bytes.Contains(text, []byte(`name="key"`)) {
		return fmt.Errorf("the link leads to %.300q (%v)", text, err)
	}
	answer, text, err := v.send("POST", u.Path, url.Values{"key": {u.Query().Get("key")}})
	if err != nil {
		return err
	}
	for _, c := range answer.Cookies() {
		if strings.HasPrefix(c.Name, "__Host-") {
			v.cookie = c.Name + "=" + c.Value
			return nil
		}
	}
	return fmt.Errorf("the answer is %s without a session: %.300q", answer.Status, text)
}

// calendar asks for the address of a calendar feed.
func (v *visitor) calendar() (path string, err error) {
	_, text, err := v.send("POST", "/account/calendar-key", url.Values{})
	if err != nil {
		return "", err
	}
	path = regexp.MustCompile(`/calendar/[^<"\s]+\.ics`).FindString(string(text))
	if path == "" {
		err = fmt.Errorf("no calendar is in %.500q", text)
	}
	return path, err
}

// look takes one look at a page.
func (v *visitor) look(p page) (g glance, err error) {
	began := time.Now()
	answer, text, err := v.send("GET", p.path, nil)
	g = glance{time.Since(began), text}
	if err == nil && (answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(p.has))) {
		err = fmt.Errorf("it is %s without %q: %.300q", answer.Status, p.has, text)
	}
	if err != nil {
		err = fmt.Errorf("%s (%s): %w", p.name, p.path, err)
	}
	return g, err
}

// wait is what somebody saw who looked again and again at a page until it was there, as the console's script does.
type wait struct {
	answer time.Duration // the first one
	most   time.Duration // the slowest
	looks  int
}

// await looks at a page until it is there.
func (v *visitor) await(p page) (w wait, err error) {
	for began := time.Now(); time.Since(began) < silence; time.Sleep(pageAgain) {
		asked := time.Now()
		answer, text, err := v.send("GET", p.path, nil)
		if err != nil {
			return w, fmt.Errorf("%s (%s): %w", p.name, p.path, err)
		}
		took := time.Since(asked)
		if w.looks++; w.looks == 1 {
			w.answer = took
		}
		w.most = max(w.most, took)
		switch reading := bytes.Contains(text, []byte("data-reading")); {
		case answer.StatusCode == http.StatusOK && !reading && bytes.Contains(text, []byte(p.has)):
			return w, nil
		case answer.StatusCode != http.StatusServiceUnavailable || !reading:
			return w, fmt.Errorf("%s (%s): it is %s without %q: %.300q", p.name, p.path, answer.Status, p.has, text)
		}
	}
	return w, fmt.Errorf("%s (%s): it was not there within %s", p.name, p.path, silence)
}

// next is the link to the page behind this one.
var next = regexp.MustCompile(`href="([^"]+)" rel="next"`)

// turn goes so many pages on, and returns the address of the last.
func (v *visitor) turn(path string, pages int) (string, error) {
	for range pages {
		g, err := v.look(page{name: "the next page", path: path})
		if err != nil {
			return "", err
		}
		link := next.FindSubmatch(g.body)
		if link == nil {
			break
		}
		path = html.UnescapeString(string(link[1]))
	}
	return path, nil
}

// lookAtAll looks at every page that matters. broken are those that could not be looked at, and why.
func (v *visitor) lookAtAll(p *population, server *process) (seen []looks, broken []error, err error) {
	all, err := v.everyPage(p)
	if err != nil {
		return nil, nil, err
	}
	for _, what := range all {
		switch l, err := v.measure(what, server); {
		case err != nil:
			broken = append(broken, err)
		default:
			seen = append(seen, l)
		}
	}
	return seen, broken, nil
}

func (v *visitor) measure(what page, server *process) (l looks, err error) {
	l.page = what
	first, err := v.look(what)
	if err != nil {
		return l, err
	}
	l.size = len(first.body)
	before, failed := server.cpu()
	for range pageLooks {
		g, err := v.look(what)
		if err != nil {
			return l, err
		}
		l.waits = append(l.waits, milliseconds(g.took))
		if bytes.Contains(g.body, []byte("Search further")) {
			l.cuts++
		}
	}
	after, err := server.cpu()
	l.busy = after - before
	return l, errors.Join(failed, err)
}
