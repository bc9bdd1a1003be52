package console

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// errRender is a page that its template does not fit: a fault of ours.
var errRender = errors.New("render the page")

// parse reads the templates: layout.html and those whose name starts with _ are part of every page; each other file is a page, and defines
// "content".
func (c *Console) parse() (map[string]*template.Template, error) {
	shared, err := template.New("layout.html").Funcs(c.funcs()).ParseFS(embedded, "templates/layout.html", "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the layout: %w", err)
	}
	names, err := fs.Glob(embedded, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "_") {
			continue
		}
		page, err := template.Must(shared.Clone()).ParseFS(embedded, file)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		pages[name] = page
	}
	return pages, nil
}

// render answers with templates/<name>.html in the layout. It writes nothing when the template fails, so that the caller's error can still
// be answered.
func (v *visit) render(status int, name, title string, page any) error {
	t := v.pages[name]
	if t == nil {
		return fmt.Errorf("%w: there is no template %s", errRender, name)
	}
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, "layout.html", struct {
		Frame frame
		Page  any
	}{v.frame(title), page})
	if err != nil {
		return fmt.Errorf("%w %s: %w", errRender, name, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(b.Bytes()) // a browser that went away cannot be told
	}
	return nil
}
