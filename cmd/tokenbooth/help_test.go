package main

import (
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand calls see with each command that people can call.
func everyCommand(cmd *cobra.Command, see func(*cobra.Command)) {
	if !cmd.HasParent() {
		cmd.InitDefaultCompletionCmd()
	}
	see(cmd)
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			everyCommand(c, see)
		}
	}
}

func TestHelpOfEveryCommandKeepsToTheWidthAndCutsNothing(t *testing.T) {
	for _, width := range []int{60, 80, 120} {
		everyCommand(command(), func(cmd *cobra.Command) {
			text := plain(helpOf(cmd, width))
			for l := range strings.SplitSeq(text, "\n") {
				sample := strings.HasPrefix(l, " ") && strings.Contains(cmd.Long, strings.TrimSpace(l))
				word := !strings.Contains(strings.TrimPrefix(strings.TrimSpace(l), "--"), " ") || folds(l) // a key, say: it stays whole
				if lipgloss.Width(l) > width && !sample && !word && !strings.HasPrefix(l, "\t") {
					t.Errorf("%s at %d: this line has %d columns: %s", cmd.CommandPath(), width, lipgloss.Width(l), l)
				}
				if strings.HasSuffix(l, "…") && !sample || strings.Contains(l, "`") {
					t.Errorf("%s at %d: cut, or with marks: %s", cmd.CommandPath(), width, l)
				}
			}
			for example := range strings.Lines(cmd.Example) {
				example, _, _ = strings.Cut(strings.TrimSpace(example), "  # ")
				if unfolded := strings.ReplaceAll(text, " \\\n      ", " "); !strings.Contains(unfolded, strings.TrimSpace(example)) {
					t.Errorf("%s at %d: cannot be copied as it was written: %s\n%s", cmd.CommandPath(), width, example, text)
				}
			}
			for _, word := range strings.Fields(cmd.Long) {
				if !strings.Contains(text, word) {
					t.Errorf("%s at %d: lacks %q", cmd.CommandPath(), width, word)
				}
			}
		})
	}
}

// folds reports whether a line is the rest of a folded command that has one flag, which keeps its value.
func folds(l string) bool {
	flag, ok := strings.CutPrefix(l, "      --")
	return ok && len(strings.Fields(strings.TrimSuffix(flag, "\\"))) == 2
}

// plain is a text without its weights.
func plain(text string) string {
	return strings.NewReplacer("\x1b[1m", "", "\x1b[m", "").Replace(text)
}

func TestTheDefaultOfAFlagIsSaidOnceAndIsWhatItIs(t *testing.T) {
	said := map[string]string{} // of each flag that has one
	everyCommand(command(), func(cmd *cobra.Command) {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			text := flagLines(cmd.LocalFlags())
			for _, l := range text {
				if _, rest, ok := strings.Cut(l.value, "(default "); ok && strings.HasSuffix(strings.Fields(l.name)[0], "--"+f.Name) {
					said[cmd.CommandPath()+" --"+f.Name] = strings.TrimSuffix(rest, ")")
				}
			}
			if strings.Contains(f.Usage, "(default") && f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
				t.Errorf("%s --%s says its default twice: %s, %s", cmd.CommandPath(), f.Name, f.Usage, f.DefValue)
			}
		})
	})
	for name := range said {
		if strings.Contains(name, " update ") {
			t.Errorf("%s: an update leaves alone what is not said, and the help speaks of a default: %s", name, said[name])
		}
	}
	want := map[string]string{"tokenbooth client create --id": "one is drawn",
		"tokenbooth client rotate --overlap": "24h", "tokenbooth demo --listen": "127.0.0.1:8080", "tokenbooth demo --data": "tokenbooth-demo"}
	got := map[string]string{}
	for name := range want {
		got[name] = said[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACommandIsFoldedOnlyWhereAShellLetsIt(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"short --one", []string{"short --one"}},
		{"a command --name 'with a space' --yes", []string{"a command \\", "    --name 'with a space' \\", "    --yes"}},
		{"cat file | command --name x", []string{"cat file | command \\", "    --name x"}},
		{"# a remark that is longer than a line may be", []string{"# a remark that is longer than a line may be"}},
	} {
		if diff := cmp.Diff(test.want, folded(test.text, 26)); diff != "" {
			t.Errorf("%s: %s", test.text, diff)
		}
	}
}
