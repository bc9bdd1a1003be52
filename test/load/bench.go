//go:build linux

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// conns is how many callers there are at a time.
const conns = 64

// bench is one run of the benchmark: where it works, and what it has started.
type bench struct {
	cores
	pagesOf
	rounds int
	turn   time.Duration
	dir    string
	binary string
	report report

	running []*process
	booths  map[int]*booth     // by number of clients
	rates   map[string]float64 // what was found to be the most that a kind of request is answered, a second
}

// newBench builds the binary, unless there is one, and makes a place to work in.
func newBench(rounds int, turn time.Duration, binary string) (b *bench, err error) {
	b = &bench{rounds: rounds, turn: turn, binary: binary, booths: map[int]*booth{}, rates: map[string]float64{}}
	if b.cores, err = takeCores(); err != nil {
		return nil, err
	}
	if b.binary == "" {
		if b.binary, err = build(); err != nil {
			return nil, err
		}
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "tokenbooth-load-"); err != nil {
		return nil, err
	}
	if b.cores.generator == b.cores.server {
		b.report.note("There is one core for generator and servers.")
	}
	return b, nil
}

// build builds bin/tokenbooth as a release is built.
func build() (string, error) {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(module)))
	binary := filepath.Join(root, "bin", "tokenbooth")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/tokenbooth")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", binary, err, &said)
	}
	return binary, nil
}

// close stops what runs and removes what was written.
func (b *bench) close() error {
	var errs []error
	for _, p := range b.running {
		errs = append(errs, p.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// rest stops what a figure has started and no other needs: it would be at work beside the next one.
func (b *bench) rest() error {
	var errs []error
	b.running = slices.DeleteFunc(b.running, func(p *process) bool {
		for _, t := range b.booths {
			if t.server == p {
				return false
			}
		}
		errs = append(errs, p.stop())
		return true
	})
	return errors.Join(errs...)
}

// closeWhenStopped removes what was written, which may be gigabytes, also when a person ends the program. The function it returns ends that.
func (b *bench) closeWhenStopped() func() {
	stop, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-stop:
			fmt.Fprintln(os.Stderr, "load: stopped;", cmp.Or(errors.Join(b.close(), os.RemoveAll(b.dir)), errors.New("everything is removed")))
			os.Exit(1)
		case <-done:
		}
	}()
	return func() { signal.Stop(stop); close(done) }
}

// side is one of the two servers of a comparison, and what is fired at it.
type side struct {
	name   string
	server *process
	load   volley
}

// turn is what came of one side's turn: answers, and what they took.
type turn struct {
	outcome
	busy time.Duration // processor time of the server
}

// perCore is the rate of answers, of the processor time that the server used.
func (t *turn) perCore() float64 { return float64(t.answers) / t.busy.Seconds() }

// perSecond is the rate of answers, of the time that went by.
func (t *turn) perSecond() float64 { return float64(t.answers) / t.took.Seconds() }

// take gives a side its turn.
func (s *side) take() (t turn, err error) {
	busy, err := s.server.cpu()
	if err != nil {
		return t, err
	}
	if t.outcome, err = s.load.run(); err != nil {
		return t, fmt.Errorf("%s: %w\n%s", s.name, err, s.server.words())
	}
	after, err := s.server.cpu()
	t.busy = after - busy
	return t, err
}

// contest lets two sides take turns, first one then the other leading, after one turn each that does not count. rate is what is
// compared; the other way to see it goes into a note, together with how busy both cores were.
func (b *bench) contest(ours, floor side, rate func(*turn) float64) (comparison, error) {
	sides, turns := [2]*side{&ours, &floor}, [2][]turn{}
	for round := range b.rounds + 1 {
		for k := range sides {
			n := (k + round) % 2
			s := *sides[n]
			s.load.lasts = b.turn
			t, err := s.take()
			if err != nil {
				return comparison{}, err
			}
			t.waits = nil // nobody asks, and they are many
			if round > 0 {
				turns[n] = append(turns[n], t)
			}
		}
	}
	by := func(rate func(*turn) float64) comparison {
		var rates [2][]float64
		for n := range turns {
			for i := range turns[n] {
				rates[n] = append(rates[n], rate(&turns[n][i]))
			}
		}
		return compare(rates[0], rates[1])
	}
	b.explain(ours.name, turns[0], by((*turn).perSecond), by((*turn).perCore))
	return by(rate), nil
}

// explain notes the two ways to compare, how busy both cores were, and when it was the generator that could do no more.
func (b *bench) explain(name string, ours []turn, second, core comparison) {
	var server, generator, took float64
	for _, t := range ours {
		server, generator, took = server+t.busy.Seconds(), generator+(t.took-t.idle).Seconds(), took+t.took.Seconds()
	}
	verdict := ""
	if server < 0.9*took && generator > 0.9*took {
		verdict = ": it could do no more, and the server could"
	}
	b.report.note("%s: %s a second, %s a second of the core (ratios %.2f and %.2f); the server used %.0f %% of its core; the generator was at work for %.0f %% of the time%s.",
		name, whole(second.ours), whole(core.ours), second.ratio, core.ratio, 100*server/took, 100*generator/took, verdict)
}

// play starts one of the floor servers.
func (b *bench) play(core int, role string, args ...string) (side, error) {
	program, err := os.Executable()
	if err != nil {
		return side{}, err
	}
	addr, err := freeAddress()
	if err != nil {
		return side{}, err
	}
	p, err := b.spawn([]int{core}, b.dir, program, append([]string{"floor", role, addr.String()}, args...)...)
	if err != nil {
		return side{}, err
	}
	b.running = append(b.running, p)
	return side{name: "floor of " + role, server: p, load: volley{addr: addr, conns: conns}}, answering(p, addr)
}

// answering waits until a server takes connections.
func answering(p *process, addr netip.AddrPort) error {
	for {
		c, err := net.DialTimeout("tcp", addr.String(), time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the server ended at once: %s", p.words())
		default:
		}
		if time.Since(p.began) > silence {
			return fmt.Errorf("nobody listens at %v after %v: %w", addr, silence, err)
		}
		time.Sleep(time.Millisecond / 2)
	}
}

// freeAddress finds a port that nobody has.
func freeAddress() (netip.AddrPort, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr, err := netip.ParseAddrPort(l.Addr().String())
	return addr, errors.Join(err, l.Close())
}
