package main

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// How wide help is: as the terminal, within bounds in which it reads well; where there is none, as most are.
const (
	narrowestHelp, widestHelp = 40, 120
	helpWithoutTerminal       = 80
)

// Weight is all the style there is. Colours would have to suit the background, and to ask a terminal for that is to wait for an answer
// that many never give.
var bold = lipgloss.NewStyle().Bold(true)

// showHelp writes the help of a command.
func showHelp(cmd *cobra.Command, _ []string) {
	p := printerOf(cmd)
	width := p.width
	if width == 0 {
		width = helpWithoutTerminal
	}
	if err := p.styled(helpOf(cmd, width)); err != nil {
		showError(cmd.ErrOrStderr(), err)
	}
}

// helpOf is the help of a command, wrapped to a width. What is there to be copied is never cut: a command that is too long goes on behind
// a backslash, and indented samples in a text stay as they are.
func helpOf(cmd *cobra.Command, width int) string {
	h := &help{width: min(max(width, narrowestHelp), widestHelp)}
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	h.prose(text)
	h.title("Usage")
	h.command(usageOf(cmd))
	if cmd.Example != "" {
		h.title("Examples")
		for example := range strings.Lines(cmd.Example) {
			h.command(strings.TrimSpace(example))
		}
	}
	var commands []line
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			commands = append(commands, line{strings.TrimSuffix(c.Use, " [flags]"), c.Short})
		}
	}
	h.list("Commands", commands)
	h.list("Flags", flagLines(cmd.LocalFlags()))
	h.list("Shared flags", flagLines(cmd.InheritedFlags()))
	if len(commands) > 0 {
		h.prose("\nMore about one: " + cmd.CommandPath() + " COMMAND --help")
	}
	return h.String()
}

// usageOf is how a command is called.
func usageOf(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

// flagLines are flags and what is said of them. A default is named that is more than nothing.
func flagLines(flags *pflag.FlagSet) (lines []line) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		switch {
		case value == "string":
			name += " TEXT"
		case f.Value.Type() != "bool":
			name += " " + value
		}
		if d := f.DefValue; d != "" && d != "false" && d != "[]" {
			text += " (default " + d + ")"
		}
		lines = append(lines, line{name, text})
	})
	return lines
}

// help is a text for people that is being written.
type help struct {
	strings.Builder
	width int
}

func (h *help) title(text string) { fmt.Fprintf(h, "\n%s\n", bold.Render(text)) }

// prose writes paragraphs, wrapped. Lines that are indented, and empty ones, stay as they are.
func (h *help) prose(text string) {
	var paragraph []string
	end := func() {
		for _, l := range wrapped(strings.Join(paragraph, " "), h.width) {
			h.WriteString(l + "\n")
		}
		paragraph = nil
	}
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if l != "" && l[0] != ' ' && l[0] != '\t' {
			paragraph = append(paragraph, l)
			continue
		}
		end()
		h.WriteString(l + "\n")
	}
	end()
}

// command writes a command that can be copied. A remark behind one that is too long stands above it.
func (h *help) command(text string) {
	if bare, remark, ok := strings.Cut(text, "  # "); ok && lipgloss.Width(text)+2 > h.width {
		h.command("# " + strings.TrimSpace(remark))
		text = strings.TrimSpace(bare)
	}
	for _, l := range folded(text, h.width-2) {
		h.WriteString("  " + l + "\n")
	}
}

// list writes names and what they mean in two columns. A name that would need half of the width has a line of its own.
func (h *help) list(title string, lines []line) {
	if len(lines) == 0 {
		return
	}
	h.title(title)
	indent := 8
	for _, l := range lines {
		if needs := lipgloss.Width(l.name) + 4; needs <= h.width/2 {
			indent = max(indent, needs)
		}
	}
	for _, l := range lines {
		name := "  " + bold.Render(l.name)
		if lipgloss.Width(name)+2 > indent {
			h.WriteString(name + "\n")
			name = ""
		}
		for _, text := range wrapped(l.value, h.width-indent) {
			h.WriteString(name + strings.Repeat(" ", indent-lipgloss.Width(name)) + text + "\n")
			name = ""
		}
	}
}

// wrapped breaks a paragraph between words. A word that is longer than a line stays whole.
func wrapped(text string, width int) (lines []string) {
	for word := range strings.FieldsSeq(text) {
		if last := len(lines) - 1; last >= 0 && lipgloss.Width(lines[last])+1+lipgloss.Width(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// folded breaks a command as a shell lets it be broken: with a backslash, and not within quotes.
func folded(text string, width int) []string {
	if lipgloss.Width(text) <= width || strings.HasPrefix(text, "#") {
		return []string{text}
	}
	lines := []string{""}
	for _, word := range shellWords(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case lipgloss.Width(*last)+1+lipgloss.Width(word)+2 <= width: // with the room for a backslash
			*last += " " + word
		default:
			*last += ` \`
			lines = append(lines, "    "+word)
		}
	}
	return lines
}

// shellWords splits a command at the spaces outside of quotes. A flag and its value are one word, so that they stay together.
func shellWords(text string) (words []string) {
	quote, open := rune(0), false
	for _, r := range text {
		switch {
		case quote == 0 && r == ' ':
			open = false
			continue
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		}
		if !open {
			words, open = append(words, ""), true
		}
		words[len(words)-1] += string(r)
	}
	for i := len(words) - 1; i > 0; i-- {
		if strings.HasPrefix(words[i-1], "-") && !strings.HasPrefix(words[i], "-") {
			words[i-1] += " " + words[i]
			words = append(words[:i], words[i+1:]...)
		}
	}
	return words
}

// helpCommand is the help of a command that is named: tokenbooth help client create.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if at, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, c := range at.Commands() {
					if c.IsAvailableCommand() {
						names = append(names, described(c.Name(), c.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return noCommand(at, rest[0])
			}
			return at.Help()
		},
	}
}

// noCommand says which commands there are where one was named that is not.
func noCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no commands of its own; see %[1]s --help", cmd.CommandPath())
	}
	return fmt.Errorf("%s has no command %q; there are %s%s", cmd.CommandPath(), name, strings.Join(names, ", "), didYouMean(name, names))
}
