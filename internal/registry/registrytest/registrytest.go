// Package registrytest is what tests of other packages do to registrations: the changes of clients and users that the desk makes as
// edits, each under the act that the audit record has it by. It checks no right: package office does, and is what the product calls.
// It keeps nothing, and may be called concurrently.
package registrytest

import (
	"context"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// DisableClient stops a client, or lets it start again.
func DisableClient(ctx context.Context, r *registry.Registry, by, tenant, id string, disabled bool) error {
	act := map[bool]string{true: "client.disable", false: "client.enable"}[disabled]
	_, err := r.UpdateClient(ctx, by, act, tenant, id, func(c *registry.Client) error { c.Disabled = disabled; return nil })
	return err
}

// DeleteClient ends a client for good.
func DeleteClient(ctx context.Context, r *registry.Registry, by, tenant, id string) error {
	_, err := r.UpdateClient(ctx, by, "client.delete", tenant, id, func(c *registry.Client) error { c.Delete(); return nil })
	return err
}

// DisableUser stops a user, or lets it start again.
func DisableUser(ctx context.Context, r *registry.Registry, by, tenant, username string, disabled bool) error {
	act := map[bool]string{true: "user.disable", false: "user.enable"}[disabled]
	_, err := r.UpdateUser(ctx, by, act, tenant, username, func(u *registry.User) error { u.Disabled = disabled; return nil })
	return err
}

// DeleteUser ends a user for good.
func DeleteUser(ctx context.Context, r *registry.Registry, by, tenant, username string) error {
	_, err := r.UpdateUser(ctx, by, "user.delete", tenant, username, func(u *registry.User) error { u.Delete(); return nil })
	return err
}
