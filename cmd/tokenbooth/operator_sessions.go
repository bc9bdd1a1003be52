package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// sessionView is what may be seen of a session. These names are a promise to programs.
type sessionView struct {
	ID        string     `json:"id"`
	Method    string     `json:"method"`    // password, passkey or link
	Enrolling bool       `json:"enrolling"` // good for nothing but setting up a proof
	Source    string     `json:"source"`
	Agent     string     `json:"agent"`
	Created   time.Time  `json:"created"`
	Seen      time.Time  `json:"seen"`
	Proven    *time.Time `json:"proven"`
	Expires   time.Time  `json:"expires"`
}

func operatorSessionsCommand() *cobra.Command {
	return staffCommand(&cobra.Command{
		Use:   "sessions USERNAME",
		Short: "List where an operator is signed in",
		Args:  want("USERNAME"),
	}, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		all, err := e.Sessions(ctx, o.ID)
		if err != nil {
			return err
		}
		views := []sessionView{}
		var rows [][]string
		for _, s := range all {
			v := sessionView{ID: s.ID, Method: s.Method, Enrolling: s.Enrolling, Source: s.Source, Agent: s.Agent, Created: s.Created.UTC(),
				Seen: s.LastSeen.UTC(), Proven: orNull(s.ProvenAt), Expires: s.Expires.UTC()}
			views = append(views, v)
			rows = append(rows, []string{v.ID, v.by(), v.Source, e.when(v.Created, ""), e.when(v.Seen, ""), e.when(v.Expires, ""), v.Agent})
		}
		if e.json {
			return e.object(views)
		}
		return e.table("Operator "+o.Username+" is not signed in anywhere.",
			[]string{"ID", "SIGNED IN BY", "FROM", "SINCE", "LAST SEEN", "ENDS", "BROWSER"}, rows)
	})
}

// by says how a session was opened, and what that keeps it from.
func (v *sessionView) by() string {
	if v.Enrolling {
		return v.Method + ", to set up a proof"
	}
	return v.Method
}

func operatorEndSessionsCommand() *cobra.Command {
	var one string
	cmd := &cobra.Command{
		Use:   "end-sessions USERNAME",
		Short: "Sign an operator out everywhere",
		Long:  "End-sessions ends all sessions of an operator, or one. Who can sign in may do so again: to keep somebody out, use disable.",
		Args:  want("USERNAME"),
	}
	cmd.Flags().StringVar(&one, "session", "", "only the session with this `ID`, as operator sessions lists it")
	return staffCommand(cmd, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		if cmd.Flags().Changed("session") {
			err := e.EndSession(ctx, o.ID, one)
			if errors.Is(err, operator.ErrNotFound) {
				return fmt.Errorf("--session: operator %s has no session %q", o.Username, one)
			}
			if err != nil {
				return err
			}
			return e.done(o, "That session of operator %s is over.")
		}
		if err := e.EndSessions(ctx, o.ID, ""); err != nil {
			return err
		}
		return e.done(o, "Every session of operator %s is over.")
	})
}

func operatorClearProofsCommand() *cobra.Command {
	return addYes(staffCommand(&cobra.Command{
		Use:   "clear-proofs USERNAME",
		Short: "Take password, one-time codes, passkeys and recovery codes away from an operator",
		Long: `Clear-proofs is for an operator who has lost what he signs in with, or from whom it was stolen. Every session ends, and a
link that was not used is worth nothing; a new one lets the operator start over: tokenbooth operator invite.`,
		Args: want("USERNAME"),
	}, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		if err := e.confirm(ctx, fmt.Sprintf("Operator %s will have nothing to sign in with, and every session will be over.", o.Username)); err != nil {
			return err
		}
		o, err := e.ClearProofs(ctx, o.ID, o.Edition)
		if err != nil {
			return err
		}
		return e.done(o, "Operator %s has nothing to sign in with any more, and every session is over. A link lets them start over: tokenbooth operator invite.")
	}))
}
