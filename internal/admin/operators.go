package admin

import (
	"context"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// operatorsPath is where the operators are, behind /v1/.
const operatorsPath = "operators"

// staff is the register of operators, as the author of a request may use it.
func (a *api) staff(ctx context.Context) *office.Staff {
	return a.Office.Operators(&callOf(ctx).actor)
}

// ListOperators answers a page of operators.
func (a *api) ListOperators(ctx context.Context, in ListOperatorsRequestObject) (ListOperatorsResponseObject, error) {
	size, err := pageSize(in.Params.Limit)
	if err != nil {
		return nil, err
	}
	name := list("listOperators", operator.All, nil)
	after, err := a.after(name, in.Params.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := a.staff(ctx).List(ctx)
	if err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(all, func(o *operator.Operator) bool { return o.Username <= after })
	out := OperatorPage{Operators: []Operator{}}
	for _, o := range rest[:min(size, len(rest))] {
		out.Operators = append(out.Operators, operatorOut(o))
	}
	if len(rest) > size {
		out.Next = a.cursor(name, rest[size-1].Username)
	}
	return ListOperators200JSONResponse(out), nil
}

// CreateOperator answers a new operator.
func (a *api) CreateOperator(ctx context.Context, in CreateOperatorRequestObject) (CreateOperatorResponseObject, error) {
	o := operator.Operator{Username: in.Body.Username}
	fields := as[OperatorFields](in.Body)
	if err := fields.put(&o); err != nil {
		return nil, err
	}
	made, err := a.staff(ctx).Create(ctx, o)
	if err != nil {
		return nil, err
	}
	return CreateOperator201JSONResponse{operatorOut(made),
		CreateOperator201ResponseHeaders{etag(made.Edition), link.Path("v1", operatorsPath, made.ID)}}, nil
}

// GetOperator answers an operator as it is now.
func (a *api) GetOperator(ctx context.Context, in GetOperatorRequestObject) (GetOperatorResponseObject, error) {
	o, err := a.staff(ctx).Get(ctx, in.Operator)
	if err != nil {
		return nil, err
	}
	if o.Deleted {
		return nil, operator.ErrNotFound
	}
	return GetOperator200JSONResponse{operatorOut(o), GetOperator200ResponseHeaders{etag(o.Edition)}}, nil
}

// ReplaceOperator writes all that can be written of an operator.
func (a *api) ReplaceOperator(ctx context.Context, in ReplaceOperatorRequestObject) (ReplaceOperatorResponseObject, error) {
	o, err := a.updateOperator(ctx, "operator.update", in.Operator, in.Params.IfMatch, in.Body.put)
	if err != nil {
		return nil, err
	}
	return ReplaceOperator200JSONResponse{operatorOut(o), ReplaceOperator200ResponseHeaders{etag(o.Edition)}}, nil
}

// DisableOperator lets nobody in by an operator's name.
func (a *api) DisableOperator(ctx context.Context, in DisableOperatorRequestObject) (DisableOperatorResponseObject, error) {
	o, err := a.updateOperator(ctx, disabling, in.Operator, in.Params.IfMatch, func(o *operator.Operator) error { o.Disabled = true; return nil })
	if err != nil {
		return nil, err
	}
	return DisableOperator200JSONResponse{operatorOut(o), DisableOperator200ResponseHeaders{etag(o.Edition)}}, nil
}

// EnableOperator lets an operator sign in again.
func (a *api) EnableOperator(ctx context.Context, in EnableOperatorRequestObject) (EnableOperatorResponseObject, error) {
	o, err := a.updateOperator(ctx, enabling, in.Operator, in.Params.IfMatch, func(o *operator.Operator) error { o.Disabled = false; return nil })
	if err != nil {
		return nil, err
	}
	return EnableOperator200JSONResponse{operatorOut(o), EnableOperator200ResponseHeaders{etag(o.Edition)}}, nil
}

// The acts of an operator's change that are operations of their own.
const (
	disabling = "operator.disable"
	enabling  = "operator.enable"
)

// updateOperator changes an operator of the revision that If-Match names.
func (a *api) updateOperator(ctx context.Context, act, id, match string, edit func(*operator.Operator) error) (*operator.Operator, error) {
	rev, err := parseIfMatch(match)
	if err != nil {
		return nil, err
	}
	return a.staff(ctx).Update(ctx, act, id, rev, edit)
}

// DeleteOperator ends an operator for good.
func (a *api) DeleteOperator(ctx context.Context, in DeleteOperatorRequestObject) (DeleteOperatorResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.staff(ctx).Delete(ctx, in.Operator, rev); err != nil {
		return nil, err
	}
	return DeleteOperator204Response{}, nil
}

// InviteOperator answers a sign-in link.
func (a *api) InviteOperator(ctx context.Context, in InviteOperatorRequestObject) (InviteOperatorResponseObject, error) {
	if in.Body.Lifetime > int64(operator.LongestLink/time.Second) { // more might be too much for a duration
		return nil, atField("lifetime", "A link is good for a minute to a week.")
	}
	url, expires, err := a.staff(ctx).Invite(ctx, in.Operator, time.Duration(in.Body.Lifetime)*time.Second)
	if err != nil {
		return nil, err
	}
	return InviteOperator200JSONResponse{Url: url.Reveal(), Expires: utc(expires)}, nil
}

// ClearProofs takes away what an operator signs in with.
func (a *api) ClearProofs(ctx context.Context, in ClearProofsRequestObject) (ClearProofsResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	o, err := a.staff(ctx).ClearProofs(ctx, in.Operator, rev)
	if err != nil {
		return nil, err
	}
	return ClearProofs200JSONResponse{operatorOut(o), ClearProofs200ResponseHeaders{etag(o.Edition)}}, nil
}

func writableOperator(o *operator.Operator) OperatorFields {
	f := OperatorFields{Name: o.Name, Roles: Roles{}, Disabled: o.Disabled}
	for tenant, role := range o.Roles {
		f.Roles[tenant] = Role(role)
	}
	return f
}

// put writes the fields to an operator, all of them. Roles that are left out are not taken for none: that would lock somebody out.
func (f *OperatorFields) put(o *operator.Operator) error {
	if f.Roles == nil {
		return atField("roles", "It is needed; {} is no role at all.")
	}
	o.Name, o.Roles, o.Disabled = f.Name, map[string]operator.Role{}, f.Disabled
	for tenant, role := range f.Roles {
		o.Roles[tenant] = operator.Role(role)
	}
	return nil
}

// operatorOut is an operator as the contract has it.
func operatorOut(o *operator.Operator) Operator {
	out := as[Operator](writableOperator(o))
	out.Id, out.Rev, out.Username, out.Proofs, out.SignedIn = o.ID, int64(o.Edition), o.Username, []OperatorProofs{}, utc(o.SignedIn)
	if o.HasPassword() {
		out.Proofs = append(out.Proofs, OperatorProofsPassword)
	}
	if len(o.Passkeys) > 0 {
		out.Proofs = append(out.Proofs, OperatorProofsPasskey)
	}
	out.Created, out.CreatedBy, out.Updated, out.UpdatedBy = utc(o.Created), o.CreatedBy, utc(o.Updated), o.UpdatedBy
	return out
}

// operatorIn is an operator of the contract as the rest of the product has it. Of proofs it is told which there are, and nothing else.
func operatorIn(in *Operator) (*operator.Operator, error) {
	o := &operator.Operator{ID: in.Id, Edition: uint64(in.Rev), Username: in.Username, SignedIn: in.SignedIn,
		Created: in.Created, CreatedBy: in.CreatedBy, Updated: in.Updated, UpdatedBy: in.UpdatedBy}
	fields := as[OperatorFields](in)
	if err := fields.put(o); err != nil {
		return nil, err
	}
	if slices.Contains(in.Proofs, OperatorProofsPassword) {
		o.Hash, o.TOTP = "?", []byte{'?'}
	}
	if slices.Contains(in.Proofs, OperatorProofsPasskey) {
		o.Passkeys = make([]operator.Passkey, 1)
	}
	return o, nil
}
