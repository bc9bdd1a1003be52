package console

import (
	"embed"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

//go:embed static templates/*.html
var embedded embed.FS

// files are the static files under names that change with their content, so that a browser may keep them for good.
type files struct {
	address map[string]string // by plain name: app.css → /static/app.1f2e….css
	content map[string]file   // by the last part of that address
}

type file struct {
	kind string
	body []byte
}

var kinds = map[string]string{
	"css": "text/css; charset=utf-8",
	"js":  "text/javascript; charset=utf-8",
	"svg": "image/svg+xml",
}

func loadFiles() (*files, error) {
	entries, err := embedded.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	all := &files{address: map[string]string{}, content: map[string]file{}}
	for _, e := range entries {
		body, err := embedded.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read static files: %w", err)
		}
		stem, ending, _ := strings.Cut(e.Name(), ".")
		kind := kinds[ending]
		if kind == "" {
			return nil, fmt.Errorf("static file %s is of no known type", e.Name())
		}
		sum := fnv.New64a() // tells versions of our own files apart; nobody else's
		_, _ = sum.Write(body)
		hashed := fmt.Sprintf("%s.%016x.%s", stem, sum.Sum64(), ending)
		all.address[e.Name()], all.content[hashed] = "/static/"+hashed, file{kind, body}
	}
	return all, nil
}

// static answers with one of our files.
func static(v *visit) error {
	f, ok := v.files.content[v.r.PathValue("file")]
	if !ok {
		return operator.ErrNotFound
	}
	v.sendFile(f, "public, max-age=31536000, immutable")
	return nil
}

// favicon is where browsers look that ask for no page: the error answers of the listener's programs.
func favicon(v *visit) error {
	v.sendFile(v.files.content[strings.TrimPrefix(v.files.address["logo.svg"], "/static/")], "public, max-age=86400")
	return nil
}

func (v *visit) sendFile(f file, keep string) {
	v.w.Header().Set("Cache-Control", keep)
	v.w.Header().Set("Content-Type", f.kind)
	v.w.Header().Set("Content-Length", fmt.Sprint(len(f.body)))
	v.w.WriteHeader(http.StatusOK)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(f.body) // a browser that went away cannot be told
	}
}
