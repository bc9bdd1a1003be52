package dialect

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed testdata/*/*.http
var recorded embed.FS

// Transcript is a request that a real client sends in a dialect that comes with the product, and the answer to it, both as they go over the
// wire but with \n for line ends. The tests of this package hold the dialect to every one of them.
type Transcript struct {
	Name    string // of its file, with a number where a file has several: moveworks-both-2
	Title   string // who is calling, and what is worth knowing about it
	Request string
	Answer  string // without Date
}

// Transcripts returns the transcripts of a dialect by the order of their names; nil for one that has none. They are read anew at each call.
func Transcripts(dialect string) []Transcript {
	dir := path.Join("testdata", dialect)
	if path.Dir(dir) != "testdata" {
		return nil
	}
	entries, err := recorded.ReadDir(dir)
	if err != nil {
		return nil // what is not there has none
	}
	var all []Transcript
	for _, e := range entries {
		text, err := recorded.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			panic(err) // it is part of the program
		}
		blocks, err := split(e.Name(), string(text))
		if err != nil {
			panic(fmt.Errorf("transcript: %w", err))
		}
		title := strings.Join(blocks[0].comments, " ")
		for n := 1; n+1 < len(blocks); n += 2 {
			t := Transcript{strings.TrimSuffix(e.Name(), ".http"), title, blocks[n].message(), blocks[n+1].message()}
			if n > 1 {
				t.Name += "-" + strconv.Itoa(n/2+1)
			}
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b Transcript) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// message is the message of the block without what speaks to people and to the program.
func (b *block) message() string {
	var out strings.Builder
	out.WriteString(b.start.text + "\n")
	for _, h := range b.headers {
		out.WriteString(h.text + "\n")
	}
	if body := b.bodyText(); body != "" {
		out.WriteString("\n" + body)
	}
	return strings.TrimRight(out.String(), "\n")
}
