package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// passwordPrefix starts the passwords that are made here, so that scanners and people know one when they see it.
const passwordPrefix = "tbp"

// rehearse does all steps on paper, so that a fault is found before anything is written. Tenants have had their rehearsal, whole.
func (e *errand) rehearse(ctx context.Context, d *declared, steps []*step) error {
	onPaper, err := e.onPaper()
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.act == toDoNone || s.kind == "tenant" {
			continue
		}
		_, err := s.do(ctx, onPaper, e.tenant)
		p, ok := errors.AsType[*registry.Problem](err)
		switch {
		case ok && s.place != "":
			return d.page.fault(s.place+"."+p.Field, p.Text)
		case ok:
			return fmt.Errorf("%s %s, which is not declared and would be disabled: %s: %s", s.kind, s.id, p.Field, p.Text)
		case err != nil:
			return fmt.Errorf("%s %s: %w", s.kind, s.id, err)
		}
	}
	return nil
}

// do brings one step about: unless somebody was there since the plan was made. What it registers gets a secret, which is returned.
func (s *step) do(ctx context.Context, a acts, t *registry.Tenant) (text oauth.Secret, err error) {
	switch {
	case s.kind == "tenant":
		return "", s.tenant.write(ctx, s)
	case s.act == toCreate && s.kind == "client":
		_, text, err = a.CreateClient(ctx, *s.wantedClient(t))
		return text, err
	case s.act == toCreate:
		text = oauth.Secret(secret.New(passwordPrefix))
		_, _, err = a.CreateUser(ctx, *s.wantedUser(t), text, false)
		return text, err
	case s.kind == "client":
		_, err = a.UpdateClient(ctx, s.id, "client.apply", 0, func(c *registry.Client) error {
			if err := s.sameClient(c); err != nil {
				return err
			}
			s.editClient(c)
			return nil
		})
	default:
		_, err = a.UpdateUser(ctx, s.id, "user.apply", 0, func(u *registry.User) error {
			if err := s.sameUser(u); err != nil {
				return err
			}
			s.editUser(u)
			return nil
		})
	}
	if errors.Is(err, registry.ErrNotFound) {
		return "", s.gone()
	}
	return "", err
}

// unmoved reports, as an error, whether somebody else has changed what the step is about since the plan was made.
func (s *step) unmoved(ctx context.Context, a acts) error {
	var err error
	if s.kind == "tenant" {
		return s.tenant.unmoved(s)
	}
	if s.kind == "client" {
		var c *registry.Client
		if c, err = a.Client(ctx, s.id); err == nil {
			err = s.sameClient(c)
		}
	} else {
		var u *registry.User
		if u, err = a.User(ctx, s.id); err == nil {
			err = s.sameUser(u)
		}
	}
	if !errors.Is(err, registry.ErrNotFound) {
		return err
	}
	return s.gone()
}

// gone is what it means that nobody of that name is registered.
func (s *step) gone() error {
	if s.act == toCreate {
		return nil
	}
	return fmt.Errorf("%s %s was deleted since the plan was made", s.kind, s.id)
}

// sameClient refuses a client that is not what the plan was made from.
func (s *step) sameClient(c *registry.Client) error {
	switch {
	case s.client == nil:
		return fmt.Errorf("client %s was registered since the plan was made, by %s", s.id, c.CreatedBy)
	case c.Rev == s.client.Rev:
		return nil
	}
	return fmt.Errorf("client %s was changed since the plan was made, by %s", s.id, c.UpdatedBy)
}

// sameUser refuses a user who is not what the plan was made from.
func (s *step) sameUser(u *registry.User) error {
	switch {
	case s.user == nil:
		return fmt.Errorf("user %s was registered since the plan was made, by %s", s.id, u.CreatedBy)
	case u.ID == s.user.ID && u.Edition == s.user.Edition:
		return nil
	}
	return fmt.Errorf("user %s was changed since the plan was made, by %s", s.id, u.UpdatedBy)
}
