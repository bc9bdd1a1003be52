package bearer

import "time"

// Hasty lets a Remote lose its patience soon, so that tests of slow issuers are quick.
func Hasty(r Remote) Remote {
	p := usualPace
	p.answer, p.poll, p.grace, p.body, p.patience, p.denied = 400*time.Millisecond, time.Second, 400*time.Millisecond, 600*time.Millisecond,
		200*time.Millisecond, 200*time.Millisecond
	r.pace = &p
	return r
}
