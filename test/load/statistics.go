//go:build linux

package main

import (
	"math"
	"slices"
	"time"
)

// median returns the middle of values, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// quantile returns the smallest wait that at least the share q of all waits do not exceed. It sorts waits.
func quantile(waits []time.Duration, q float64) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	rank := int(math.Ceil(q * float64(len(waits))))
	return waits[min(max(rank, 1), len(waits))-1]
}

// comparison is what rounds of two sides, taken in turn, say about the one beside the other.
type comparison struct {
	ours, floor float64 // medians
	ratio       float64 // of the medians
	low, high   float64 // what the middle half of the rounds, each for itself, has as its ratio
}

// compare compares two sides that had the same number of rounds.
func compare(ours, floor []float64) comparison {
	c := comparison{ours: median(ours), floor: median(floor)}
	c.ratio = c.ours / c.floor
	var each []float64
	for i := range ours {
		each = append(each, ours[i]/floor[i])
	}
	slices.Sort(each)
	quarter := len(each) / 4
	c.low, c.high = each[quarter], each[len(each)-1-quarter]
	return c
}
