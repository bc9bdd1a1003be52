package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

// pools are the same for both, so that the proxies are compared and not their settings.
func pools() *http.Transport {
	return &http.Transport{
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

// BenchmarkGateway compares calls through the gateway, their JWT remembered, with calls through a bare reverse proxy and through one
// with our pool of buffers. Caller, proxy and API share this process and its cores, over loopback sockets; the three take turns in
// blocks of 500 calls, so that what else runs on the machine hits them alike, and the medians of the blocks are compared.
func BenchmarkGateway(b *testing.B) {
	body := []byte(`[{"id":"#w1","uuid":"2c2b7b6c-8e3f-4c55-8a3c-3f7d3a8f5c11","name":"Restart","status":"ACTIVE","triggerMethods":["API"],"versions":[]}]`)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	defer api.Close()
	target, err := url.Parse(api.URL)
	if err != nil {
		b.Fatal(err)
	}
	o := gateway.Options{
		Tenant: "acme", Tokens: tokens(), APIs: apis(b, api.URL),
		Served: func(string, string, int) {},
	}
	o.Tokens.Alive = func(context.Context, *bearer.Token) error { return nil }
	for i := range o.APIs {
		o.APIs[i].Timeout = 0
	}
	g, err := gateway.New(o)
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	rewrite := func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() }
	proxies := []http.Handler{
		&httputil.ReverseProxy{Transport: pools(), Rewrite: rewrite}, &httputil.ReverseProxy{Transport: pools(), Rewrite: rewrite, BufferPool: gateway.Buffers},
		(&edge.Door{NewID: func() string { return "0123456789abcdef" }}).Identified(g),
	}
	spent := make([][]float64, len(proxies))
	fronts := make([]*httptest.Server, len(proxies))
	for i, p := range proxies {
		fronts[i] = httptest.NewServer(p)
		defer fronts[i].Close()
	}
	client, token := &http.Client{Transport: pools()}, "Bearer "+mint(apiAudience, "workflows")
	for n := 0; n < b.N || len(spent[2]) == 0; n += 500 {
		for i, f := range fronts {
			start := time.Now()
			block(b, client, f.URL+"/api/v1/workflows?dependency=USER", token)
			spent[i] = append(spent[i], float64(time.Since(start).Nanoseconds())/500)
		}
	}
	for i := range spent {
		slices.Sort(spent[i])
		spent[i][0] = spent[i][len(spent[i])/2]
	}
	b.ReportMetric(spent[0][0], "ns/bare")
	b.ReportMetric(spent[1][0], "ns/pooled")
	b.ReportMetric(spent[2][0], "ns/gateway")
	b.ReportMetric(spent[0][0]/spent[2][0], "of-bare")
	b.ReportMetric(spent[1][0]/spent[2][0], "of-pooled")
}

// block makes 500 calls, 16 at a time.
func block(b *testing.B, client *http.Client, target, token string) {
	var wg sync.WaitGroup
	var left atomic.Int32
	left.Store(500)
	for range 16 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				req, _ := http.NewRequest("GET", target, nil)
				req.Header.Set("Authorization", token)
				res, err := client.Do(req)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Error(err, res)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	wg.Wait()
}

// BenchmarkDecision is what the gateway adds, without sockets and without the proxy: a refusal just before it.
func BenchmarkDecision(b *testing.B) {
	o := gateway.Options{Tenant: "acme", Tokens: tokens(), APIs: apis(b, "http://127.0.0.1:1")}
	o.Tokens.Keys = func(string) (bearer.Key, bool) {
		return bearer.Key{ID: "k1", Algorithm: "ES256", Public: signingKey().Public()}, true
	}
	g, err := gateway.New(o)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/api/v1/workflows?dependency=USER", nil)
	r.Header.Set("Authorization", "Bearer "+mint(apiAudience, "other"))
	b.ReportAllocs()
	for b.Loop() {
		w := discard{http.Header{}}
		g.ServeHTTP(w, r)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(status int) {
	if status != http.StatusForbidden {
		panic(fmt.Sprint(status))
	}
}
