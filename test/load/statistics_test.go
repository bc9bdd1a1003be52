//go:build linux

package main

import (
	"math"
	"testing"
	"time"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 3}, 3}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, not %v", c.values, got, c.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

func TestAQuantileIsAWaitThatWasMeasured(t *testing.T) {
	var waits []time.Duration
	for i := 100; i >= 1; i-- {
		waits = append(waits, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 0.999: 100, 1: 100} {
		if got := quantile(waits, q); got != want {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("no waits have a quantile")
	}
}

func TestAComparisonShowsItsSpread(t *testing.T) {
	c := compare([]float64{9, 10, 11, 10}, []float64{10, 10, 10, 20})
	if c.ours != 10 || c.floor != 10 || c.ratio != 1 || c.low != 0.9 || c.high != 1 {
		t.Errorf("%+v", c)
	}
}
