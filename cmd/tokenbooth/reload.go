package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long files must be quiet before they are read: editors write in several steps.
const settleTime = 200 * time.Millisecond

// watch reads the settings anew on SIGHUP and when a file that matters changes, until ctx is done.
func (b *booth) watch(ctx context.Context, again func() (*settings, error)) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		b.log.Warn("files are not watched; send SIGHUP after a change", "error", err)
		watcher = &fsnotify.Watcher{} // nil channels: only SIGHUP speaks
	} else {
		defer watcher.Close()
	}
	b.follow(watcher)
	quiet := time.NewTimer(0)
	<-quiet.C
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-watcher.Events:
			if b.matters(e.Name) {
				quiet.Reset(settleTime)
			}
			continue
		case <-watcher.Errors:
			continue // an overflow: the next change or SIGHUP is seen again
		case <-hup:
		case <-quiet.C:
		}
		if err := b.reload(ctx, again); err != nil {
			b.log.Error("the new settings have a fault and are not applied; the old ones stay", "error", err)
		}
		b.follow(watcher)
	}
}

// files are what a change of means new settings.
func (b *booth) files() []string {
	files := []string{b.settings.file}
	for _, d := range b.settings.Dialects {
		files = append(files, b.settings.path(d))
	}
	if b.certs != nil {
		files = append(files, b.certs.Files()...)
	}
	return files
}

// follow watches the folders of the files: a file that is replaced is another file.
func (b *booth) follow(w *fsnotify.Watcher) {
	if w.Events == nil {
		return
	}
	for _, f := range b.files() {
		if err := w.Add(filepath.Dir(f)); err != nil {
			b.log.Warn("a file is not watched; send SIGHUP after a change", "file", f, "error", err)
		}
	}
}

func (b *booth) matters(name string) bool {
	for _, f := range b.files() {
		if filepath.Clean(f) == filepath.Clean(name) {
			return true
		}
	}
	return false
}

// reload applies new settings whole, or not at all. What is bound at the start (listeners, data folder, store) stays as it was.
func (b *booth) reload(ctx context.Context, again func() (*settings, error)) error {
	s, err := again()
	if err != nil {
		return err
	}
	surface, err := b.compile(s)
	if err != nil {
		return err
	}
	if b.certs != nil && s.TLS != nil {
		if err := b.certs.Reload(); err != nil {
			return s.fault("tls", err.Error())
		}
	}
	if err := b.desk.keys.Configure(ctx, keyTenants(s)); err != nil {
		return err
	}
	if err := b.desk.registry.SetTenants(s.Tenants); err != nil {
		return err
	}
	old := b.settings
	b.settings = s
	b.show(surface)
	if s.Listen != old.Listen || s.Operators != old.Operators || s.Data != old.Data || s.Store != old.Store || (s.TLS == nil) != (old.TLS == nil) {
		b.log.Warn("listeners, data folder and store are bound at the start; restart to change them")
	}
	b.log.Info("new settings are applied", "file", s.file, "tenants", len(s.Tenants))
	return nil
}
