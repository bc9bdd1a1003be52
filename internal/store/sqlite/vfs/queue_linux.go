package vfs

import (
	"cmp"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queue is where the kernel is asked to sync a file in its background (io_submit(2)). One sync is under way at a time: a process has
// one store that writes.
type queue struct {
	mu      sync.Mutex
	context uintptr  // the kernel's name for the queue
	bell    *os.File // the kernel writes here when a sync is done: a goroutine that reads waits without a thread
	asked   request
	list    [1]*request
	done    event
}

// request and event are struct iocb and struct io_event of linux/aio_abi.h.
type request struct {
	number  uint64
	_       uint64
	command uint16
	_       int16
	file    uint32
	_       [4]uint64
	flags   uint32
	bell    uint32
}

type event struct {
	number uint64
	_      uint64
	result int64
	_      int64
}

const (
	commandSync = 3 // IOCB_CMD_FDSYNC
	flagBell    = 1 // IOCB_FLAG_RESFD
)

// background is the queue of this process, or nil where the kernel offers none.
var background = sync.OnceValue(func() *queue {
	q := &queue{}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&q.context)), 0); errno != 0 {
		return nil
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil
	}
	q.bell = os.NewFile(uintptr(bell), "syncs")
	q.asked = request{command: commandSync, flags: flagBell, bell: uint32(bell)}
	q.list[0] = &q.asked
	return q
})

// sync does what fdatasync(2) does, whose errors it returns. The kernel may not take it on; then nothing has happened.
func (q *queue) sync(file int32) (errno syscall.Errno, taken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked.number++
	q.asked.file = uint32(file)
	if n, _, _ := unix.RawSyscall(unix.SYS_IO_SUBMIT, q.context, 1, uintptr(unsafe.Pointer(&q.list))); n != 1 {
		return 0, false
	}
	// From here on what cannot be told is a failure: asking again could hide that the disk has lost something.
	var rung [8]byte
	if _, err := q.bell.Read(rung[:]); err != nil {
		return unix.EIO, true
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_IO_GETEVENTS, q.context, 1, 1, uintptr(unsafe.Pointer(&q.done)), 0, 0)
	if n != 1 || q.done.number != q.asked.number {
		return cmp.Or(errno, unix.EIO), true
	}
	return syscall.Errno(-q.done.result), true
}
