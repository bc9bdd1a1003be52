package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/tokenbooth/tokenbooth/internal/office"
)

// inForce lists the settings as they are in effect, each with where it comes from. There are no secrets among them: those are in files
// that settings name.
func (s *settings) inForce() []office.Setting {
	w := settingsWalk{settings: s, roots: map[*page]ast.Node{}, whole: s.page()}
	w.walk("", reflect.ValueOf(s).Elem())
	return w.found
}

type settingsWalk struct {
	*settings
	whole *page              // of the settings file
	roots map[*page]ast.Node // of what has been parsed
	found []office.Setting
}

// root parses a page once. It is nil where there is nothing to see.
func (w *settingsWalk) root(p *page) ast.Node {
	root, parsed := w.roots[p]
	if parsed {
		return root
	}
	if file, err := parser.ParseBytes(p.text, 0); err == nil && len(file.Docs) > 0 {
		root = file.Docs[0].Body
	}
	w.roots[p] = root
	return root
}

// walk lists what is set in v, which has the given path.
func (w *settingsWalk) walk(path string, v reflect.Value) {
	said := v // a pointer is there where the settings say something, be it zero
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch at := v.Interface().(type) {
	case time.Duration:
		w.add(path, at.String(), said)
		return
	case netip.Prefix:
		w.add(path, at.String(), said)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); name != "" {
				w.walk(strings.TrimPrefix(path+"."+name, "."), v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != reflect.TypeFor[netip.Prefix]() {
			for i := range v.Len() {
				w.walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
			}
			return
		}
		var items []string
		for i := range v.Len() {
			items = append(items, fmt.Sprint(v.Index(i).Interface()))
		}
		w.add(path, strings.Join(items, ", "), v)
	default:
		w.add(path, fmt.Sprint(v.Interface()), said)
	}
}

func (w *settingsWalk) add(path, value string, v reflect.Value) {
	if v.IsZero() {
		return
	}
	w.found = append(w.found, office.Setting{Field: path, Value: shownURL(path, value), Place: w.place(path)})
}

// shared reports whether a node is written down once for several places, under a name: no path leads into it.
func shared(n ast.Node) bool {
	switch n.(type) {
	case *ast.AliasNode, *ast.AnchorNode:
		return true
	}
	return false
}

// shownURL hides what may be a secret in a URL: the user, and of a webhook all but where it is.
func shownURL(path, value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return value
	}
	u.User = nil
	if strings.HasSuffix(path, "webhook") && (u.Path != "" || u.RawQuery != "") {
		return u.Scheme + "://" + u.Host + "/…"
	}
	return u.String()
}

// place says what decides a setting.
func (w *settingsWalk) place(path string) string {
	if _, moved := w.over[path]; moved {
		return "--" + path + " or $" + envOf(path)
	}
	p, shown := w.whole, filepath.Base(w.file)
	if own, rest := w.placed(path); own != nil {
		p, path = own.page, own.field(rest)
		shown = filepath.ToSlash(filepath.Join(filepath.Base(w.tenantFolder()), filepath.Base(p.file)))
	}
	root := w.root(p)
	for at := "$." + path; root != nil && at != "$"; at = at[:max(strings.LastIndexAny(at, ".["), 1)] {
		there, err := yaml.PathString(at)
		if err != nil {
			break
		}
		node, err := there.FilterNode(root)
		if err == nil && node != nil && (at == "$."+path || shared(node)) {
			return fmt.Sprintf("%s:%d", shown, head(node).Position.Line)
		}
		if !strings.Contains(at, "[") { // only what is in a list can come from an alias
			break
		}
	}
	return "default"
}
