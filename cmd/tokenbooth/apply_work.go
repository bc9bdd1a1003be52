package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// work is a plan for one tenant, on its way. A step and its fate have the same index.
type work struct {
	*errand
	declared *declared
	steps    []*step
	fates    []fate
	dir      string // where secrets are written to; empty: they are shown
}

// works are the plans for all tenants of a file, in its order.
type works []*work

// fate is what has become of a step.
type fate struct {
	done bool
	text oauth.Secret // of whoever is new
	file string       // where that is written
	open *os.File     // until then
}

// doAll brings about one step after the other, tenants before anything of theirs, unless somebody else was there since the plan was made.
func (all works) doAll(ctx context.Context) (err error) {
	letGo, err := all.holdTenants()
	if err != nil {
		return err
	}
	defer letGo()
	for _, w := range all {
		for _, s := range w.steps {
			if err := s.unmoved(ctx, w.acts); err != nil {
				return fmt.Errorf("%w; nothing was changed: apply again to see what there is to do now", err)
			}
		}
	}
	for _, w := range all {
		defer func() { err = errors.Join(err, w.dropFiles()) }()
		if err := w.openFiles(); err != nil {
			return fmt.Errorf("%w; nothing was changed", err)
		}
	}
	for _, tenants := range []bool{true, false} {
		for _, w := range all {
			if err := w.do(ctx, tenants); err != nil {
				return err
			}
		}
	}
	return nil
}

// holdTenants keeps others from writing tenants meanwhile: of two who were both right when they planned, the later one finds out.
func (all works) holdTenants() (letGo func(), err error) {
	for _, w := range all {
		if s := w.steps; len(s) > 0 && s[0].kind == "tenant" && s[0].act != toDoNone {
			return lockFolder(s[0].tenant.is.tenantFolder())
		}
	}
	return func() {}, nil
}

// do brings about the steps about tenants, or all others.
func (w *work) do(ctx context.Context, tenants bool) error {
	for i, s := range w.steps {
		if s.act == toDoNone || tenants != (s.kind == "tenant") {
			continue
		}
		text, err := s.do(ctx, w.acts, w.tenant)
		if err != nil {
			return fmt.Errorf("stopped at %s %s: %w; what was done before it stays, the rest was not begun: apply again to see it", s.kind, s.id, explain(err))
		}
		f := &w.fates[i]
		f.done, f.text = true, text
		if f.open != nil {
			if err := f.write(); err != nil {
				return fmt.Errorf("stopped after %s %s: its secret could not be written and is shown instead: %w", s.kind, s.id, err)
			}
		}
	}
	return nil
}

// secretFile is the file for the secret of whoever a step registers; empty where there is none. No id can lead out of the folder.
func (w *work) secretFile(s *step) string {
	if w.dir == "" || s.act != toCreate || s.kind == "tenant" {
		return ""
	}
	kind := "secret"
	if s.kind == "user" {
		kind = "password"
	}
	return filepath.Join(w.dir, url.PathEscape(w.tenant.Name)+"."+url.PathEscape(s.id)+"."+kind)
}

// noFilesYet refuses a folder in which a secret would be overwritten.
func (w *work) noFilesYet() error {
	for _, s := range w.steps {
		if file := w.secretFile(s); file != "" && exists(file) {
			return fmt.Errorf("--secrets: %s exists already and is not overwritten; move it away first", file)
		}
	}
	return nil
}

// openFiles makes the files for all secrets before there are any: a secret that cannot be written would be lost.
func (w *work) openFiles() error {
	for i, s := range w.steps {
		file := w.secretFile(s)
		if file == "" {
			continue
		}
		if err := os.MkdirAll(w.dir, 0o700); err != nil {
			return fmt.Errorf("--secrets: %w", err)
		}
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("--secrets: %w", err)
		}
		w.fates[i].file, w.fates[i].open = file, f
	}
	return nil
}

// write puts the secret into its file, without a line break, which a program might take for a part of it.
func (f *fate) write() error {
	_, err := io.WriteString(f.open, f.text.Reveal())
	if err = errors.Join(err, f.open.Sync(), f.open.Close()); err == nil {
		f.open = nil
	}
	return err
}

// dropFiles takes away the files that got no secret.
func (w *work) dropFiles() error {
	var all []error
	for i := range w.fates {
		if f := &w.fates[i]; f.open != nil {
			_ = f.open.Close() // nothing that counts is in it
			all = append(all, os.Remove(f.file))
			f.open, f.file = nil, ""
		}
	}
	return errors.Join(all...)
}

// count says how much there is to do, for each tenant.
func (all works) count() string {
	var parts []string
	for _, w := range all {
		parts = append(parts, fmt.Sprintf("Tenant %s: %s.", w.tenant.Name, w.count()))
	}
	return strings.Join(parts, " ")
}

// brief is count without a sentence around it; of one tenant, without its name.
func (all works) brief() string {
	if len(all) == 1 {
		return all[0].count()
	}
	return strings.ReplaceAll(strings.TrimSuffix(all.count(), "."), ". Tenant ", "; tenant ")
}

// idle reports whether there is nothing to do.
func (all works) idle() bool {
	return !slices.ContainsFunc(all, func(w *work) bool {
		return slices.ContainsFunc(w.steps, func(s *step) bool { return s.act != toDoNone })
	})
}

// count says how much there is to do.
func (w *work) count() string {
	n := map[string]int{}
	for _, s := range w.steps {
		n[s.act]++
	}
	var parts []string
	for _, a := range []struct{ act, text string }{{toCreate, "%d to create"}, {toChange, "%d to change"}, {toDisable, "%d to disable"}, {toDoNone, "%d unchanged"}} {
		if n[a.act] > 0 {
			parts = append(parts, fmt.Sprintf(a.text, n[a.act]))
		}
	}
	return orElse(strings.Join(parts, ", "), "nothing is declared")
}
