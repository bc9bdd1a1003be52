//go:build linux

// Command load is the benchmark of the real binary, and the one place that figures of speed come from: make bench.
//
// It builds bin/tokenbooth, runs it on one core with a database of its own in a temporary folder, and loads it from
// the other core. Each figure stands beside a floor: the same work done with nothing but net/http, by this program under another name
// (floor.go). The two take turns, round by round, so that whatever else runs on the machine hits both alike, and what counts is the
// ratio of their medians. A rate is "of one core" when it is divided by the processor time the server used, and not by the time that
// went by: other programs then cost us accuracy but no points.
//
// The generator is one loop over raw sockets (volley.go): closed, to find what a server can do, or open at a fixed rate, to find how
// long callers wait. Waiting is counted from the moment a request was due and not from when it could be sent.
//
// The figure pages is about the console over a large store. It takes minutes and gigabytes, so it is measured when it is asked for by name:
// go run ./test/load -only pages -v.
//
// A figure may have a must. The program ends with status 1 when one is missed, unless --no-verdict is given.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		if err := serveFloor(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
			os.Exit(1)
		}
		return
	}
	ok, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// figures are what can be measured, in the order of the table.
var figures = []struct {
	name    string
	measure func(*bench) error
	asked   bool // only when it is asked for by name: it takes minutes and gigabytes
}{
	{name: "jwt", measure: (*bench).jwt},
	{name: "opaque", measure: (*bench).opaque},
	{name: "gateway", measure: (*bench).gateway},
	{name: "fresh", measure: (*bench).fresh},
	{name: "introspect", measure: (*bench).introspect},
	{name: "revoked", measure: (*bench).revoked},
	{name: "latency", measure: (*bench).latency},
	{name: "flat", measure: (*bench).flat},
	{name: "bytes", measure: (*bench).bytes},
	{name: "memory", measure: (*bench).memory},
	{name: "start", measure: (*bench).start},
	{name: "pages", measure: (*bench).pages, asked: true},
}

// run measures what the flags ask for and prints the table. It reports whether every must holds.
func run() (ok bool, err error) {
	rounds := flag.Int("rounds", 7, "how often each side of a comparison has its turn")
	seconds := flag.Float64("seconds", 1.5, "how long a turn lasts")
	only := flag.String("only", "", "measure only these: "+names()+" (commas between them)")
	noVerdict := flag.Bool("no-verdict", false, "print the table only, whether musts hold or not")
	binary := flag.String("binary", "", "measure this `FILE` instead of building one")
	var of pagesOf
	flag.IntVar(&of.clients, "clients", pageClients, "how many clients the store of pages has")
	flag.IntVar(&of.events, "events", pageEvents, "how many audit records it has")
	flag.BoolVar(&of.verbose, "v", false, "print what each page took")
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 || *seconds <= 0 || of.clients < fewestClients || of.events < fewestEvents {
		flag.Usage()
		return false, fmt.Errorf("there are no arguments but flags, at least one round, a turn takes time, and pages need %d clients and %d events", fewestClients, fewestEvents)
	}
	b, err := newBench(*rounds, time.Duration(*seconds*float64(time.Second)), *binary)
	if err != nil {
		return false, err
	}
	b.pagesOf = of
	defer func() { err = errors.Join(err, b.close()) }()
	defer b.closeWhenStopped()()
	wanted := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, w := range wanted {
		if !slices.Contains(strings.Fields(names()), w) {
			return false, fmt.Errorf("there is no figure %q; there are: %s", w, names())
		}
	}
	began := time.Now()
	for _, f := range figures {
		if len(wanted) > 0 && !slices.Contains(wanted, f.name) || len(wanted) == 0 && f.asked {
			continue
		}
		fmt.Fprintf(os.Stderr, "%4.0f s  measuring %s\n", time.Since(began).Seconds(), f.name)
		if err := errors.Join(f.measure(b), b.rest()); err != nil {
			return false, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	fmt.Print(b.report.render())
	return *noVerdict || b.report.holds(), nil
}

func names() string {
	var all []string
	for _, f := range figures {
		all = append(all, f.name)
	}
	return strings.Join(all, " ")
}
