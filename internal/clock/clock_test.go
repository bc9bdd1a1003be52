package clock_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenbooth/tokenbooth/internal/clock"
)

var epoch = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// machine has a true time and a wall clock that is off by some of it.
type machine struct{ passed, off time.Duration }

func (m *machine) now() time.Time         { return epoch.Add(m.passed + m.off) }
func (m *machine) elapsed() time.Duration { return m.passed }
func (m *machine) watch() *clock.Watch    { return clock.New(m.now, m.elapsed) }
func (m *machine) want(t *testing.T, w *clock.Watch, what string, safe time.Time, ahead time.Duration) {
	t.Helper()
	if got := w.Safe(); !got.Equal(safe) || w.Ahead() != ahead {
		t.Errorf("%s: safe is %v, %v ahead; want %v, %v", what, got.UTC(), w.Ahead(), safe, ahead)
	}
}

func TestWhileTheClocksAgreeSafeIsNow(t *testing.T) {
	m := &machine{}
	w := m.watch()
	for range 100 {
		m.passed += 3 * time.Hour
		m.off += 10 * time.Millisecond // as a network clock is corrected
		if late := m.now().Sub(w.Safe()); late < 0 || late > time.Second || w.Ahead() != 0 || w.Behind() != 0 {
			t.Fatalf("after %v: %v late", m.passed, late)
		}
	}
}

func TestAJumpAheadAndBackRemovesNothing(t *testing.T) {
	m := &machine{}
	w := m.watch()
	m.off, m.passed = time.Hour, 5*time.Second
	m.want(t, w, "an hour ahead", epoch.Add(m.passed), time.Hour)
	m.off, m.passed = 0, 10*time.Second
	m.want(t, w, "back", epoch.Add(m.passed), 0)
}

func TestAWallClockThatStaysAheadIsBelievedAfterADayOrTwo(t *testing.T) {
	m := &machine{passed: time.Hour}
	w := m.watch()
	m.off = 30 * 365 * 24 * time.Hour // it began in 1996, and then the network told it
	began := m.passed
	for w.Ahead() > 0 {
		m.passed += time.Minute
		if m.passed-began > 2*clock.Day+time.Hour {
			t.Fatal("it is never believed")
		}
	}
	if m.passed-began < clock.Day {
		t.Errorf("believed after %v", m.passed-began)
	}
}

func TestAWallClockThatGoesBackIsFollowedAtOnce(t *testing.T) {
	m := &machine{}
	w := m.watch()
	m.off = -time.Hour
	m.want(t, w, "an hour back", epoch.Add(-time.Hour), 0)
}

// A process that starts while the clock is an hour ahead cannot see the jump; what an earlier one saw tells it.
func TestWhatAnEarlierProcessSawCounts(t *testing.T) {
	m := &machine{off: time.Hour}
	w := m.watch()
	w.Remember(epoch.Add(-time.Minute))
	m.want(t, w, "started in a jump", epoch.Add(-time.Minute), 0)
	m.off = 0
	m.want(t, w, "the clock is right again", epoch.Add(-time.Minute), 0)
	if w.Behind() != 0 {
		t.Errorf("behind by %v", w.Behind())
	}
	m.passed = clock.Day
	m.want(t, w, "a day later", m.now(), 0)
	m.passed = 0
	w = m.watch()
	w.Remember(epoch.Add(time.Hour))
	m.want(t, w, "the mark lies ahead", epoch, 0)
	if w.Behind() != time.Hour {
		t.Errorf("behind by %v", w.Behind())
	}
	m.passed = 2 * time.Hour
	if w.Behind() != 0 {
		t.Errorf("it has caught up, and is behind by %v", w.Behind())
	}
	w.Remember(time.Time{})
	m.want(t, w, "nothing is remembered", m.now(), 0)
}

func TestARealWatchAgreesWithItself(t *testing.T) {
	w := clock.New(time.Now, nil)
	if late := time.Since(w.Safe()); late < 0 || late > time.Second || w.Ahead() != 0 {
		t.Errorf("%v late, %v ahead", late, w.Ahead())
	}
}

// Whatever the wall clock does, as long as it is right for a moment in each day nothing is removed before its true time.
func TestSafeIsNeverLaterThanTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{}
		w := m.watch()
		sinceRight := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "looks") {
			step := time.Duration(rapid.Int64Range(0, int64(6*time.Hour)).Draw(t, "step"))
			m.passed += step
			sinceRight += step
			m.off = time.Duration(rapid.Int64Range(int64(-time.Hour), int64(1000*time.Hour)).Draw(t, "off"))
			if sinceRight > clock.Day-6*time.Hour || rapid.Bool().Draw(t, "right") {
				m.off, sinceRight = 0, 0
			}
			if safe := w.Safe(); safe.After(epoch.Add(m.passed)) || safe.After(m.now()) {
				t.Fatalf("safe is %v, the truth is %v, the clock says %v", safe, epoch.Add(m.passed), m.now())
			}
		}
	})
}
