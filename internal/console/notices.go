package console

import "sync"

const maxNotices = 4096

// notices are what sessions are to be told on their next page. They live in memory: one that is lost with the process is no loss.
type notices struct {
	mu   sync.Mutex
	text map[string]string // by session
}

func newNotices() *notices { return &notices{text: map[string]string{}} }

func (n *notices) put(session, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.text) >= maxNotices {
		clear(n.text) // they have been left behind by browsers that never came back
	}
	n.text[session] = text
}

// take returns the notice of a session, once.
func (n *notices) take(session string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := n.text[session]
	delete(n.text, session)
	return text
}
