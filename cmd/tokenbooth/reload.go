package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
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
		if err := f.reload(ctx, again); err != nil {
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

// files are what a change of means new settings.
func (f *front) files() []string {
	files := []string{f.settings.file}
	if folder := f.settings.tenantFolder(); folder != "" {
		files = append(files, folder)
	}
	if c := f.settings.Check; c != nil && c.SecretFile != "" {
		files = append(files, f.settings.path(c.SecretFile))
	}
	for _, t := range f.settings.Tenants {
		if t.Follow != nil {
			files = append(files, f.settings.path(t.Follow.ClientSecretFile))
		}
	}
	for _, d := range f.settings.Dialects {
		files = append(files, f.settings.path(d))
	}
	for _, certs := range []*server.Certificates{f.certs, f.operatorCerts, f.checkCerts} {
		if certs != nil {
			files = append(files, certs.Files()...)
		}
	}
	return files
}

// watchFiles watches the folders of the files: a file that is replaced is another file.
func (f *front) watchFiles(w *fsnotify.Watcher) {
	if w.Events == nil {
		return
	}
	for _, file := range f.files() {
		if err := w.Add(filepath.Dir(file)); err != nil {
			f.log.Warn("a file is not watched; send SIGHUP after a change", "file", file, "error", err)
		}
	}
	if folder := f.settings.tenantFolder(); folder != "" {
		if err := w.Add(folder); err != nil && !errors.Is(err, fs.ErrNotExist) { // reading it says so, and the folder above is watched
			f.log.Warn("the tenants' folder is not watched; send SIGHUP after a change", "folder", folder, "error", err)
		}
	}
}

func (f *front) matters(name string) bool {
	for _, file := range f.files() {
		if filepath.Clean(file) == filepath.Clean(name) {
			return true
		}
	}
	folder := f.settings.tenantFolder()
	return folder != "" && filepath.Dir(filepath.Clean(name)) == folder && !strings.HasPrefix(filepath.Base(name), ".")
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
		!slices.Equal(s.TrustedProxies, old.TrustedProxies) {
		f.log.Warn("listeners, trusted proxies, data folder, store, console and expiry warnings are bound at the start; restart to change them")
	}
	f.log.Info("new settings are applied", "file", s.file, "tenants", len(s.Tenants))
	return nil
}
