package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
)

// How many equal lines are written: so many at once, then so many a second. A flood of refusals then costs some megabytes an hour.
var equalLines = limit.Rate{PerSecond: 10, Burst: 1000}

const maxLines = 2000 // kinds of lines that are told apart

// sparing is a handler that leaves out lines that are equal but for what is in them of one request: those of one level, text, tenant and
// case. How many it left out, the next of them that is written says.
type sparing struct {
	slog.Handler
	counts *lineCounts
}

type lineCounts struct {
	rate *limit.Limiter
	mu   sync.Mutex // guards left
	left map[limit.Key]uint64
}

func spare(h slog.Handler) slog.Handler {
	return &sparing{h, &lineCounts{rate: limit.NewLimiter(time.Now, maxLines), left: map[limit.Key]uint64{}}}
}

// Handle writes a record or leaves it out.
func (h *sparing) Handle(ctx context.Context, r slog.Record) error {
	left, write := h.counts.take(keyOf(r))
	if !write {
		return nil
	}
	if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Uint64("equal_lines_left_out", left))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs and WithGroup keep the counts: a logger that says more is none of its own.
func (h *sparing) WithAttrs(a []slog.Attr) slog.Handler {
	return &sparing{h.Handler.WithAttrs(a), h.counts}
}
func (h *sparing) WithGroup(n string) slog.Handler { return &sparing{h.Handler.WithGroup(n), h.counts} }

func keyOf(r slog.Record) limit.Key {
	k := limit.Key{Kind: r.Level.String(), Name: r.Message}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "tenant":
			k.Tenant = a.Value.String()
		case "case":
			k.Name += "\x00" + a.Value.String()
		}
		return true
	})
	return k
}

func (c *lineCounts) take(k limit.Key) (left uint64, write bool) {
	_, write = c.rate.Allow(k, equalLines)
	c.mu.Lock()
	defer c.mu.Unlock()
	if left = c.left[k]; write {
		delete(c.left, k)
	} else if left > 0 || len(c.left) < maxLines {
		c.left[k]++
	}
	return left, write
}
