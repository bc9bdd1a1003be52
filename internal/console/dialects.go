package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// dialectsPage lists the contracts there are, those of the tenant first.
type dialectsPage struct{ Spoken, Others []dialectCard }

// dialectCard is one contract in short.
type dialectCard struct {
	Name, About string
	Terms       []contractTerm
	Endpoints   []string // where this tenant answers in it
	APIs        []string // that refuse in its words
	Grants      []string
	URL, TryURL string
	BuiltIn     bool
}

func dialects(v *visit) error {
	var p dialectsPage
	known := v.Dialects()
	for _, name := range sortedNames(known) {
		card := v.dialectCard(known[name])
		if len(card.Endpoints) > 0 || len(card.APIs) > 0 {
			p.Spoken = append(p.Spoken, card)
		} else {
			p.Others = append(p.Others, card)
		}
	}
	return v.render(http.StatusOK, "dialects", "Dialects", p)
}

func (v *visit) dialectCard(d *dialect.Dialect) dialectCard {
	card := dialectCard{Name: d.Name, About: d.About, Terms: contractTerms(d.Terms), URL: v.path("dialects", d.Name), TryURL: v.path("dialects", d.Name, "playground"),
		BuiltIn: slices.Contains(dialect.Builtin(), d)}
	for path := range tenantEndpoints(v.tenant, d) {
		card.Endpoints = append(card.Endpoints, path)
	}
	slices.Sort(card.Endpoints)
	for _, a := range v.tenant.APIs {
		if a.Dialect == d.Name {
			card.APIs = append(card.APIs, titleOf(a.Title, a.Name))
		}
	}
	for _, e := range readContract(d).Endpoints {
		for _, r := range e.Requests {
			if !slices.Contains(card.Grants, r.Grant) {
				card.Grants = append(card.Grants, r.Grant)
			}
		}
	}
	return card
}

// tenantEndpoints are the paths at which a tenant answers in a dialect, each with the endpoint of the contract that it is.
func tenantEndpoints(t *registry.Tenant, d *dialect.Dialect) map[string]*dialect.Endpoint {
	out := map[string]*dialect.Endpoint{}
	if slices.Contains(t.Dialects, d.Name) {
		for _, e := range d.Endpoints() {
			out[e.Path] = e
		}
	}
	for _, own := range t.Endpoints {
		if own.Dialect != d.Name {
			continue
		}
		if e := d.Endpoint(own.As); e != nil {
			out[own.Path] = e
		} else if own.As == "" && len(d.Endpoints()) > 0 {
			out[own.Path] = d.Endpoints()[0]
		}
	}
	return out
}

func sortedNames(known map[string]*dialect.Dialect) []string {
	var names []string
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// dialectPage is a contract as documentation.
type dialectPage struct {
	Card     dialectCard
	Contract contract
	Spelt    []speltRefusal
	Shown    []shownTranscript
	Source   string
	Back     string
}

// shownTranscript is what a real client sends, and what it is answered.
type shownTranscript struct {
	dialect.Transcript
	Status string // of the answer
	TryURL string // the playground, with this request in it
}

// speltRefusal is how the dialect really answers a refusal, its own words or those it falls back to.
type speltRefusal struct {
	Code, Standard string
	Status         int
	Text           string // the whole answer
	Own            bool   // the file has a block for it
}

// namedDialect returns the dialect of the address, or registry.ErrNotFound.
func (v *visit) namedDialect() (*dialect.Dialect, error) {
	if d := v.Dialects()[v.r.PathValue("dialect")]; d != nil {
		return d, nil
	}
	return nil, registry.ErrNotFound
}

func dialectContract(v *visit) error {
	d, err := v.namedDialect()
	if err != nil {
		return err
	}
	p := dialectPage{Card: v.dialectCard(d), Contract: readContract(d), Source: d.Source, Back: v.path("dialects")}
	own := map[string]bool{}
	for _, b := range slices.Concat(p.Contract.Refusals, p.Contract.Guard) {
		own[b.When] = true
	}
	for _, code := range oauth.Codes() {
		answer := newAnswer()
		d.EncodeError(answer, &oauth.Error{Code: code, Description: "Why, in a sentence."}, dialect.About{RequestID: "EXAMPLE-REQUEST-ID",
			Realm: v.tenant.Issuer, Path: "/the/path", Scope: "the-permission"})
		s := speltRefusal{Code: string(code), Status: answer.status, Text: answer.String(), Own: own[string(code)]}
		if standard := code.Standard(); standard != code {
			s.Standard = string(standard)
		}
		p.Spelt = append(p.Spelt, s)
	}
	for _, t := range transcriptsOf(d) {
		_, status, _ := strings.Cut(t.Answer, " ")
		p.Shown = append(p.Shown, shownTranscript{t, status[:min(3, len(status))], p.Card.TryURL + "?" + url.Values{"transcript": {t.Name}}.Encode()})
	}
	slices.SortStableFunc(p.Shown, func(a, b shownTranscript) int { return strings.Compare(a.Status, b.Status) }) // what goes well comes first
	return v.render(http.StatusOK, "dialect", "The dialect "+d.Name, p)
}

// transcriptsOf are those of a dialect that comes with the product; one of the settings' own may have its name, but not its proof.
func transcriptsOf(d *dialect.Dialect) []dialect.Transcript {
	if !slices.Contains(dialect.Builtin(), d) {
		return nil
	}
	return dialect.Transcripts(d.Name)
}
