package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/goccy/go-yaml"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// writtenByApply is the first line of a tenant's file that apply has written.
const writtenByApply = "# Written by tokenbooth apply. What is changed here by hand is drift: the next apply shows it, and undoes it.\n"

// tenantText is the file of a tenant, and the tenant as it will be read from there. YAML has several ways to write a text, and not each
// of them is read again as it was: the first is taken that is.
func tenantText(file string, t *registry.Tenant) (*page, *registry.Tenant, error) {
	for _, how := range [][]yaml.EncodeOption{{yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true)}, {yaml.IndentSequence(true)}, {yaml.JSON()}} {
		text, err := yaml.MarshalWithOptions(t, how...)
		if err != nil {
			return nil, nil, fmt.Errorf("write tenant %s as YAML: %w", t.Name, err)
		}
		p := tenantPage(file, append([]byte(writtenByApply), text...))
		if again, err := p.tenant(); err == nil && again.Name == t.Name && reflect.DeepEqual(traitsOf(again), traitsOf(t)) {
			return p, again, nil
		}
	}
	return nil, nil, fmt.Errorf("tenant %s cannot be written to a file so that it stays what it is; are there control characters in its texts?", t.Name)
}

// replaceFile puts a text in the place of a file, or makes it, whole and durably. Whoever reads meanwhile, or after a crash, finds all of
// the old text or all of the new one. A crash can leave a temporary file, whose name starts with a dot.
func replaceFile(file string, text []byte, mode fs.FileMode) error {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // a link stays one
	}
	folder := filepath.Dir(file)
	temporary, err := os.CreateTemp(folder, "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(temporary.Name()) // of no effect once it has its name
	_, err = temporary.Write(text)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// modeLike is the mode of a file that has others read what they may read of the files given: of the first that is there.
func modeLike(files ...string) fs.FileMode {
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			return info.Mode().Perm()
		}
	}
	return 0o600
}
