package main

import (
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/console"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// backOffice is what operators work with: who they are, and every act of theirs.
type backOffice struct {
	operators *operator.Operators
	office    *office.Office
	at        string // the URL of the console, which new settings do not change
}

// openOffice opens the back office of a desk. refusals may be nil: then what is refused is written on the spot.
func openOffice(d *desk, i *issuer.Issuer, refusals *audit.Log) (o backOffice, err error) {
	at := d.settings.consoleURL()
	o.at = at
	o.operators, err = operator.New(operator.Options{Store: d.store, Sealer: d.sealer, Hashing: i.Hashing.Operators, Now: d.now, Refusals: refusals, URL: o.at})
	if err != nil {
		return o, err
	}
	o.office = office.New(office.Options{Store: d.store, Registry: d.registry, Directory: d.directory, Keys: d.keys, Issuer: i, Operators: o.operators,
		Refusals: refusals, JournalDir: d.settings.journal(), Now: d.now, Settings: d.settings.inForce,
		SignInLink: func(link oauth.Secret) string { return console.SignInLink(at, link) }})
	return o, nil
}
