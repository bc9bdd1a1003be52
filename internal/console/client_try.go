package console

import (
	"net/http"
	"strconv"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/sheet"
	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// tryPage asks for a token as the client would, and shows what comes back.
type tryPage struct {
	Client    *registry.Client
	Detail    string
	Action    string
	Contracts []tryContract
	Problem   string
	Result    *tryResult
}

// tryContract is a contract that a client can be tried with.
type tryContract struct {
	Index   int
	Title   string
	Checked bool
}

// clientTryForm shows the form. The secret is typed in: nobody here has it.
func clientTryForm(v *visit) error { return v.tryPage(http.StatusOK, nil, 0, "", nil) }

func clientTry(v *visit) error {
	if err := v.desk.May(operator.ChangeClients); err != nil { // before the form, whose faults are nobody else's business
		return err
	}
	in, err := v.form()
	if err != nil {
		return err
	}
	c, err := v.standingClient()
	if err != nil {
		return err
	}
	chosen, err := strconv.Atoi(in.Get("contract"))
	all := sheet.For(v.tenant, c, v.Dialects())
	if err != nil || chosen < 0 || chosen >= len(all) || all[chosen].Grant != oauth.ClientCredentials {
		return v.tryPage(http.StatusUnprocessableEntity, c, 0, "Choose one of the ways this client may ask in.", nil)
	}
	text := oauth.Secret(text.Pasted(in.Get("secret")))
	if text == "" {
		return v.tryPage(http.StatusUnprocessableEntity, c, chosen, "Paste the secret: only the program and whoever saved it have it.", nil)
	}
	if err := v.desk.NoteTry(v.r.Context(), c.ID); err != nil {
		return err
	}
	result, err := v.try(c, &all[chosen], text)
	if err != nil {
		return err
	}
	return v.tryPage(http.StatusOK, c, chosen, "", result)
}

func (v *visit) tryPage(status int, c *registry.Client, chosen int, problem string, result *tryResult) error {
	if c == nil {
		var err error
		if c, err = v.standingClient(); err != nil {
			return err
		}
	}
	p := &tryPage{Client: c, Detail: v.path("clients", c.ID), Action: v.path("clients", c.ID, "try"), Problem: problem, Result: result}
	for i, contract := range sheet.For(v.tenant, c, v.Dialects()) {
		if contract.Grant == oauth.ClientCredentials {
			p.Contracts = append(p.Contracts, tryContract{i, contract.Title, i == chosen || len(p.Contracts) == 0})
		}
	}
	return v.render(status, "client_try", "Try it: "+c.Name, p)
}

// standingClient is the client of the address, unless it is deleted.
func (v *visit) standingClient() (*registry.Client, error) {
	c, err := v.desk.Client(v.r.Context(), v.r.PathValue("id"))
	if err == nil && c.Deleted {
		err = registry.ErrNotFound
	}
	return c, err
}
