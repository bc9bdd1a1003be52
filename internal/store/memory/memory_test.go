package memory

import (
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
)

func TestEveryPromiseOfAStoreIsKept(t *testing.T) {
	storetest.Test(t, storetest.Engine{
		Open: func(t *testing.T, now func() time.Time) store.Store {
			s := New(now)
			t.Cleanup(func() { s.Close() })
			return s
		},
	})
}
