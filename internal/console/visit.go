package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const maxForm = 64 << 10 // bytes of a form

// action is what a route does. What it returns is answered by Console.fail, so it must not have answered by itself then.
type action func(*visit) error

// visit is one request of a person, and who that is.
type visit struct {
	*Console
	w       http.ResponseWriter
	r       *http.Request
	id      string // of the request
	caller  oauth.Caller
	session *operator.Session // nil: nobody is signed in; only routes that are open see that
	actor   operator.Actor
	tenant  *registry.Tenant // nil on pages of the desk itself
	desk    *office.Desk     // of that tenant, in the operator's name; nil likewise
}

// enter finds out who visits, and lets nobody past a route that is not open.
func (v *visit) enter(to route) error {
	if err := v.recognise(); err != nil && !(to.open && errors.Is(err, operator.ErrSignIn)) {
		return err
	}
	if v.session != nil && v.session.Enrolling && !to.open && !to.enrols {
		return errEnrol
	}
	name := v.r.PathValue("tenant")
	if v.session == nil || name == "" {
		return v.mayRead(to)
	}
	desk := v.Office.At(&v.actor, name)
	tenant, err := desk.Tenant()
	if err != nil {
		return err
	}
	v.tenant, v.desk = tenant, desk
	return v.mayRead(to)
}

func (v *visit) mayRead(to route) error {
	if to.right == "" || v.session == nil || v.r.Method == http.MethodPost {
		return nil
	}
	if v.desk != nil {
		return v.desk.May(to.right)
	}
	return v.Office.Operators(&v.actor).May(to.right)
}

// recognise reads the session cookie.
func (v *visit) recognise() error {
	cookie, err := v.r.Cookie(cookieName)
	if err != nil {
		return operator.ErrSignIn
	}
	session, err := v.Operators.Session(v.r.Context(), oauth.Secret(cookie.Value))
	if err != nil {
		return fmt.Errorf("read the session: %w", err)
	}
	v.recogniseAs(session)
	return nil
}

func (v *visit) recogniseAs(session *operator.Session) {
	v.session = session
	v.actor = session.Actor(v.Now(), v.id, v.caller.From())
}

// from is what sign-ins are told of the caller.
func (v *visit) from() operator.From {
	return operator.From{Caller: v.caller, Agent: clip(v.r.UserAgent(), 200), RequestID: v.id}
}

// errEnrol leads a session that may only set up a proof to where that is done.
var errEnrol = errors.New("set up a proof first")

// errForm refuses a body that no form of ours sends.
var errForm = errors.New("the form cannot be read")

// form returns the fields of the POST body, of at most 64 KiB and in UTF-8. Fields of the query are not among them.
func (v *visit) form() (url.Values, error) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errForm, err)
	}
	for _, values := range v.r.PostForm {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return nil, errForm
			}
		}
	}
	return v.r.PostForm, nil
}

// redirect leads on with 303, and says done (empty: nothing) once, on the next page that this session sees. It is kept here and not in the
// address, so nobody can put words into our mouth with a link.
func (v *visit) redirect(to, done string) error {
	if done != "" && v.session != nil {
		v.notices.put(v.session.ID, done)
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// path returns the path of a page: of the visit's tenant where it has one ("/t/acme/clients/…"), else of the desk.
func (v *visit) path(parts ...string) string {
	tenant := ""
	if v.tenant != nil {
		tenant = v.tenant.Name
	}
	return pathOf(tenant, parts...)
}

func pathOf(tenant string, parts ...string) string {
	if tenant == "" {
		return link.Path(parts...)
	}
	return link.Path(append([]string{"t", tenant}, parts...)...)
}

// clip shortens a foreign text to at most n bytes, at a character's end.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
