//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What the promise about pages is made for, and what it is.
const (
	pageClients = 100_000
	pageEvents  = 10_000_000
	pageWithin  = 100 * time.Millisecond
	pageLooks   = 21 // at each page, after one that does not count
	pageAgain   = 500 * time.Millisecond

	fewestClients, fewestEvents = 1000, 10_000 // or there would be no page of some kind
)

// pagesOf is how much the store has in it that the console is looked at over.
type pagesOf struct {
	clients, events int
	verbose         bool // print every page, not only the slowest
}

// roomFor is what the store and its log take on the disk, with something to spare: 8 GiB as promised.
func (o pagesOf) roomFor() uint64 { return uint64(o.events)*800 + uint64(o.clients)*5000 + 64<<20 }

// pagesText is the settings file of the booth that the console belongs to.
const pagesText = `listen: %s
operators: %s
data: data
tenants:
  - name: load
    title: Pages under load
    hosts: [127.0.0.1]
    issuer: http://%s
    dialects: [oauth2, nexthink, dadi, nexudus]
    allow_password_grant: true
    allow_bodyless_token: true
    apis:
`

// pagesSettings are those settings, with six APIs of two permissions each.
func pagesSettings(addr, operators netip.AddrPort) string {
	var b strings.Builder
	fmt.Fprintf(&b, pagesText, addr, operators, addr)
	for _, api := range apiNames {
		fmt.Fprintf(&b, `      - name: %[1]s
        title: %[1]s API
        upstream: http://127.0.0.1:9
        dialect: nexthink
        permissions: [{name: %[1]s.read, label: Read %[1]s}, {name: %[1]s.write, label: Change %[1]s}]
        routes:
          - {method: GET, path: /api/v1/%[1]s, permission: %[1]s.read}
          - {method: POST, path: /api/v1/%[1]s, permission: %[1]s.write}
`, api)
	}
	return b.String()
}

// pages measures how long the pages of the console take over a large store.
func (b *bench) pages() error {
	if err := b.room(); err != nil {
		return err
	}
	t, operators, err := b.settle("pages-", pagesSettings)
	if err != nil {
		return err
	}
	defer os.RemoveAll(t.dir)
	if err := t.newKey(); err != nil {
		return err
	}
	p := &population{pagesOf: b.pagesOf, t: t, now: time.Now()}
	link, err := p.staff(b.binary)
	if err != nil {
		return err
	}
	if err := b.populate(p); err != nil {
		return err
	}
	v, err := b.enter(t, operators, link)
	if err != nil {
		return err
	}
	seen, broken, err := v.lookAtAll(p, t.server)
	if err != nil || len(seen) == 0 {
		return fmt.Errorf("%w\n%s", errors.Join(append(broken, err)...), t.server.words())
	}
	b.tell(seen)
	b.report.add(row{figure: "pages that are there", ours: fmt.Sprintf("%d of %d", len(seen), len(seen)+len(broken)), must: "all"}, len(broken) == 0)
	for _, err := range broken {
		b.report.note("A page is not there: %v.", err)
	}
	time.Sleep(3 * time.Second)
	rest, most, err := t.server.memory()
	if err != nil {
		return err
	}
	b.report.note("After all pages it occupied %s, %s at most.", mebibytes(rest), mebibytes(most))
	return t.server.stop()
}

// room refuses to begin what the disk has no room for.
func (b *bench) room() error {
	var disk unix.Statfs_t
	if err := unix.Statfs(b.dir, &disk); err != nil {
		return fmt.Errorf("ask how much room there is in %s: %w", b.dir, err)
	}
	free, need := disk.Bavail*uint64(disk.Bsize), b.roomFor()
	if free < need {
		return fmt.Errorf("%s has %s free, and a store with %s events needs %s: make room, set TMPDIR to another disk, or ask for fewer with -events",
			b.dir, mebibytes(int64(free)), whole(float64(b.events)), mebibytes(int64(need)))
	}
	return nil
}

// populate fills the store, with both cores: nothing is measured yet.
func (b *bench) populate(p *population) (err error) {
	began := time.Now()
	if err := occupy(b.cores.generator, b.cores.server); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, occupy(b.cores.generator)) }()
	if err := p.fillAll(); err != nil {
		return err
	}
	size := int64(0)
	for _, name := range []string{"tokenbooth.db", "tokenbooth.db-wal"} {
		if f, err := os.Stat(p.t.dir + "/" + name); err == nil {
			size += f.Size()
		}
	}
	b.report.note("Pages were looked at over %s clients, %s users, %s chains, %s opaque tokens and %s events of %d days: %s, written in %.0f s.", whole(float64(p.clients)),
		whole(float64(len(p.users))), whole(float64(p.clients)), whole(float64(p.clients)), whole(float64(p.events)), eventDays, mebibytes(size), time.Since(began).Seconds())
	return nil
}

// enter starts the product, signs in, and measures the first search for a client: its first answer, that the clients are being read, and how
// long it took until they were there.
func (b *bench) enter(t *booth, operators netip.AddrPort, link string) (*visitor, error) {
	if err := b.launch(t, "serve"); err != nil {
		return nil, err
	}
	if err := answering(t.server, operators); err != nil {
		return nil, err
	}
	v := newVisitor(operators)
	if err := v.signIn(link); err != nil {
		return nil, fmt.Errorf("sign in: %w\n%s", err, t.server.words())
	}
	after := time.Since(t.server.began)
	first, err := v.await(page{name: "the first search", path: "/t/load/clients?q=invent", has: "<tbody>"})
	if err != nil {
		return nil, err
	}
	there := time.Since(t.server.began)
	time.Sleep(3 * time.Second)
	rest, _, err := t.server.memory()
	if err != nil {
		return nil, err
	}
	b.report.add(row{figure: fmt.Sprintf("first search for a client, %.1f s after the start of the process, and every look while they were read (%d)", after.Seconds(), first.looks),
		ours: fmt.Sprintf("%.0f ms, %.0f ms at most", milliseconds(first.answer), milliseconds(first.most)), must: fmt.Sprintf("at most %d ms", pageWithin.Milliseconds())},
		first.most <= pageWithin)
	b.report.add(row{figure: "the clients were there, after the start of the process", ours: fmt.Sprintf("%.1f s", there.Seconds())}, true)
	b.report.add(row{figure: fmt.Sprintf("memory at rest with %s clients and %s events", whole(float64(b.clients)), whole(float64(b.events))), ours: mebibytes(rest)}, true)
	return v, nil
}

// tell puts the slowest page into the table, and which pages stopped looking when their time was up.
func (b *bench) tell(seen []looks) {
	bySpeed := slices.SortedFunc(slices.Values(seen), func(x, y looks) int { return cmp.Compare(y.median(), x.median()) })
	slow, late := bySpeed[0], slices.MaxFunc(seen, func(x, y looks) int { return cmp.Compare(x.late(), y.late()) })
	b.report.add(row{figure: fmt.Sprintf("slowest page of the console, of %d (median of %d looks)", len(seen), pageLooks), ours: fmt.Sprintf("%.0f ms: %s", slow.median(), slow.name),
		must: fmt.Sprintf("at most %d ms", pageWithin.Milliseconds())}, slow.median() <= milliseconds(pageWithin))
	b.report.add(row{figure: fmt.Sprintf("slowest look at any page but one of each page's %d", pageLooks), ours: fmt.Sprintf("%.0f ms: %s", late.late(), late.name)}, true)
	var cut, over []string
	for _, l := range bySpeed {
		if l.cut() {
			cut = append(cut, l.name)
		}
		if l.median() > milliseconds(pageWithin) {
			over = append(over, fmt.Sprintf("%s (%.0f ms)", l.name, l.median()))
		}
	}
	if len(cut) > 0 {
		b.report.note("These pages stopped looking when their time was up, and offer to search further: %s.", strings.Join(cut, "; "))
	}
	if len(over) > 0 {
		b.report.note("Slower than %v: %s.", pageWithin, strings.Join(over, "; "))
	}
	if !b.verbose {
		return
	}
	table := "\n| page | median | worst but one | processor | size | |\n|---|---|---|---|---|---|\n"
	for _, l := range bySpeed {
		remark := ""
		if l.cut() {
			remark = "search further"
		}
		table += fmt.Sprintf("| %s | %.1f ms | %.1f ms | %.1f ms | %s bytes | %s |\n", l.name, l.median(), l.late(), milliseconds(l.busy)/pageLooks, whole(float64(l.size)), remark)
	}
	b.report.note("%s", table)
}
