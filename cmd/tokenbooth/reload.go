package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/tokenbooth/tokenbooth/internal/server"
)

// settleTime is how long files must be quiet before they are read: editors write in several steps.
const settleTime = 200 * time.Millisecond

// watch reads the settings anew on SIGHUP and when a file that matters changes, until ctx is done.
func (f *front) watch(ctx context.Context, again func() (*settings, error)) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		f.log.Warn("files are not watched; send SIGHUP after a change", "error", err)
		watcher = &fsnotify.Watcher{} // nil channels: only SIGHUP speaks
	} else {
		defer watcher.Close()
	}
	f.watchFiles(watcher)
	quiet := time.NewTimer(0)
	<-quiet.C
	if s, err := again(); err != nil || !reflect.DeepEqual(s.Tenants, f.settings.Tenants) {
		quiet.Reset(settleTime) // changed after it was read and before it was watched
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-watcher.Events:
			if f.matters(e.Name) {
				quiet.Reset(settleTime)
			}
			continue
		case <-watcher.Errors:
			continue // an overflow: the next change or SIGHUP is seen again
		case <-hup:
			f.reopen()
		case <-quiet.C:
		}
		f.watchFiles(watcher) // a folder that was away and is back, before it is read
		folder := f.settings.tenantFolder()
		err := f.reload(ctx, again)
		f.outcome.note(f.now(), err)
		if err != nil {
			f.log.Error("the new settings have a fault and are not applied; the old ones stay", "error", err)
		}
		f.watchFiles(watcher)
		if f.settings.tenantFolder() != folder {
			quiet.Reset(settleTime) // it has been read before it was watched
		}
	}
}

// reloadCertificates reads certificates again. One that cannot be read stays what it was.
func (f *front) reloadCertificates(s *settings) error {
	if f.certs != nil && s.TLS != nil {
		if err := f.certs.Reload(); err != nil {
			return s.fault("tls", err.Error())
		}
	}
	if f.operatorCerts != nil && s.OperatorsTLS != nil {
		if err := f.operatorCerts.Reload(); err != nil {
			return s.fault("operators_tls", err.Error())
		}
	}
	if f.checkCerts != nil && s.Check != nil && s.Check.TLS != nil {
		if err := f.checkCerts.Reload(); err != nil {
			return s.fault("check.tls", err.Error())
		}
	}
	return nil
}

// reload applies new settings whole, or not at all. What is bound at the start (listeners, data folder, store) stays as it was.
func (f *front) reload(ctx context.Context, again func() (*settings, error)) error {
	s, err := again()
	if err != nil {
		return err
	}
	defer func() { f.settle(ctx, f.settings) }()
	if err := f.prepare(ctx, s); err != nil {
		return err
	}
	surface, err := f.compile(s)
	if err != nil {
		return err
	}
	if err := f.reloadCertificates(s); err != nil {
		return err
	}
	if err := f.apply(ctx, s); err != nil {
		return err
	}
	old := f.settings
	f.settings = s
	f.show(surface)
	if s.Listen != old.Listen || s.Operators != old.Operators || s.Data != old.Data || s.Store != old.Store || (s.TLS == nil) != (old.TLS == nil) ||
		(s.OperatorsTLS == nil) != (old.OperatorsTLS == nil) || s.Console != old.Console || !reflect.DeepEqual(s.ExpiryWarnings, old.ExpiryWarnings) ||
		s.checkAddress() != old.checkAddress() || s.Check != nil && old.Check != nil && !reflect.DeepEqual(s.Check.TLS, old.Check.TLS) ||
		!slices.Equal(s.TrustedProxies, old.TrustedProxies) || !reflect.DeepEqual(s.Backup, old.Backup) {
		f.log.Warn("listeners, trusted proxies, data folder, store, backups, console and expiry warnings are bound at the start; restart to change them")
	}
	f.log.Info("new settings are applied", "file", s.file, "tenants", len(s.Tenants))
	return nil
}

// outcome is what became of the settings when they were last read.
type outcome struct {
	mu      sync.Mutex
	applied time.Time // when those in force were
	refused string    // why those of the file are not in force; empty: they are
}

// note keeps what became of a reload, of a fault its first line: what follows is an excerpt of the file.
func (o *outcome) note(now time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.applied, o.refused = now, ""
		return
	}
	o.refused, _, _ = strings.Cut(err.Error(), "\n")
}

func (o *outcome) read() (applied time.Time, refused string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.applied, o.refused
}

// countReloads publishes whether the settings in force are those of the file.
func (f *front) countReloads() {
	f.outcome.note(f.now(), nil)
	f.metrics.Figure("tokenbooth_settings_reload_failed", "1 while the settings in force are not those of the file, because these have a fault.", func() float64 {
		if _, refused := f.outcome.read(); refused != "" {
			return 1
		}
		return 0
	})
	f.metrics.Figure("tokenbooth_settings_applied_timestamp_seconds", "When the settings in force were applied.", func() float64 {
		applied, _ := f.outcome.read()
		return float64(applied.UnixMilli()) / 1000
	})
}

// state is the health of a process with what became of its settings and how its clocks agree. Old settings in force are no reason to send callers elsewhere.
func (f *front) state(ctx context.Context) server.Health {
	h := f.health(ctx)
	f.judgeClock(&h)
	if applied, refused := f.outcome.read(); refused != "" {
		h.Settings = &server.Settings{Refused: refused, InForceSince: applied.UTC()}
	}
	return h
}
