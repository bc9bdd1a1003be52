package main

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// silentTerminal opens a terminal of a width that shows what it is sent and never answers a question.
func silentTerminal(t *testing.T, width int) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return screen, tty
}

// self is this program, which is the command where it is called so.
func self(t *testing.T) string {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// onTerminal runs the command on a silent terminal and returns what that shows, and after what time the command had ended.
func onTerminal(t *testing.T, width int, env []string, args ...string) (string, time.Duration) {
	t.Helper()
	screen, tty := silentTerminal(t, width)
	cmd := exec.Command(self(t))
	cmd.Args = append([]string{"tokenbooth"}, args...)
	cmd.Dir, cmd.Env = t.TempDir(), append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	var shown bytes.Buffer
	_, _ = shown.ReadFrom(screen) // it ends with an error when nobody has the terminal any more
	took := time.Since(begin)
	_ = cmd.Wait() // wrong commands end with 1
	return strings.ReplaceAll(shown.String(), "\r\n", "\n"), took
}

func TestNoCommandAsksTheTerminalAndWaitsForItsAnswer(t *testing.T) {
	colours := []string{"TERM=xterm-256color", "COLORTERM=truecolor"}
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"a wrong command", colours, []string{"clinet"}, "did you mean client?"},
		{"a wrong command, no colours", append(colours, "NO_COLOR=1"), []string{"clinet"}, "did you mean client?"},
		{"a wrong flag", colours, []string{"client", "list", "--nope"}, "unknown flag: --nope"},
		{"no settings", colours, []string{"client", "list"}, "tokenbooth: "},
		{"no arguments", colours, nil, "\x1b["},
		{"help", colours, []string{"help"}, "\x1b["},
		{"help of a command", colours, []string{"client", "create", "--help"}, "allow-from NETWORK"},
		{"help, CI", append(colours, "CI=true"), []string{"help"}, "Commands"},
		{"help, no colours", append(colours, "NO_COLOR=1"), []string{"help"}, "Commands"},
		{"help, a dumb terminal", []string{"TERM=dumb"}, []string{"help"}, "\nCommands\n"},
		{"version", colours, []string{"--version"}, "tokenbooth version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			begin := time.Now()
			plain := &exec.Cmd{Path: self(t), Args: append([]string{"tokenbooth"}, test.args...), Dir: t.TempDir()}
			_ = plain.Run() // without a terminal, wherever and however this was built
			bound := 500*time.Millisecond + time.Since(begin)
			least := time.Hour
			for range 3 { // of three: the machine may be at something else
				shown, took := onTerminal(t, 60, test.env, test.args...)
				if !strings.Contains(shown, test.want) {
					t.Fatalf("shown is not %q:\n%s", test.want, shown)
				}
				for _, question := range []string{"\x1b]", "\x1bP", "\x1b[c", "\x1b[>", "\x1b[?", "\x1b[6n"} {
					if strings.Contains(shown, question) {
						t.Fatalf("the terminal is asked something: %q in %q", question, shown)
					}
				}
				if least = min(least, took); least < bound {
					break
				}
			}
			if least >= bound {
				t.Errorf("it took %s, and without a terminal less than %s", least, bound-500*time.Millisecond)
			}
		})
	}
}

func TestHelpIsAsWideAsTheTerminal(t *testing.T) {
	widest := map[int]int{}
	for _, width := range []int{60, 80, 120} {
		shown, _ := onTerminal(t, width, []string{"TERM=dumb"}, "client", "create", "--help")
		for l := range strings.SplitSeq(shown, "\n") {
			widest[width] = max(widest[width], len(l))
		}
		if widest[width] > width || widest[width] < width-12 {
			t.Errorf("on a terminal of %d columns the widest line has %d:\n%s", width, widest[width], shown)
		}
	}
}
