package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// node is a place in the tree of patterns, one level for each segment. A look-up visits each node at most once, and only reads.
type node struct {
	spelt   string           // the segment that leads here
	literal map[string]*node // by what the segment folds to
	any     *node            // {name}
	here    *leaf            // a pattern that ends here
	rest    *leaf            // {name...}
}

// leaf is what stands at the end of a pattern.
type leaf struct {
	pattern string
	methods map[string]*endpoint
	allow   string
}

// endpoint is where a matched call goes.
type endpoint struct {
	api        *guarded
	pattern    string
	declared   string // methods and pattern
	permission string
	public     bool
	maxBody    int64
}

const anyMethod = "*"

// alike stands for a path that is spelt almost like a declared one. It has no methods, and no other pattern may catch it: to an API
// that ignores case it would be the declared one, under a rule of another.
var alike = &leaf{}

// find returns what matches the decoded path, or nil.
func (n *node) find(path string) *leaf {
	l := n.walk(strings.TrimPrefix(path, "/"))
	if l == alike {
		return nil
	}
	return l
}

// walk matches what is left of a path. Nothing is left after the last segment, whether a slash follows it or not.
func (n *node) walk(path string) *leaf {
	if path == "" {
		if n.here != nil {
			return n.here
		}
		return n.rest
	}
	segment, after, _ := strings.Cut(path, "/")
	if next, ok := n.literal[fold(segment)]; ok {
		if next.spelt != segment {
			return alike
		}
		if l := next.walk(after); l != nil {
			return l
		}
	}
	if n.any != nil {
		if l := n.any.walk(after); l != nil {
			return l
		}
	}
	return n.rest
}

// fold maps a segment to what a lenient file system takes it for.
func fold(segment string) string { return strings.TrimRight(strings.ToLower(segment), ". ") }

// endpoint returns where a method leads. TRACE would show the caller what we add, CONNECT is no call of an API.
func (l *leaf) endpoint(method string) *endpoint {
	if e, ok := l.methods[method]; ok {
		return e
	}
	if e, ok := l.methods[http.MethodGet]; ok && method == http.MethodHead {
		return e
	}
	return l.methods[anyMethod]
}

// declare adds a route to the tree.
func (n *node) declare(api *guarded, r Route) error {
	switch {
	case len(r.Methods) == 0:
		return errors.New("it names no method")
	case r.Public && r.Permission != "":
		return errors.New("it is public and asks for a permission")
	case !oauth.ValidScope(r.Permission) || strings.Contains(r.Permission, " "):
		return errors.New("the permission is not one word")
	case !r.Public && api.Audience == "":
		return errors.New("it asks for a token, but the API names no audience")
	case r.MaxBody < 0:
		return errors.New("a body cannot have less than 0 bytes")
	}
	l, err := n.leaf(r.Pattern)
	if err != nil {
		return err
	}
	e := &endpoint{
		api: api, pattern: r.Pattern, declared: strings.Join(r.Methods, ",") + " " + r.Pattern, permission: r.Permission, public: r.Public, maxBody: r.MaxBody,
	}
	for _, m := range r.Methods {
		if m == "" || m == http.MethodTrace || m == http.MethodConnect || strings.ToUpper(m) != m {
			return fmt.Errorf("the method %q cannot be forwarded", m)
		}
		if other, ok := l.methods[m]; ok {
			return fmt.Errorf("%s is declared twice, also as %s of API %q", m, other.pattern, other.api.Name)
		}
		l.methods[m] = e
	}
	l.allow = allow(l.methods)
	return nil
}

// leaf finds or makes the end of a pattern.
func (n *node) leaf(pattern string) (*leaf, error) {
	trimmed, ok := strings.CutPrefix(pattern, "/")
	if !ok || strings.HasSuffix(trimmed, "/") {
		return nil, errors.New("a pattern begins with a slash and does not end with one; all below a path is /path/{rest...}")
	}
	at := n
	for segment := range strings.SplitSeq(trimmed, "/") {
		if trimmed == "" {
			break
		}
		if at == nil {
			return nil, errors.New("nothing can follow {name...}")
		}
		name, isHole := hole(segment)
		switch {
		case isHole && strings.HasSuffix(name, "..."):
			if at.rest == nil {
				at.rest = newLeaf(pattern)
			}
			n, at = at, nil
		case isHole:
			if at.any == nil {
				at.any = &node{}
			}
			at = at.any
		default:
			next, err := at.step(segment)
			if err != nil {
				return nil, err
			}
			at = next
		}
	}
	if at == nil {
		return n.rest, nil
	}
	if at.here == nil {
		at.here = newLeaf(pattern)
	}
	return at.here, nil
}

func newLeaf(pattern string) *leaf { return &leaf{pattern: pattern, methods: map[string]*endpoint{}} }

// hole reads {name} and {name...}.
func hole(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "}")
	return name, ok && strings.TrimSuffix(name, "...") != "" && !strings.ContainsAny(name, "{}")
}

// step finds or makes the node of a literal segment, which is written as it stands in a URL.
func (n *node) step(segment string) (*node, error) {
	decoded, err := url.PathUnescape(segment)
	if err != nil || segment == "" || checkPath("/"+segment, decoded) != "" {
		return nil, fmt.Errorf("no path could match the segment %q", segment)
	}
	folded := fold(decoded)
	next, ok := n.literal[folded]
	switch {
	case !ok:
		next = &node{spelt: decoded}
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		n.literal[folded] = next
	case next.spelt != decoded:
		return nil, fmt.Errorf("the segment %q is also declared as %q, and some APIs would not tell them apart", decoded, next.spelt)
	}
	return next, nil
}

// allow lists methods for a caller that used another (RFC 9110, section 10.2.1).
func allow(methods map[string]*endpoint) string {
	names := slices.Collect(maps.Keys(methods))
	if _, ok := methods[http.MethodGet]; ok && methods[http.MethodHead] == nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
