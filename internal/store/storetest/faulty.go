package storetest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// ErrDisk is what a Faulty store fails with.
var ErrDisk = errors.New("the disk is gone")

// Faulty is a store that counts what it is asked and fails when it is told to, for tests of what is built on a store. Only Get, List and Put
// are counted and fail. It may be used concurrently, but for Slow.
type Faulty struct {
	store.Store
	Calls  atomic.Int64 // so far
	FailAt atomic.Int64 // the call that fails, counted from 1; 0: none
	Down   atomic.Bool  // every call fails
	Slow   func()       // is called before each write; set it before anything is asked
}

func (s *Faulty) fails() bool {
	n := s.Calls.Add(1)
	return s.Down.Load() || n == s.FailAt.Load()
}

// Get is the store's, or ErrDisk.
func (s *Faulty) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	if s.fails() {
		return store.Record{}, ErrDisk
	}
	return s.Store.Get(ctx, tenant, kind, id)
}

// List is the store's, or ErrDisk.
func (s *Faulty) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if s.fails() {
		return nil, ErrDisk
	}
	return s.Store.List(ctx, q)
}

// Put is the store's, or ErrDisk, and then nothing was written.
func (s *Faulty) Put(ctx context.Context, records ...store.Record) error {
	if s.fails() {
		return ErrDisk
	}
	if s.Slow != nil {
		s.Slow()
	}
	return s.Store.Put(ctx, records...)
}
