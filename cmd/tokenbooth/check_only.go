package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// checkOnly reads what a start of serve or gateway would read and says whether it could start. Nothing is opened, made or listened at.
func checkOnly(cmd *cobra.Command, s *settings, check func(*settings) error) error {
	if err := check(s); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s has no fault; tenants: %d\n", s.file, len(s.Tenants))
	return err
}

// checkBooth reads what a token desk reads at its start.
func checkBooth(s *settings) error {
	if err := issuedHere(s); err != nil {
		return err
	}
	if _, _, err := readKey(s); err != nil {
		return err
	}
	if s.ExpiryWarnings != nil {
		if _, err := s.webhook(); err != nil {
			return err
		}
	}
	return errors.Join(checkFront(s), checkStoreFile(s, s.firstStart))
}

// checkGuard reads what a gateway reads at its start. Whether the issuers answer is not asked.
func checkGuard(s *settings) error {
	for i := range s.Tenants {
		if _, err := whom(s, i); err != nil {
			return err
		}
	}
	return errors.Join(checkFront(s), checkStoreFile(s, true))
}

// checkFront reads what both have: certificates, dialects, and tenants with their routes.
func checkFront(s *settings) error {
	f, err := newFront(s)
	if err != nil {
		return err
	}
	f.guards = func(t *registry.Tenant) (bearer.Options, error) {
		return bearer.Options{Issuer: t.Issuer, Keys: func(string) (bearer.Key, bool) { return bearer.Key{}, false }}, nil
	}
	surface, err := f.compile(s)
	if err != nil {
		return err
	}
	for _, g := range surface.gateways {
		g.Close()
	}
	if c := s.Check; c != nil {
		if f.checkCerts, err = f.checkCertificates(c); err != nil {
			return err
		}
		if c.mutual() {
			if err := f.demandCertificates(server.Listener(nil, f.checkCerts, f.log), c); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkStoreFile opens the database as a file, to see that it may be written, and leaves it as it is.
func checkStoreFile(s *settings, make bool) error {
	if s.Store == "memory" {
		return nil
	}
	db, err := os.OpenFile(filepath.Join(s.Data, storeFile), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) && make {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s; tokenbooth init makes it, or serve --first-start does", filepath.Join(s.Data, storeFile))
	}
	if err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	return db.Close()
}
