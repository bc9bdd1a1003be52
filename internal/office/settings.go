package office

import (
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// Setting is one setting as it is in force. There are no secrets among them.
type Setting struct {
	Field string // its place in the file, such as tenants[0].issuer
	Value string
	Place string // what decides it: FILE:LINE, a flag or variable of the environment, or default
}

// Settings returns the settings of the tenant, in the order of the file: who has a role here only does not see the others'.
func (d *Desk) Settings() ([]Setting, error) {
	if err := d.may(operator.ReadSettings); err != nil {
		return nil, err
	}
	return ofTenant(d.office.inForce(), d.tenant), nil
}

// Settings returns all settings, in the order of the file.
func (s *Staff) Settings() ([]Setting, error) {
	if err := s.may(operator.ReadSettings); err != nil {
		return nil, err
	}
	return s.office.inForce(), nil
}

func (o *Office) inForce() []Setting {
	if o.Settings == nil {
		return nil
	}
	return o.Settings()
}

// ofTenant returns what stands under tenants[N] of the tenant with that name.
func ofTenant(all []Setting, name string) []Setting {
	place := ""
	for _, s := range all {
		if at, named := strings.CutSuffix(s.Field, "].name"); named && s.Value == name && strings.HasPrefix(at, "tenants[") && !strings.Contains(at, ".") {
			place = at + "]."
			break
		}
	}
	var own []Setting
	for _, s := range all {
		if place != "" && strings.HasPrefix(s.Field, place) {
			own = append(own, s)
		}
	}
	return own
}
