package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"

	"github.com/tokenbooth/tokenbooth/internal/server"
)

// watched is what a change of means new settings, by the names that events have.
type watched struct {
	names  map[string]bool
	folder string // of tenants; empty: there is none
}

// maxLinks is how many symbolic links one path may go through, as on Linux.
const maxLinks = 40

// trail returns what decides what a path means: each symbolic link on the way, and what is there in the end. A mount of Kubernetes leads
// through ..data, and changes by that link alone. The folders of these names have no links in them, so each has one name.
func trail(path string) (all []string) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	for range maxLinks {
		link, rest, target := firstLink(path)
		if link == "" {
			break
		}
		all = append(all, link)
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(link), target)
		}
		path = filepath.Join(target, rest)
	}
	return append(all, path)
}

// firstLink finds the first symbolic link on a clean path, what comes behind it, and where it leads.
func firstLink(path string) (link, rest, target string) {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != filepath.Separator {
			continue
		}
		if target, err := os.Readlink(path[:i]); err == nil {
			return path[:i], path[i:], target
		}
	}
	return "", "", ""
}

// files are what a change of means new settings.
func (f *front) files() []string {
	files := []string{f.settings.file}
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

// watchFiles watches the folders of the files and of the links to them: a file that is replaced is another file.
func (f *front) watchFiles(w *fsnotify.Watcher) {
	if w.Events == nil {
		return
	}
	now := watched{names: map[string]bool{}}
	follow := func(file string) (end string) {
		for _, name := range trail(file) {
			now.names[name], end = true, name
		}
		return end
	}
	for _, file := range f.files() {
		follow(file)
	}
	if folder := f.settings.tenantFolder(); folder != "" {
		now.folder = follow(folder)
		if err := w.Add(now.folder); err != nil && !errors.Is(err, fs.ErrNotExist) { // reading it says so, and the folder above is watched
			f.log.Warn("the tenants' folder is not watched; send SIGHUP after a change", "folder", folder, "error", err)
		}
		entries, _ := os.ReadDir(now.folder) // what cannot be read, reading the settings says
		for _, e := range entries {
			if isTenantFile(e.Name()) {
				follow(filepath.Join(now.folder, e.Name()))
			}
		}
	}
	for name := range now.names {
		if err := w.Add(filepath.Dir(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.log.Warn("a file is not watched; send SIGHUP after a change", "file", name, "error", err)
		}
	}
	f.watched = now
}

func (f *front) matters(name string) bool {
	name = filepath.Clean(name)
	return f.watched.names[name] || f.watched.folder != "" && filepath.Dir(name) == f.watched.folder && !strings.HasPrefix(filepath.Base(name), ".")
}
