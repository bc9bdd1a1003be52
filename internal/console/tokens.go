package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// pageOfTokens is how many chains or tokens stand on one page.
const pageOfTokens = 50

// The two lists of what is kept of tokens. JWTs are kept nowhere.
const (
	listChains = "chains"
	listOpaque = "opaque"
)

// tokensPage has the way to look at one token, and what is kept of the others.
type tokensPage struct {
	List              string // listChains or listOpaque
	Client, User      string // what is searched for, as it was typed
	Problems          map[string]string
	Choices           []tokenChoice // clients that may be meant
	Tabs              []tokensTab
	Rows              []tokenRow
	Next              string
	First             string
	Cut               bool // time ran out before the page was full
	Searched          bool
	MayRevoke, MayAll bool
	EndClient, EndAll string // addresses of confirmations; "": not for this search
	EndUser, ByUser   string
	ByClient          string
}

type tokensTab struct {
	Label, URL string
	Current    bool
}

// tokenChoice is a client that a search may have meant.
type tokenChoice struct{ Name, ID, URL string }

// tokenRow is one chain of refresh tokens or one opaque access token.
type tokenRow struct {
	Pick                   string // how a form names it
	ID, Client, ClientName string
	ClientURL, UserURL     string
	Username, Scope        string
	Issued, Used, Expires  time.Time
	State                  tag
	Live                   bool
	Family                 string
}

func tokens(v *visit) error {
	in := v.r.URL.Query()
	p := tokensPage{List: listChains, Client: text.Pasted(in.Get("client")), User: text.Pasted(in.Get("user")), Problems: map[string]string{},
		MayRevoke: v.offers(operator.RevokeTokens), MayAll: v.offers(operator.RevokeAll), EndAll: v.path("tokens", "end-all")}
	if in.Get("list") == listOpaque {
		p.List = listOpaque
	}
	p.Searched = p.Client != "" || p.User != ""
	q := issuer.TokenSearch{After: in.Get("after"), Limit: pageOfTokens}
	if err := v.whoseTokens(&p, &q); err != nil {
		return err
	}
	for _, t := range [][2]string{{listChains, "Refresh chains"}, {listOpaque, "Opaque access tokens"}} {
		p.Tabs = append(p.Tabs, tokensTab{t[1], v.tokensAddress(&p, t[0], ""), t[0] == p.List})
	}
	if len(p.Problems) > 0 || len(p.Choices) > 0 {
		return v.render(http.StatusOK, "tokens", "Tokens", p)
	}
	next, err := v.findTokens(&p, q)
	if err != nil {
		return err
	}
	if next != "" {
		p.Next, p.Cut = v.tokensAddress(&p, p.List, next), len(p.Rows) < pageOfTokens
	}
	if q.After != "" {
		p.First = v.tokensAddress(&p, p.List, "")
	}
	return v.render(http.StatusOK, "tokens", "Tokens", p)
}

// tokensAddress is the same search on another list or page.
func (v *visit) tokensAddress(p *tokensPage, list, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"client": p.Client, "user": p.User, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if list != listChains {
		q.Set("list", list)
	}
	return v.path("tokens") + query(q.Encode())
}

// whoseTokens finds the client and the user that are searched for by what a person knows of them: an id, a name, a username.
func (v *visit) whoseTokens(p *tokensPage, q *issuer.TokenSearch) error {
	ctx := v.r.Context()
	if p.Client != "" {
		if err := v.meantClient(ctx, p, q); err != nil {
			return err
		}
	}
	if p.User == "" {
		return nil
	}
	u, err := v.desk.User(ctx, p.User)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		p.Problems["user"] = "No user of this tenant has this name."
	case err != nil:
		return err
	default:
		q.User, p.ByUser = u.ID, u.Username
		p.EndUser = v.path("tokens", "end") + "?" + url.Values{"user": {u.Username}}.Encode()
	}
	return nil
}

func (v *visit) meantClient(ctx context.Context, p *tokensPage, q *issuer.TokenSearch) error {
	if oauth.IsLabel(p.Client) {
		q.Client, p.ByClient = p.Client, p.Client
		return nil
	}
	found, err := v.desk.Client(ctx, p.Client)
	if errors.Is(err, registry.ErrNotFound) {
		var page directory.Page
		if page, err = v.desk.FindClients(ctx, directory.Search{Text: p.Client, Limit: 6}); err == nil && len(page.Clients) == 1 && page.Total == 1 {
			found = page.Clients[0]
		}
		for _, c := range page.Clients {
			p.Choices = append(p.Choices, tokenChoice{titleOf(c.Name, c.ID), c.ID, v.tokensAddress(&tokensPage{Client: c.ID, User: p.User}, p.List, "")})
		}
	}
	switch {
	case err != nil:
		return err
	case found != nil:
		p.Choices = nil
		q.Client, p.ByClient = found.ID, titleOf(found.Name, found.ID)
		p.EndClient = v.path("tokens", "end") + "?" + url.Values{"client": {found.ID}}.Encode()
	case len(p.Choices) == 0: // callers of some dialects name themselves; their tokens know them by that
		q.Client, p.ByClient = oauth.LabelClientID(p.Client), "callers that call themselves "+p.Client
	}
	return nil
}

// findTokens fills the rows of the page.
func (v *visit) findTokens(p *tokensPage, q issuer.TokenSearch) (next string, err error) {
	names := map[string]string{}
	if p.List == listOpaque {
		page, next, err := v.desk.Opaque(v.r.Context(), q)
		for _, k := range page {
			row := tokenRow{Pick: pickOf(revocation.Token, k.ID), ID: k.ID, Client: k.Client, Username: k.Username, Scope: k.Scope, Issued: k.Issued,
				Expires: k.Expires, Live: !k.Revoked, Family: k.Family}
			p.Rows = append(p.Rows, v.named(row, names))
		}
		return next, err
	}
	page, next, err := v.desk.Chains(v.r.Context(), q)
	for _, c := range page {
		p.Rows = append(p.Rows, v.chainRow(c, names))
	}
	return next, err
}

// chainRow is the row of a chain of refresh tokens.
func (v *visit) chainRow(c issuer.Chain, names map[string]string) tokenRow {
	return v.named(tokenRow{Pick: pickOf(revocation.Family, c.ID), ID: c.ID, Client: c.Client, Username: c.Username, Scope: c.Scope, Issued: c.Started,
		Used: c.Rotated, Expires: c.Expires, Live: c.Live}, names)
}

// named gives a row the name of its client and its state. A client that cannot be looked up shows its id.
func (v *visit) named(row tokenRow, names map[string]string) tokenRow {
	row.ClientName, row.State = row.Client, tag{"live", "tag-ok"}
	if !row.Live {
		row.State = tag{"ended", "tag-bad"}
	}
	if row.Username != "" {
		row.UserURL = v.path("users", row.Username)
	}
	if label, ok := strings.CutPrefix(row.Client, oauth.LabelClientID("")); ok { // a caller that names itself is no client of ours
		row.ClientName = "calls itself " + label
		return row
	}
	row.ClientURL = v.path("clients", row.Client)
	name, seen := names[row.Client]
	if !seen {
		if c, err := v.desk.Client(v.r.Context(), row.Client); err == nil {
			name = c.Name
		}
		names[row.Client] = name
	}
	row.ClientName = titleOf(name, row.Client)
	return row
}
