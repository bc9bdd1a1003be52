package console

import (
	"sync"
	"time"
)

const linesPerMinute = 30

// pace bounds how often one kind of line is logged, where anybody can cause it. It may be used concurrently.
type pace struct {
	now    func() time.Time
	mu     sync.Mutex
	minute time.Time
	count  int
}

func newPace(now func() time.Time) *pace { return &pace{now: now} }

// admit says whether one more may be written down in this minute.
func (p *pace) admit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if minute := p.now().Truncate(time.Minute); !minute.Equal(p.minute) {
		p.minute, p.count = minute, 0
	}
	p.count++
	return p.count <= linesPerMinute
}
