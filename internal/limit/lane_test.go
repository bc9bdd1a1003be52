package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestReq111_R35_OverflowOfTheLaneIsAnsweredWithin50msAndNoMoreWorkRunsThanConfigured(t *testing.T) {
	const workers, queue = 4, 16
	l := NewLane(workers, queue)
	var running, most, ran, full atomic.Int64
	var slowest atomic.Int64
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 10 * (workers + queue) {
		wg.Go(func() {
			start := time.Now()
			err := l.Do(t.Context(), Turn{}, func() {
				n := running.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				<-release
				running.Add(-1)
				ran.Add(1)
			})
			if errors.Is(err, ErrFull) {
				full.Add(1)
				took := int64(time.Since(start))
				for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); old = slowest.Load() {
				}
			}
		})
	}
	for full.Load() < 9*(workers+queue) {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if most.Load() > workers || ran.Load() != workers+queue || full.Load() != 9*(workers+queue) {
		t.Errorf("at once %d, ran %d, refused %d", most.Load(), ran.Load(), full.Load())
	}
	if d := time.Duration(slowest.Load()); d >= 50*time.Millisecond {
		t.Errorf("a refusal took %v", d)
	}
}

func TestLaneForgetsWhoStopsWaitingAndSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLane(1, 1)
		release := make(chan struct{})
		go func() { _ = l.Do(t.Context(), Turn{}, func() { <-release }) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Do(ctx, Turn{}, func() { t.Error("ran although nobody waited any more") }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting in vain: %v", err)
		}
		close(release)
		synctest.Wait()
		if err := l.Do(ctx, Turn{}, func() { t.Error("ran for a caller that was gone") }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("coming too late: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = l.Do(t.Context(), Turn{}, func() { panic("as work may") })
		}()
		ran := false
		if err := l.Do(t.Context(), Turn{}, func() { ran = true }); err != nil || !ran {
			t.Errorf("after a panic: %v", err)
		}
	})
}

func BenchmarkLane(b *testing.B) {
	l := NewLane(2, 10)
	for b.Loop() {
		_ = l.Do(b.Context(), Turn{}, func() {})
	}
}
