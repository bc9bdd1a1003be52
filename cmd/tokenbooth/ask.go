package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// maxTyped bounds what is read as one answer, in bytes.
const maxTyped = 4096

// asker asks who sits at the terminal; where nobody does, flags have to say it.
type asker struct {
	in       io.Reader
	prompt   io.Writer
	terminal int // file descriptor of the terminal that answers; -1: nobody does
	yes      bool
}

func askerOf(cmd *cobra.Command) *asker {
	a := &asker{in: cmd.InOrStdin(), prompt: cmd.ErrOrStderr(), terminal: -1}
	if f, ok := a.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.terminal = int(f.Fd())
	}
	if f := cmd.Flags().Lookup("yes"); f != nil {
		a.yes = f.Value.String() == "true"
	}
	return a
}

// addYes gives a dangerous command the flag that answers its question.
func addYes(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolP("yes", "y", false, "do not ask")
	return cmd
}

// confirm asks before something that cannot be undone. danger is a sentence.
func (a *asker) confirm(ctx context.Context, danger string) error {
	if a.yes {
		return nil
	}
	if a.terminal < 0 {
		return fmt.Errorf("%s Say --yes to do it without being asked", danger)
	}
	fmt.Fprintf(a.prompt, "%s Go on? [y/N] ", harmless(danger))
	answer, err := a.answer(ctx, a.typed)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// password reads a password twice without showing it.
func (a *asker) password(ctx context.Context, whose string) (oauth.Secret, error) {
	first, err := a.hidden(ctx, "Password of "+whose)
	if err != nil {
		return "", err
	}
	second, err := a.hidden(ctx, "The same again")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

// hidden reads a line from the terminal without showing it.
func (a *asker) hidden(ctx context.Context, question string) (oauth.Secret, error) {
	shown, err := term.GetState(a.terminal)
	if err != nil {
		return "", fmt.Errorf("prepare the terminal: %w", err)
	}
	fmt.Fprint(a.prompt, harmless(question)+": ")
	text, err := a.answer(ctx, func() (string, error) {
		b, err := term.ReadPassword(a.terminal)
		return string(b), err
	})
	fmt.Fprintln(a.prompt)
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(a.terminal, shown)) // the reader that was left behind has switched the echo off
	}
	return oauth.Secret(text), err
}

// answer waits for the terminal, or for the interrupt that ends the waiting.
func (a *asker) answer(ctx context.Context, read func() (string, error)) (string, error) {
	type reply struct {
		text string
		err  error
	}
	c := make(chan reply, 1)
	go func() {
		text, err := read()
		c <- reply{text, err}
	}()
	select {
	case r := <-c:
		if r.err != nil {
			return "", fmt.Errorf("read the answer: %w; nothing was changed", r.err)
		}
		return r.text, nil
	case <-ctx.Done():
		return "", errors.New("interrupted; nothing was changed")
	}
}

// typed reads one line, and not a byte more.
func (a *asker) typed() (string, error) {
	var text []byte
	for b := make([]byte, 1); len(text) <= maxTyped; {
		n, err := a.in.Read(b)
		if n == 1 && b[0] == '\n' {
			return string(text), nil
		}
		text = append(text, b[:n]...)
		if errors.Is(err, io.EOF) {
			return string(text), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("more than %d bytes on one line", maxTyped)
}

// piped reads a secret that a program hands over on standard input: its first line.
func (a *asker) piped(what string) (oauth.Secret, error) {
	line, err := a.typed()
	if err != nil {
		return "", fmt.Errorf("read %s from standard input: %w", what, err)
	}
	read, err := text.Decode([]byte(line))
	if err != nil {
		return "", fmt.Errorf("read %s from standard input: %w", what, err)
	}
	line = strings.TrimSuffix(string(read), "\r")
	if line == "" {
		return "", fmt.Errorf("there is no %s on standard input: its first line is empty", what)
	}
	return oauth.Secret(line), nil
}
