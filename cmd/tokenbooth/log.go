package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// logHandler writes JSON, or lines for people where format says text or w is a terminal.
func logHandler(w io.Writer, format string, level slog.Level) slog.Handler {
	f, isFile := w.(*os.File)
	terminal := isFile && term.IsTerminal(int(f.Fd()))
	if format == "text" || format == "" && terminal {
		return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !terminal})
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
}
