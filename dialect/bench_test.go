package dialect

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// again makes a request that can be decoded many times.
func again(tb testing.TB, c call) func() *http.Request {
	r := c.request(tb)
	body := strings.NewReader("")
	r.Body = io.NopCloser(body)
	return func() *http.Request {
		body.Reset(c.body)
		return r
	}
}

// What the commonest request costs: its body, its credential, its escaped scope.
func TestDecodingIsCheap(t *testing.T) {
	c := good[4].replace("grant_type=client_credentials&scope=service%3Aintegration")
	next, e := again(t, c), c.endpoint()
	if n := testing.AllocsPerRun(200, func() { _, _ = e.Decode(next()) }); n > 3 {
		t.Errorf("Decode allocates %v times, want 3 at most", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range good {
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			next, e := again(b, c), c.endpoint()
			b.ReportAllocs()
			for b.Loop() {
				if _, refusal := e.Decode(next()); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}

func BenchmarkAppendToken(b *testing.B) {
	token := &oauth.Token{AccessToken: strings.Repeat("eyJ", 250), Scope: "service:integration", ExpiresIn: 900 * time.Second}
	about := &About{Grant: oauth.ClientCredentials}
	buf := make([]byte, 0, 4096)
	for _, d := range Builtin() {
		b.Run(d.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = d.AppendToken(buf[:0], token, about)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	token := &oauth.Token{AccessToken: strings.Repeat("eyJ", 250), Scope: "service:integration", ExpiresIn: 900 * time.Second}
	w := &silent{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		named(builtin(), "nexthink").Encode(w, token, About{Grant: oauth.ClientCredentials})
	}
}

func BenchmarkCarried(b *testing.B) {
	r := callAPI(b, "/api/v1/workflows?dependency=NONE", "Authorization: Bearer "+strings.Repeat("eyJ", 250))
	d := named(builtin(), "nexthink")
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := d.Carried(r); refusal != nil {
			b.Fatal(refusal)
		}
	}
}
