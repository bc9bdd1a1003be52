package server

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// nowhere is an answer that nobody reads.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// rowed makes a booth on a file with some thousands of opaque tokens, and returns requests about one of them.
func rowed(b *testing.B) (*booth, string, func() *http.Request) {
	c := newClock()
	s, err := sqlite.Open(sqlite.Options{Path: filepath.Join(b.TempDir(), "store.db"), Now: c.now, Create: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	d := openOn(b, c, s)
	d.client("app")
	d.guard("guard")
	for range 2000 {
		if w := d.answer(forms("app", d.secrets["app"].Reveal())["dadi"]()); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
	d.user()
	text := d.tokens()["opaque"]
	r := d.about("guard", IntrospectPath, text)
	form := url.Values{"token": {text}}.Encode()
	return d, text, func() *http.Request {
		again := *r
		again.Body = io.NopCloser(strings.NewReader(form))
		return &again
	}
}

// run answers requests on as many processors as there are.
func run(b *testing.B, h http.Handler, request func() *http.Request) {
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		w := &nowhere{header: http.Header{}}
		for pb.Next() {
			clear(w.header)
			w.status = http.StatusOK
			h.ServeHTTP(w, request())
			if w.status != http.StatusOK {
				b.Errorf("answered %d", w.status)
				return
			}
		}
	})
}

// BenchmarkIntrospect answers a resource server about an opaque token, BenchmarkBareRow reads the token's row and answers with it: the
// first may take twice as long as the second.
func BenchmarkIntrospect(b *testing.B) {
	d, _, request := rowed(b)
	run(b, d, request)
}

// BenchmarkBareRow is what BenchmarkIntrospect is held against.
func BenchmarkBareRow(b *testing.B) {
	d, text, request := rowed(b)
	id, ok := secret.ParseToken(text, "tba")
	if !ok {
		b.Fatal("no opaque token")
	}
	run(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rec, err := d.store.Get(r.Context(), "acme", store.Token, id)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(rec.Body)
	}), request)
}
