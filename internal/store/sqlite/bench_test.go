package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// BenchmarkCreate measures durable creations of single records, each by a caller that waits for the answer: what issuing opaque
// tokens costs. The parent index is most of it, so each number of parents (clients) is measured by itself.
func BenchmarkCreate(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		for _, parents := range []int{0, 1, 100, 10000} {
			b.Run(fmt.Sprintf("callers=%d/parents=%d", callers, parents), func(b *testing.B) { benchmarkCreate(b, callers, parents) })
		}
	}
}

func benchmarkCreate(b *testing.B, callers, parents int) {
	s, err := at(filepath.Join(b.TempDir(), "store.db"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var next atomic.Int64
	var wg sync.WaitGroup
	took := make([][]time.Duration, callers)
	expires := time.Now().Add(time.Hour)
	b.ResetTimer()
	for i := range callers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				start := time.Now()
				if err := s.Put(context.Background(), token(n, parents, expires)); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(size(b, s.path+"-wal"))/(1<<20), "log-MiB")
}

// token is a record like the ones that issuer keeps for opaque tokens: a time-ordered id and some 200 bytes.
func token(n int64, parents int, expires time.Time) store.Record {
	r := store.Record{
		Tenant: "acme", Kind: store.Token, ID: fmt.Sprintf("%016d", n), Expires: expires.Add(time.Duration(n) * time.Microsecond),
		Body: []byte(`{"hash":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","client":"client-00000001","scope":"workflows nql","aud":"https://api.example.com"}`),
	}
	if parents > 0 {
		r.Parent = fmt.Sprintf("client-%08d", n*7919%int64(parents))
	}
	return r
}

// BenchmarkGet measures look-ups by id from all processors, in a store of 100,000 tokens.
func BenchmarkGet(b *testing.B) {
	s, err := at(filepath.Join(b.TempDir(), "store.db"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const kept = 100_000
	expires := time.Now().Add(time.Hour)
	for n := int64(0); n < kept; n += store.MaxRecords {
		var batch []store.Record
		for i := range int64(store.MaxRecords) {
			batch = append(batch, token(n+i, 100, expires))
		}
		if err := s.Put(context.Background(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	var next atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := fmt.Sprintf("%016d", next.Add(1)*7919%kept)
			if _, err := s.Get(context.Background(), "acme", store.Token, id); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

func size(tb testing.TB, path string) int64 {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}
