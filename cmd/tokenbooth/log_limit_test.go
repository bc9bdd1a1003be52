package main

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRow8_EqualLinesAreLimitedAndSaidHowMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(spare(slog.NewJSONHandler(&out, nil)))
		for i := range 20_000 {
			log.With("listener", "public").Warn("refused", "tenant", "acme", "request", strconv.Itoa(i))
		}
		if n := strings.Count(out.String(), "\n"); n != equalLines.Burst {
			t.Errorf("%d lines were written", n)
		}
		out.Reset()
		log.Warn("refused", "tenant", "other")
		log.Error("refused", "tenant", "acme")
		log.Warn("something else", "tenant", "acme")
		if n := strings.Count(out.String(), "\n"); n != 3 {
			t.Errorf("lines that are not equal were left out: %s", out.String())
		}
		time.Sleep(time.Second)
		out.Reset()
		for range 1000 {
			log.Warn("refused", "tenant", "acme")
		}
		if n := strings.Count(out.String(), "\n"); n != int(equalLines.PerSecond) || !strings.Contains(out.String(), `"equal_lines_left_out":19000`) {
			t.Errorf("%d lines a second: %.300s", n, out.String())
		}
		for i := range 10_000 {
			log.Warn(strconv.Itoa(i))
		}
	})
}
