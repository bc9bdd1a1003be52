package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// socketAt is an address in a folder of the test's own, whose path is short enough.
func socketAt(t *testing.T) listenAddress {
	t.Helper()
	dir, err := os.MkdirTemp("", "tb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return listenAddress{"unix", filepath.Join(dir, "s"), 0o640}
}

// abandoned leaves a socket as a process does that was killed.
func abandoned(t *testing.T, at string) {
	t.Helper()
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASocketOfADeadProcessIsReplacedAndOneOfALiveProcessIsNot(t *testing.T) {
	a := socketAt(t)
	abandoned(t, a.at)
	l, err := a.listen()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(a.at); err != nil || info.Mode() != os.ModeSocket|0o640 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := a.listen(); err == nil || err.Error() != "another process listens at "+a.at {
		t.Errorf("a second listener: %v", err)
	}
	if c, err := net.Dial("unix", a.at); err != nil {
		t.Errorf("the first no longer listens: %v", err)
	} else {
		c.Close()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(a.at); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestOfManyWhoStartAtOnceOneListens(t *testing.T) {
	a := socketAt(t)
	abandoned(t, a.at)
	var mu sync.Mutex
	var open []net.Listener
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			l, err := a.listen()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				open = append(open, l)
			} else if !strings.HasPrefix(err.Error(), "another process listens at ") {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(open) != 1 {
		t.Errorf("%d listen", len(open))
	}
	for _, l := range open {
		l.Close()
	}
}

func TestWhatIsNoSocketStays(t *testing.T) {
	a := socketAt(t)
	if err := os.WriteFile(a.at, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.listen(); err == nil || err.Error() != a.at+" is there, is no socket, and stays as it is" {
		t.Error(err)
	}
	if text, err := os.ReadFile(a.at); string(text) != "kept" {
		t.Errorf("%q %v", text, err)
	}
}

// FuzzAddressesOfListeners holds that what is taken can be listened at by those alone who may.
func FuzzAddressesOfListeners(f *testing.F) {
	for _, s := range []string{"127.0.0.1:8080", ":80", "[::1]:80", "unix:/run/x.sock", "unix:/run/x.sock,mode=0660", "unix:/x,mode=", "unix:", "unix:@x", "unix:/a,mode=1,mode=2", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		if socket := strings.HasPrefix(text, "unix:"); socket != (a.network == "unix") ||
			socket && (!filepath.IsAbs(a.at) || len(a.at) > longestPath || a.mode&^0o775 != 0) {
			t.Errorf("%q: %+v", text, a)
		}
	})
}
