package bearer_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// TestReq015_APageThatIsNotTheIssuersOwnIsRefused shows a guard pages of every wrong kind: none changes what it knows or how old that is.
func TestReq015_APageThatIsNotTheIssuersOwnIsRefused(t *testing.T) {
	extra := revocation.Entry{Name: revocation.NameOf(revocation.Issuer, ""), Before: time.Now().Add(time.Hour), Until: time.Now().Add(2 * time.Hour)}
	more := func(l *revocation.List) *revocation.List {
		l.Entries = append(l.Entries[:len(l.Entries):len(l.Entries)], extra)
		l.Sequence++
		l.Latest++
		return l
	}
	for name, page := range map[string]func(b *booth, l *revocation.List) string{
		"signed as an access token": func(b *booth, l *revocation.List) string { return b.signed("", "at+jwt", more(l)) },
		"signed as a JWT":           func(b *booth, l *revocation.List) string { return b.signed("", "JWT", more(l)) },
		"of another issuer": func(b *booth, l *revocation.List) string {
			l.Issuer = "https://evil.example"
			return b.signed("", revocation.Type, more(l))
		},
		"of an issuer in another spelling": func(b *booth, l *revocation.List) string {
			l.Issuer += "/"
			return b.signed("", revocation.Type, more(l))
		},
		"an old one": func(b *booth, l *revocation.List) string {
			l.IssuedAt = b.clock.now().Add(-62 * time.Second)
			return b.signed("", revocation.Type, more(l))
		},
		"one from the future": func(b *booth, l *revocation.List) string {
			l.IssuedAt = b.clock.now().Add(12 * time.Second)
			return b.signed("", revocation.Type, more(l))
		},
		"an earlier first page once more": func(b *booth, l *revocation.List) string {
			l.After, l.Sequence, l.Latest, l.Entries = 0, 0, 0, nil
			return b.signed("", revocation.Type, l)
		},
		"one that leaves a gap": func(b *booth, l *revocation.List) string {
			l.After, l.Sequence, l.Latest = l.After+5, l.Sequence+5, l.Latest+5
			return b.signed("", revocation.Type, more(l))
		},
		"the middle of another epoch": func(b *booth, l *revocation.List) string {
			l.Epoch = "other"
			return b.signed("", revocation.Type, more(l))
		},
		"one that leads nowhere": func(b *booth, l *revocation.List) string {
			l.Latest += 5
			return b.signed("", revocation.Type, l)
		},
		"signed by nobody we know": func(b *booth, l *revocation.List) string {
			kid := b.publish()
			b.mu.Lock()
			delete(b.keys, kid)
			b.mu.Unlock()
			return b.signed(kid, revocation.Type, more(l))
		},
		"with a bad signature": func(b *booth, l *revocation.List) string {
			text := b.signed("", revocation.Type, more(l))
			return text[:strings.LastIndexByte(text, '.')+1] + strings.Repeat("A", 86)
		},
		"not signed": func(b *booth, l *revocation.List) string {
			return segment(object{"alg": "none"}) + "." + segment(string(l.Claims())) + "."
		},
		"no JWS at all": func(*booth, *revocation.List) string { return `{"revoked":""}` },
		"empty":         func(*booth, *revocation.List) string { return "" },
		"claims of a token": func(b *booth, _ *revocation.List) string {
			return b.sign("", revocation.Type, claims(object{"iss": b.URL}))
		},
		"not JSON": func(b *booth, _ *revocation.List) string { return b.sign("", revocation.Type, "nonsense") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooth(t)
			b.take(revocation.Token, "gone", time.Time{})
			i, v := b.guard(t, nil)
			var shown atomic.Int64
			b.answerInstead(feedPath, func(w http.ResponseWriter, r *http.Request) {
				shown.Add(1)
				_, _ = fmt.Fprint(w, page(b, b.list("e1", 1)))
			})
			b.wake()
			b.clock.move(20 * time.Second) // what was read before is at least as old as this
			eventually(t, "shown", func() bool { return shown.Load() > 1 })
			if s := i.State(); s.Staleness < 20*time.Second || s.Revocations != 1 || !strings.Contains(s.LastError, "page of revocations was refused") {
				t.Errorf("%+v", s)
			}
			accepts(t, v, b.mint(nil))
			b.answerInstead(feedPath, nil)
			eventually(t, "followed again", func() bool { b.wake(); return i.State().Staleness < 10*time.Second })
			refuses(t, v, b.mint(object{"jti": "gone"}))
			if s := i.State(); s.LastError != "" || s.Epoch != "e1" || s.Sequence != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestManyPagesAreReadToTheEndBeforeAGuardIsReady(t *testing.T) {
	b := newBooth(t)
	b.page = 10
	for n := range 95 {
		b.take(revocation.Token, fmt.Sprint("id-", n), time.Time{})
	}
	i, v := b.guard(t, nil)
	if s := i.State(); s.Sequence != 95 || s.Revocations != 95 || b.count(feedPath) < 10 {
		t.Errorf("%+v after %d pages", s, b.count(feedPath))
	}
	refuses(t, v, b.mint(object{"jti": "id-94"}))
	accepts(t, v, b.mint(object{"jti": "id-95"}))

	b.restart()
	eventually(t, "in the new epoch", func() bool { return i.State().Epoch == "e1x" && i.State().Sequence == 95 })
	if s := i.State(); s.Revocations != 95 || s.LastError != "" {
		t.Errorf("%+v", s)
	}
	b.take(revocation.Token, "id-95", time.Time{})
	eventually(t, "followed", func() bool { return i.State().Revocations == 96 })
}

func TestAnIssuerThatForgotKeepsWhatItTookBack(t *testing.T) {
	b := newBooth(t)
	b.take(revocation.Token, "gone", time.Time{})
	i, v := b.guard(t, nil)
	b.mu.Lock()
	b.entries = nil
	b.mu.Unlock()
	b.restart()
	eventually(t, "in the new epoch", func() bool { return i.State().Epoch == "e1x" })
	refuses(t, v, b.mint(object{"jti": "gone"}))
}

func TestAnIssuerThatDoesNotWaitIsNotAskedWithoutEnd(t *testing.T) {
	b := newBooth(t)
	b.answerInstead(feedPath, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Prefer")
		b.feed(w, r)
	})
	i, _ := b.guard(t, nil)
	before := b.count(feedPath)
	time.Sleep(1200 * time.Millisecond)
	if n := b.count(feedPath) - before; n > 4 {
		t.Errorf("asked %d times in 1.2 s", n)
	}
	if s := i.State(); s.LastError != "" {
		t.Errorf("%+v", s)
	}
}

func TestReq102_B47_SlowHugeAndRedirectingAnswersAreGivenUp(t *testing.T) {
	elsewhere := newBooth(t)
	drip := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	huge := func(w http.ResponseWriter, r *http.Request) {
		block := []byte(strings.Repeat(" ", 1<<16))
		for range 200 { // 12.5 MiB
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	announced := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(1<<40))
		w.WriteHeader(http.StatusOK)
	}
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}
	short := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
		panic(http.ErrAbortHandler)
	}
	teapot := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }
	for name, h := range map[string]http.HandlerFunc{"silent": hang, "dripping": drip, "huge": huge, "announced huge": announced, "redirecting": redirect,
		"broken off": short, "another status": teapot} {
		for _, path := range []string{metadataPath, keysPath, feedPath, lookUpPath} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				b := newBooth(t)
				b.answerInstead(path, h)
				i := b.follow(t, func(r *bearer.Remote) { *r = bearer.Hasty(*r) })
				v := must(i.Verifier(audience))
				opaque, jwt := b.issue(nil), b.mint(nil)
				switch path {
				case lookUpPath:
					eventually(t, "read", func() bool { return i.State().Keys == 1 })
					accepts(t, v, jwt)
				default:
					faults(t, v, jwt)
				}
				if path != feedPath && path != keysPath {
					began := time.Now()
					faults(t, v, opaque)
					if took := time.Since(began); took > 2*time.Second {
						t.Errorf("took %v", took)
					}
				}
				eventually(t, "known to fail", func() bool { return i.State().LastError != "" })
				if s := i.State(); s.Ready && path != lookUpPath {
					t.Errorf("%+v", s)
				}
			})
		}
	}
	t.Cleanup(func() {
		for _, path := range []string{metadataPath, keysPath, feedPath, lookUpPath} {
			if elsewhere.count(path) != 0 {
				t.Errorf("a redirect was followed to %s", path)
			}
		}
	})
}

func TestR23_TwoProcessesBehindOneAddressAreBothReadToTheEnd(t *testing.T) {
	b := newBooth(t)
	b.page = 10
	for n := range 95 {
		b.take(revocation.Token, fmt.Sprint("gone-", n), time.Time{})
	}
	var turn atomic.Int64
	var sent sync.Map // how many entries each process had to send
	b.answerInstead(feedPath, func(w http.ResponseWriter, r *http.Request) {
		epoch, after := fmt.Sprint("process-", turn.Add(1)%2), uint64(0)
		for at := range strings.SplitSeq(r.URL.Query().Get("after"), ",") {
			if e, n, _ := strings.Cut(at, "."); e == epoch {
				after = must(strconv.ParseUint(n, 10, 64))
			}
		}
		l := b.list("e1", after)
		l.Epoch = epoch
		count, _ := sent.LoadOrStore(epoch, new(atomic.Int64))
		count.(*atomic.Int64).Add(int64(len(l.Entries)))
		_, _ = fmt.Fprint(w, b.signed("", revocation.Type, l))
	})
	i, v := b.guard(t, nil)
	eventually(t, "all read", func() bool { return i.State().Revocations == 95 && i.State().Ready })
	refuses(t, v, b.mint(object{"jti": "gone-94"}))
	b.take(revocation.Token, "late", time.Time{})
	eventually(t, "news heard", func() bool { return i.State().Revocations == 96 })
	sent.Range(func(epoch, count any) bool {
		if n := count.(*atomic.Int64).Load(); n > 96 {
			t.Errorf("%v sent %d entries, some of them twice", epoch, n)
		}
		return true
	})
}
