package link

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPathsAreMadeOfWholeNames(t *testing.T) {
	for want, names := range map[string][]string{
		"/": nil, "/t/acme": {"t", "acme"}, "/clients/a%2Fb": {"clients", "a/b"}, "/clients/a%2541b": {"clients", "a%41b"},
		"/clients/a%3Fb%23c": {"clients", "a?b#c"}, "/clients/%2E%2E": {"clients", ".."}, "/clients/...a": {"clients", "...a"},
		"/clients/a%20z%C3%BCrich": {"clients", "a zürich"},
	} {
		if got := Path(names...); got != want {
			t.Errorf("%q: %s, want %s", names, got, want)
		}
	}
}

// Whatever a name is, the multiplexer of net/http hands over that name and no other.
func FuzzANameComesBackAsItIs(f *testing.F) {
	for _, seed := range []string{"a/b", "a%41b", "a?b", "a#b", "..", ".", "//", "a b", "zürich", "%2e%2e", "a%2Fb", `\`, "{id}"} {
		f.Add(seed)
	}
	var got string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /t/{tenant}/clients/{id}/edit", func(_ http.ResponseWriter, r *http.Request) { got = r.PathValue("id") })
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || strings.ContainsRune(name, 0) {
			t.Skip("no name")
		}
		got = ""
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://desk.test"+Path("t", "acme", "clients", name, "edit"), nil)
		if err != nil {
			t.Fatal(err)
		}
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if got != name {
			t.Errorf("%q comes back as %q by %s", name, got, r.URL.EscapedPath())
		}
	})
}
