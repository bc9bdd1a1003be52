package main

import "strings"

// didYouMean proposes the one of names that is most like what was written, if any is.
func didYouMean(written string, names []string) string {
	if n := nearest(written, names); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}

// nearest returns the one of names that is most like what was written, or nothing: the same but for case, begun alike, or a few
// typing errors away.
func nearest(written string, names []string) string {
	best, least := "", max(1, len(written)/3)+1
	for _, n := range names {
		d := distance(strings.ToLower(written), strings.ToLower(n))
		if len(written) >= 3 && strings.HasPrefix(strings.ToLower(n), strings.ToLower(written)) {
			d = 1
		}
		if d < least {
			best, least = n, d
		}
	}
	return best
}

// distance counts the characters to insert, delete, replace or swap with their neighbour to make b of a (Damerau and Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	older, old, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		older, old, row = old, row, older
		row[0] = i + 1
		for j := range y {
			replace := old[j]
			if x[i] != y[j] {
				replace++
			}
			row[j+1] = min(replace, old[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
	}
	return row[len(y)]
}
