package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// tenancy is what a file declares of tenants: the settings as they are, and as they would be with the tenants that a file declares.
type tenancy struct {
	declared *declared
	is, next *settings
	steps    []*step // one for each declared tenant, in the order of the file
}

// tenantFile is what a step about a tenant writes.
type tenantFile struct {
	*tenancy
	page *page  // the file, as it shall be
	desk *desk  // whose record says who declared it
	by   string // who that is
}

// planTenants compares the tenants of a file with those of the settings. It writes nothing. A fault has its place in the file.
func planTenants(d *declared, s *settings) (*tenancy, error) {
	y := &tenancy{declared: d, is: s}
	var anew []registry.Tenant
	var from []placed
	for i := range d.Tenants {
		t := &d.Tenants[i].Tenant
		known := slices.IndexFunc(s.Tenants, func(o registry.Tenant) bool { return o.Name == t.Name })
		p, want, err := tenantText(y.fileOf(known, t.Name), t)
		if err != nil {
			return nil, d.page.fault(tenantPlace(i), err.Error())
		}
		var was []trait
		if known >= 0 {
			was = traitsOf(&s.Tenants[known])
		}
		full, err := y.completed(i, *want)
		if err != nil {
			return nil, err
		}
		step := &step{kind: "tenant", id: t.Name, place: tenantPlace(i), remark: full.Title, changes: differ(was, traitsOf(full)), tenant: &tenantFile{tenancy: y, page: p}}
		step.settle(known < 0)
		y.steps = append(y.steps, step)
		if step.act == toDoNone {
			continue
		}
		if err := y.mayWrite(step, known); err != nil {
			return nil, err
		}
		anew, from = append(anew, *want), append(from, placed{d.page, tenantPlace(i)})
	}
	y.next = s.with(anew, from)
	return y, y.next.rehearse()
}

// settle says what there is to do about a tenant. Of one that is new everything is.
func (s *step) settle(anew bool) {
	switch {
	case anew:
		s.act = toCreate
		for i := range s.changes {
			if _, entry := s.changes[i].New.(member); !entry {
				s.changes[i].Old = nil
			}
		}
	case len(s.changes) > 0:
		s.act = toChange
	default:
		s.act = toDoNone
	}
}

// fileOf is the file of a tenant: the one it is in, whatever that is called, or one of its name.
func (y *tenancy) fileOf(known int, name string) string {
	if known >= y.is.own() {
		return y.is.files[known-y.is.own()].page.file
	}
	return filepath.Join(y.is.tenantFolder(), name+".yaml")
}

// completed is a declared tenant with what may be left out, as the settings in force have theirs. By itself it has to be right already.
func (y *tenancy) completed(i int, t registry.Tenant) (*registry.Tenant, error) {
	alone := &settings{Tenants: []registry.Tenant{t}, files: []placed{{y.declared.page, tenantPlace(i)}}}
	err := registry.CheckTenants(alone.Tenants)
	if p, ok := errors.AsType[*registry.Problem](err); ok {
		return nil, alone.fault(p.Field, p.Text)
	}
	return &alone.Tenants[0], err
}

// mayWrite refuses what is not ours to write.
func (y *tenancy) mayWrite(s *step, known int) error {
	folder := y.is.TenantFiles
	switch {
	case known >= 0 && known < y.is.own():
		way := "move it into the folder " + folder
		if folder == "" {
			way = "move it into a file of a folder that tenant_files names"
		}
		return y.declared.page.fault(s.place, fmt.Sprintf("tenant %s is declared at %s, which apply never writes to, and differs there: %s; change it there, or %s",
			s.id, y.is.placeOfTenant(known), s.summary(6), way))
	case folder == "":
		return y.declared.page.fault(s.place, fmt.Sprintf("tenant %s is new, and %s says of no folder where its file could be: add the line tenant_files: tenants, and make the folder", s.id, y.is.file))
	case known < 0 && slices.ContainsFunc(y.is.files, func(p placed) bool { return p.page.file == s.tenant.page.file }):
		return y.declared.page.fault(s.place, fmt.Sprintf("the file of tenant %s would be %s, and that has another tenant; rename it", s.id, s.tenant.page.file))
	}
	return nil
}

// summary says in one line what changes, with at most so many differences.
func (s *step) summary(most int) string {
	var parts []string
	for _, d := range s.changes[:min(most, len(s.changes))] {
		parts = append(parts, fmt.Sprintf("%.200s", d.text(s.act)))
	}
	if more := len(s.changes) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// with returns settings in which tenants are added, or in the place of those of their name in the folder. They come last, so that what
// is wrong between them and others is said of them.
func (s *settings) with(tenants []registry.Tenant, from []placed) *settings {
	next := *s
	own := s.own()
	next.Tenants, next.files = slices.Clone(s.Tenants[:own]), nil
	for i := own; i < len(s.Tenants); i++ {
		if !slices.ContainsFunc(tenants, func(t registry.Tenant) bool { return t.Name == s.Tenants[i].Name }) {
			next.Tenants, next.files = append(next.Tenants, s.Tenants[i]), append(next.files, s.files[i-own])
		}
	}
	next.Tenants, next.files = append(next.Tenants, tenants...), append(next.files, from...)
	return &next
}

// rehearse compiles settings as a server does that reads them anew, and throws the result away.
func (s *settings) rehearse() error {
	if err := s.check(); err != nil {
		return err
	}
	if err := issuedHere(s); err != nil {
		return err
	}
	f := &front{settings: s, now: wallClock(), metrics: server.NewMetrics()}
	f.guards = func(t *registry.Tenant) (bearer.Options, error) { // nobody will be let in
		return bearer.Options{Issuer: t.Issuer, Keys: func(string) (bearer.Key, bool) { return bearer.Key{}, false }}, nil
	}
	surface, err := f.compile(s)
	if err != nil {
		return err
	}
	for _, g := range surface.gateways {
		g.Close()
	}
	return nil
}

// takeUp has the desk of this command know the tenants that are to be. Nothing is written: their keys are made with their files.
func (y *tenancy) takeUp(ctx context.Context, d *desk) error {
	if err := d.feed.SetTenants(ctx, y.next.tenantNames()); err != nil {
		return err
	}
	if err := d.registry.SetTenants(y.next.Tenants); err != nil {
		return err
	}
	for _, s := range y.steps {
		s.tenant.desk, s.tenant.by = d, author()
		if err := s.noteHolders(ctx, d.directory); err != nil {
			return err
		}
	}
	return nil
}

// noteHolders remarks which permissions are taken away while clients hold them.
func (s *step) noteHolders(ctx context.Context, r *directory.Directory) error {
	var gone []string
	if s.act == toChange {
		gone = s.tenant.permissionsGone(s.id)
	}
	if len(gone) == 0 {
		return nil
	}
	held, err := r.Holders(ctx, s.id)
	if err != nil {
		return err
	}
	for _, p := range gone {
		switch n := held[p]; {
		case n == 1:
			s.remark += fmt.Sprintf(" (1 client holds %s, which is taken away)", p)
		case n > 1:
			s.remark += fmt.Sprintf(" (%d clients hold %s, which is taken away)", n, p)
		}
	}
	s.remark = strings.TrimSpace(s.remark)
	return nil
}

// permissionsGone are those that a tenant has now and would not have.
func (y *tenancy) permissionsGone(name string) (gone []string) {
	names := func(s *settings) []string {
		for i := range s.Tenants {
			if s.Tenants[i].Name == name {
				return s.Tenants[i].PermissionNames()
			}
		}
		return nil
	}
	left := names(y.next)
	for _, p := range names(y.is) {
		if !slices.Contains(left, p) {
			gone = append(gone, p)
		}
	}
	return gone
}

// unmoved reports, as an error, whether somebody else has changed the settings since the plan was made. They are read once for all steps.
func (y *tenancy) unmoved(s *step) error {
	if s != y.steps[0] {
		return nil
	}
	now, err := loadSettings(y.is.file, y.is.over)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(now.Tenants, y.is.Tenants) || now.TenantFiles != y.is.TenantFiles {
		return errors.New("the tenants of the settings were changed since the plan was made")
	}
	return nil
}

// write puts the tenant's file in its place. The record says so first: no change is without an author, even if the next moment is the
// last one.
func (t *tenantFile) write(ctx context.Context, s *step) error {
	now := t.desk.now()
	e := audit.Event{ID: secret.NewID(now), Tenant: s.id, Time: now, Act: "tenant.apply", Actor: t.by, Subject: "tenant:" + s.id, Outcome: audit.Allowed,
		Detail: map[string]string{"change": s.act, "file": t.page.file, "fields": s.summary(20)}}
	if err := t.desk.store.Put(ctx, audit.Record(e)); err != nil {
		return err
	}
	if err := replaceFile(t.page.file, t.page.text, modeLike(t.page.file, t.is.file)); err != nil {
		e.ID, e.Outcome, e.Reason = secret.NewID(now), audit.Refused, err.Error()
		return errors.Join(err, t.desk.store.Put(ctx, audit.Record(e)))
	}
	if slices.ContainsFunc(t.steps[slices.Index(t.steps, s)+1:], func(s *step) bool { return s.act != toDoNone }) {
		return nil
	}
	// That was the last one. Whoever writes by hand knows nothing of us.
	if _, err := loadSettings(t.is.file, t.is.over); err != nil {
		return fmt.Errorf("the files of tenants are written, and with what somebody else wrote meanwhile there is a fault, so that a server goes on as it was: %w", err)
	}
	// A server makes the keys of new tenants too: whoever comes first makes them, the other one reads them.
	return t.desk.keys.Configure(ctx, keyTenants(t.next))
}
