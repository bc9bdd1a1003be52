package issuer

import (
	"context"
	"slices"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Present says what is known about an access token to a client that asks (RFC 7662): nothing but that it is inactive, unless the token
// is its own or meant for an API that it stands for. The error is an *oauth.Error when the client is refused, else a fault of ours.
func (i *Issuer) Present(ctx context.Context, q oauth.TokenQuery) (oauth.Introspection, error) {
	in, err := i.present(ctx, &q)
	if refusal := oauth.AsError(err); refusal != nil {
		i.NoteAsked(IntrospectRefused, &q.Asker, refusal)
	}
	return in, err
}

func (i *Issuer) present(ctx context.Context, q *oauth.TokenQuery) (oauth.Introspection, error) {
	// 1 Who asks?
	who, err := i.authenticate(ctx, &q.Asker, asClient)
	if err != nil {
		return oauth.Introspection{}, err
	}

	// 2 What is it? Neither a refresh token nor anything else but an access token is shown as one.
	a, err := i.read(ctx, who.tenant, q.Token.Reveal())

	// 3 May the caller know? (RFC 7662, section 4)
	if a != nil && a.ClientID != who.id && !meet(who.client.Guards, a.Audience) {
		a = nil
	}
	return i.judge(ctx, who.tenant, a, err)
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// MayFollow checks that a client may read all that its tenant has taken back: only those that stand for an API have a use for it, and
// those also when the tenant is disabled, or they would not hear of it. The error is an *oauth.Error when the client is refused, else a
// fault of ours.
func (i *Issuer) MayFollow(ctx context.Context, asker oauth.Asker) error {
	who, err := i.authenticate(ctx, &asker, asFollower)
	if err == nil && len(who.client.Guards) == 0 {
		err = oauth.Refuse(oauth.NoResourceServer, "The client stands for no API.", "client %s is no resource server", who.id)
	}
	if refusal := oauth.AsError(err); refusal != nil {
		i.NoteAsked(FeedRefused, &asker, refusal)
	}
	return err
}
