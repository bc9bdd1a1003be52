package console

import "strings"

// nameOf renders an actor or subject of the audit record for people: an operator's name for operator:ID. What it cannot name it returns as
// it is.
func (v *visit) nameOf(actor string) string {
	kind, id, _ := strings.Cut(actor, ":")
	switch kind {
	case "operator":
		if o, err := v.Operators.Get(v.r.Context(), id); err == nil {
			return shownName(o)
		}
	case "cli":
		return id + " (command line)"
	}
	return actor
}
