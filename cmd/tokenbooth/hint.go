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

// distance counts the characters to insert, delete or replace to make b of a (Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, c := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, d := range y {
			replaced := diagonal
			if c != d {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(y)]
}
