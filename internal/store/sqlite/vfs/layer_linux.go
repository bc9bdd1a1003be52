package vfs

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Name registers the layer, once, and returns what SQLite knows it by (the parameter vfs of a database's name). On other systems than
// Linux it is "": SQLite's own way stays. It may be called by any number of goroutines.
func Name() (string, error) { return register() }

var register = sync.OnceValues(func() (string, error) {
	tls := libc.NewTLS()
	defer tls.Close()
	if code := sqlite3.Xsqlite3_initialize(tls); code != sqlite3.SQLITE_OK {
		return "", fmt.Errorf("start SQLite: code %d", code)
	}
	name, err := libc.CString("tokenbooth")
	if err != nil {
		return "", err
	}
	// What the engine keeps a pointer to is in its own memory, and stays there until the process ends.
	address := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	if address == 0 {
		return "", errors.New("start SQLite: there is no memory")
	}
	files := at[sqlite3.Tsqlite3_vfs](address)
	*files = *at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
	below.open, below.methods = function[openFunc](files.FxOpen), make(map[uintptr]uintptr)
	files.FzName, files.FpNext, files.FxOpen = name, 0, pointer[openFunc](openFile)
	if code := sqlite3.Xsqlite3_vfs_register(tls, address, 0); code != sqlite3.SQLITE_OK {
		return "", fmt.Errorf("start SQLite: code %d", code)
	}
	return "tokenbooth", nil
})

type (
	openFunc = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, opened uintptr) int32
	syncFunc = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// below is what the layer calls.
var below struct {
	open openFunc

	mu      sync.Mutex          // guards the rest
	methods map[uintptr]uintptr // of files: to those below the ones with the layer's sync
	sync    syncFunc            // the same for all files
}

// openFile opens a file. The methods of a database and of its log are exchanged for those with the layer's sync.
func openFile(tls *libc.TLS, vfs, name, file uintptr, flags int32, opened uintptr) int32 {
	code := below.open(tls, vfs, name, file, flags, opened)
	if code == sqlite3.SQLITE_OK && flags&(sqlite3.SQLITE_OPEN_MAIN_DB|sqlite3.SQLITE_OPEN_WAL) != 0 {
		f := at[sqlite3.TunixFile](file)
		f.FpMethod = layered(tls, f.FpMethod)
	}
	return code
}

// layered returns the methods for those of a file below, or these where there is no memory for others.
func layered(tls *libc.TLS, methods uintptr) uintptr {
	below.mu.Lock()
	defer below.mu.Unlock()
	if known := below.methods[methods]; known != 0 {
		return known
	}
	made := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
	if made == 0 {
		return methods
	}
	m := at[sqlite3.Tsqlite3_io_methods](made)
	*m = *at[sqlite3.Tsqlite3_io_methods](methods)
	if below.sync == nil {
		below.sync = function[syncFunc](m.FxSync)
	}
	m.FxSync = pointer[syncFunc](syncFile)
	below.methods[methods] = made
	return made
}

// syncFile waits until what was written to a file is on the disk. The first sync of a new log covers its folder too: that is left to
// what is below, as is any that the kernel does not take on.
func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := at[sqlite3.TunixFile](file)
	if q := background(); q != nil && f.FctrlFlags&sqlite3.UNIXFILE_DIRSYNC == 0 {
		if errno, taken := q.sync(f.Fh); taken && errno != 0 {
			f.FlastErrno = int32(errno)
			return sqlite3.SQLITE_IOERR_FSYNC
		} else if taken {
			return sqlite3.SQLITE_OK
		}
	}
	return below.sync(tls, file, flags)
}

// at is what lies at an address in the engine's memory, which Go's collector knows nothing of.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function and pointer turn the engine's form of a function, one word, into Go's and back. F must be a function of the package's, not
// a closure.
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }
func pointer[F any](f F) uintptr        { return *(*uintptr)(unsafe.Pointer(&f)) }
