package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// keysPage shows the keys that sign the tenant's access tokens.
type keysPage struct {
	Base        string // of the page's addresses
	Keys        []keyRow
	Elsewhere   bool      // the tokens are issued elsewhere: there are no keys here
	Ready       time.Time // from when the announced key may sign
	MayRotate   bool
	MayWithdraw bool
	Waiting     bool // Ready is yet to come
	Every       string
	NewAlg      string // algorithm of keys to come, where the settings have changed it
	KeySet      string // address of the published set
	Problem     string
	Fetches     []Fetch // since the newest key was announced, and those that came before and not again
	Known       bool    // somebody notes who fetches
	MaxAge      string
}

// keyRow is one key.
type keyRow struct {
	keyring.Public
	Tag      tag
	Words    string
	Withdraw string // address of the confirmation
}

var keyStates = map[keyring.State]struct {
	tag   tag
	words string
}{
	keyring.Active:  {tag{"signs", "tag-ok"}, "Every new access token is signed with it."},
	keyring.Next:    {tag{"announced", ""}, "Published already, so that it is known everywhere before it signs."},
	keyring.Retired: {tag{"retired", "tag-warn"}, "Signs no more; tokens it has signed are checked with it until they expire."},
}

func keys(v *visit) error { return v.renderKeys(http.StatusOK, "") }

func (v *visit) renderKeys(status int, problem string) error {
	p := keysPage{Base: v.path("keys"), Problem: problem, MayRotate: v.offers(operator.RotateKeys), MayWithdraw: v.offers(operator.WithdrawKeys), Elsewhere: v.tenant.Follow != nil,
		MaxAge: inWords(keyring.MaxAge), KeySet: keySetURL(v.tenant.Issuer), Known: v.Fetches != nil}
	if p.Elsewhere {
		return v.render(status, "keys", "Signing keys", p)
	}
	all, err := v.desk.Keys()
	if err != nil {
		return err
	}
	var announced time.Time
	for _, k := range all {
		state := keyStates[k.State]
		p.Keys = append(p.Keys, keyRow{k, state.tag, state.words, v.path("keys", k.ID, "withdraw")})
		if k.State == keyring.Next {
			announced = k.Created
			p.Ready = k.Created.Add(keyring.MaxAge)
			p.Waiting = v.Now().Before(p.Ready)
			if want := keyring.Algorithm(v.tenant.Algorithm); want != "" && k.Algorithm != want {
				p.NewAlg = string(want)
			}
		}
	}
	if v.tenant.RotateKeysEvery > 0 {
		p.Every = inWords(v.tenant.RotateKeysEvery)
	}
	if v.Fetches != nil {
		p.Fetches = fetchesSince(v.Fetches(v.tenant.Name), announced)
	}
	return v.render(status, "keys", "Signing keys", p)
}

// fetchesSince says of each caller whether it has the set with the newest key: those that have it not first, then the latest first.
func fetchesSince(all []Fetch, announced time.Time) []Fetch {
	out := slices.Clone(all)
	for i := range out {
		out[i].Current = out[i].Current && !out[i].At.Before(announced)
	}
	slices.SortStableFunc(out, func(a, b Fetch) int {
		if a.Current != b.Current {
			if a.Current {
				return 1
			}
			return -1
		}
		return b.At.Compare(a.At)
	})
	return out
}

func keysRotate(v *visit) error {
	if _, err := v.form(); err != nil {
		return err
	}
	err := v.desk.RotateKeys(v.r.Context(), false)
	if refusal := oauth.AsError(err); refusal != nil && refusal.RetryAfter > 0 {
		v.w.Header().Set("Retry-After", fmt.Sprint(int((refusal.RetryAfter+time.Second-1)/time.Second)))
		from := v.Now().Add(refusal.RetryAfter).UTC().Truncate(time.Second)
		return v.renderKeys(http.StatusConflict, fmt.Sprintf("Not yet: the announced key may sign from %s on. Until then whoever checks tokens may hold a key set without it. "+
			"For a key that has leaked there is Withdraw.", from.Format("2 Jan 2006, 15:04:05 UTC")))
	}
	if err != nil {
		return v.keyFault(err)
	}
	return v.redirect(v.path("keys"), "The announced key signs now, and a new one is announced.")
}

// keyFault turns a refusal of the keyring into an error a page can speak for.
func (v *visit) keyFault(err error) error {
	if refusal := oauth.AsError(err); refusal != nil && !errors.Is(err, operator.ErrDenied) {
		return registry.ErrNotFound
	}
	return err
}

// keysUnannouncedPage asks whether it has to be now.
type keysUnannouncedPage struct {
	Back, MaxAge string
	Active, Next keyRow
}

func keysUnannounced(v *visit) error {
	p := keysUnannouncedPage{Back: v.path("keys"), MaxAge: inWords(keyring.MaxAge)}
	all, err := v.desk.Keys()
	if err != nil {
		return err
	}
	for _, k := range all {
		switch k.State {
		case keyring.Active:
			p.Active.Public = k
		case keyring.Next:
			p.Next.Public = k
		}
	}
	return v.render(http.StatusOK, "keys_unannounced", "Rotate without waiting", p)
}

func keysUnannouncedNow(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if form.Get("sure") != "yes" {
		return v.redirect(v.path("keys", "rotate-unannounced"), "")
	}
	if err := v.desk.RotateKeys(v.r.Context(), true); err != nil {
		return v.keyFault(err)
	}
	return v.redirect(v.path("keys"), "The announced key signs now. Whoever holds an older key set refuses its tokens until the set is fetched again.")
}

// keySetURL is where the tenant's key set is published: at its issuer's host (RFC 8414, section 2, jwks_uri).
func keySetURL(issuer string) string {
	at, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/.well-known/jwks.json"}).String()
}
