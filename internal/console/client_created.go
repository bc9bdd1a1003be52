package console

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// credentialsPage shows a secret, once: it is the answer to the POST that made it, and no address leads to it.
type credentialsPage struct {
	Client   *registry.Client
	Secret   string
	New      bool // the client is new, too; else its secret was rotated
	Detail   string
	Try      string
	Sheet    []sheetContract
	Both     string // what "Copy both" takes
	Env      string // and the lines of a .env file
	Download string
	Old      *registry.Credential // still works for a while after a rotation
}

// sheetContract is how to ask by one contract.
type sheetContract struct {
	sheet.Contract
	Index    int
	Short    string // the path alone, or the title where several contracts share the path
	Recipes  []sheetRecipe
	Calls    []sheetCall
	Download string // address of the downloads
	Open     bool
}

// sheetCall is a call of an API with its place in the page.
type sheetCall struct {
	sheet.Call
	Place, Group string
	Open         bool
}

// sheetRecipe is a recipe with its place in the page.
type sheetRecipe struct {
	sheet.Recipe
	Place string // id of its element
	Group string // the tabs it belongs to
	Open  bool   // the first of its group
	File  bool   // too long to copy with comfort: it can be downloaded
}

// credentials answers with a secret that was just made.
func (v *visit) credentials(c *registry.Client, text oauth.Secret, isNew bool) error {
	p := &credentialsPage{Client: c, Secret: text.Reveal(), New: isNew, Detail: v.path("clients", c.ID), Try: v.path("clients", c.ID, "try"),
		Sheet: v.sheet(c, text), Download: v.path("clients", c.ID, "download"), Env: v.env(c, text)}
	p.Both = "Client ID: " + c.ID + "\nClient Secret: " + p.Secret
	title := "New secret"
	if isNew {
		title = "OAuth client credentials"
	}
	for i := range c.Credentials[:max(0, len(c.Credentials)-1)] {
		if c.Credentials[i].Live(v.Now()) {
			p.Old = &c.Credentials[i]
		}
	}
	return v.render(http.StatusOK, "client_created", title, p)
}

// env is the credential as lines of a .env file, with where to ask where there is such an endpoint.
func (v *visit) env(c *registry.Client, text oauth.Secret) string {
	var at string
	if all := sheet.For(v.tenant, c, v.Dialects()); len(all) > 0 {
		at = all[0].URL
	}
	return sheet.Env(c.ID, text, at)
}

// sheet is the credential sheet: each contract in the words of each tool.
func (v *visit) sheet(c *registry.Client, text oauth.Secret) (out []sheetContract) {
	for i, contract := range sheet.For(v.tenant, c, v.Dialects()) {
		s := sheetContract{Contract: contract, Index: i, Download: v.path("clients", c.ID, "download"), Open: i == 0}
		for k, r := range contract.Recipes(c.ID, text) {
			s.Recipes = append(s.Recipes, sheetRecipe{Recipe: r, Place: fmt.Sprintf("sheet-%d-%s", i, r.ID), Group: fmt.Sprintf("sheet-%d", i),
				Open: k == 0, File: r.Language == "json" || r.Language == "yaml"})
		}
		for k, call := range contract.Calls() {
			s.Calls = append(s.Calls, sheetCall{Call: call, Place: fmt.Sprintf("call-%d-%d", i, k), Group: fmt.Sprintf("calls-%d", i), Open: k == 0})
		}
		out = append(out, s)
	}
	shorten(out)
	return out
}

// shorten names each contract by the path of its endpoint, which is what a button has room for.
func shorten(all []sheetContract) {
	count := map[string]int{}
	path := func(s sheetContract) string {
		if u, err := url.Parse(s.URL); err == nil {
			return u.Path
		}
		return ""
	}
	for _, s := range all {
		count[path(s)]++
	}
	for i, s := range all {
		if all[i].Short = path(s); all[i].Short == "" || count[all[i].Short] > 1 {
			all[i].Short = s.Title
		}
	}
}

// clientDownload answers with a recipe as a file. The secret comes with the request, from the page that showed it, because nobody here
// has it any more.
func clientDownload(v *visit) error {
	if err := v.desk.May(operator.ChangeClients); err != nil {
		return err
	}
	in, err := v.form()
	if err != nil {
		return err
	}
	c, err := v.desk.Client(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if in.Get("recipe") == "env" {
		return v.attach(sheet.Recipe{Text: v.env(c, oauth.Secret(in.Get("secret"))), FileName: "tokenbooth.env"})
	}
	for i, contract := range sheet.For(v.tenant, c, v.Dialects()) {
		if fmt.Sprint(i) != in.Get("contract") {
			continue
		}
		for _, r := range contract.Recipes(c.ID, oauth.Secret(in.Get("secret"))) {
			if r.ID == in.Get("recipe") {
				return v.attach(r)
			}
		}
	}
	return registry.ErrNotFound
}

func (v *visit) attach(r sheet.Recipe) error {
	h := v.w.Header()
	h.Set("Content-Type", "application/octet-stream") // it is to be saved; no browser is to look for something in it to run
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": r.FileName}))
	h.Set("Cache-Control", "no-store")
	_, _ = v.w.Write([]byte(r.Text)) // a browser that went away cannot be told
	return nil
}
