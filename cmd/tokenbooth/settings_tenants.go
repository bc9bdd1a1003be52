package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// Bounds of the folder of tenants. Each file is bounded as the settings file is.
const (
	maxTenantFiles = 1000
	maxTenantBytes = 16 << 20 // of all of them
)

// placed is where a tenant is declared that does not stand in the settings file itself.
type placed struct {
	page *page
	at   string // the tenant's path in the page; empty: the page is the tenant
}

// field is where a field of the tenant is on its page.
func (p *placed) field(name string) string { return strings.Trim(p.at+"."+name, ".") }

// isTenantFile reports whether a file of the folder declares a tenant. What starts with a dot is an editor's, or not finished.
func isTenantFile(name string) bool {
	return !strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".yaml")
}

// tenantFolder is the folder with a file for each tenant; empty: there is none.
func (s *settings) tenantFolder() string {
	if s.TenantFiles == "" {
		return ""
	}
	return filepath.Clean(s.path(s.TenantFiles))
}

// readTenantFiles adds the tenants of the folder to those of the settings file, in the order of the files' names.
func (s *settings) readTenantFiles() error {
	folder := s.tenantFolder()
	if folder == "" {
		return nil
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) { // not the same as an empty one: where it is not mounted, all its tenants would be gone
		return s.fault("tenant_files", fmt.Sprintf("there is no folder %s; make it with: mkdir -m 700 %[1]s", folder))
	}
	if err != nil {
		return s.fault("tenant_files", err.Error())
	}
	total := 0
	for _, e := range entries {
		file := filepath.Join(folder, e.Name())
		if strings.HasSuffix(e.Name(), ".yml") && !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("%s: a tenant's file is called NAME.yaml; this one would not be read", file)
		}
		if !isTenantFile(e.Name()) {
			continue
		}
		p, err := readTenantPage(file)
		if err != nil {
			return err
		}
		if total += len(p.text); len(s.files) == maxTenantFiles || total > maxTenantBytes {
			return s.fault("tenant_files", fmt.Sprintf("%s has more than %d files, or more than %d MiB in them", folder, maxTenantFiles, maxTenantBytes>>20))
		}
		t, err := p.tenant()
		if err != nil {
			return err
		}
		s.Tenants, s.files = append(s.Tenants, *t), append(s.files, placed{page: p})
	}
	return nil
}

func readTenantPage(file string) (*page, error) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return nil, fmt.Errorf("read the tenant of %s: %w", file, err)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the tenant of %s: %w", file, err)
	}
	defer f.Close()
	text, err := textFrom(file, f)
	if err != nil {
		return nil, fmt.Errorf("read the tenant of %s: %w", file, err)
	}
	return tenantPage(file, text), nil
}

func tenantPage(file string, text []byte) *page {
	return &page{file: file, text: text, holds: "the settings of a tenant", start: "they are what an entry of tenants has in the settings file", field: "setting",
		fields: reflect.TypeFor[registry.Tenant]()}
}

// tenant decodes a page that is one tenant.
func (p *page) tenant() (*registry.Tenant, error) {
	t := &registry.Tenant{}
	if err := p.decode(t, strictly...); err != nil {
		return nil, err
	}
	return t, nil
}

// placed finds where a field is that belongs to a tenant of another file; nil: it is in the settings file.
func (s *settings) placed(field string) (at *placed, rest string) {
	inside, ok := strings.CutPrefix(field, "tenants[")
	if !ok {
		return nil, ""
	}
	number, rest, _ := strings.Cut(inside, "]")
	i, err := strconv.Atoi(number)
	if i -= s.own(); err != nil || i < 0 || i >= len(s.files) {
		return nil, ""
	}
	return &s.files[i], strings.TrimPrefix(rest, ".")
}

// named is what a field is called in the file that it is in.
func (s *settings) named(field string) string {
	if at, rest := s.placed(field); at != nil {
		return at.field(rest)
	}
	return field
}

// own is how many of the tenants stand in the settings file itself: the first ones.
func (s *settings) own() int { return len(s.Tenants) - len(s.files) }

// placeOfTenant says where a tenant is declared, with line and column.
func (s *settings) placeOfTenant(i int) string {
	p, field := s.page(), fmt.Sprintf("tenants[%d].name", i)
	if at, rest := s.placed(field); at != nil {
		p, field = at.page, at.field(rest)
	}
	line, column := 1, 1
	if t := p.find(field); t != nil {
		line, column = t.Position.Line, t.Position.Column
	}
	return fmt.Sprintf("%s:%d:%d", p.file, line, column)
}

// checkNames refuses a tenant that is declared in two files.
func (s *settings) checkNames() error {
	for i := s.own(); i < len(s.Tenants); i++ {
		name := s.Tenants[i].Name
		j := slices.IndexFunc(s.Tenants[:i], func(t registry.Tenant) bool { return t.Name == name && name != "" })
		if j >= 0 {
			return s.fault(fmt.Sprintf("tenants[%d].name", i), fmt.Sprintf("tenant %s is declared at %s already; one of the two has to go", name, s.placeOfTenant(j)))
		}
	}
	return nil
}
