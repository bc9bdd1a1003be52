package vfs

import (
	"cmp"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queue is where the kernel is asked to sync a file in its background (io_submit(2)). One sync is under way at a time: a process has
// one store that writes. Once it is lost which answer belongs to which question, every further sync fails.
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

// outcome is what an event says of the request with a number: 0 when it is done. An event of another one says nothing of it.
func (e *event) outcome(number uint64) syscall.Errno {
	if e.number != number || e.result > 0 {
		return unix.EIO
	}
	return syscall.Errno(-e.result)
}

// background is the queue of this process, or nil where it cannot be had, or not be waited for.
var background = sync.OnceValue(func() *queue {
	q := &queue{}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&q.context)), 0); errno != 0 {
		return nil
	}
	if !q.listen() {
		unix.Syscall(unix.SYS_IO_DESTROY, q.context, 0, 0) // what fails here leaves a queue that nobody uses
		return nil
	}
	return q
})

// listen makes the bell, and tries whether it can be waited for without a thread and the queue be asked.
func (q *queue) listen() bool {
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return false
	}
	q.bell = os.NewFile(uintptr(bell), "syncs")
	q.asked = request{command: commandSync, flags: flagBell, bell: uint32(bell)}
	q.list[0] = &q.asked
	if _, errno := q.harvest(); errno != 0 || q.bell.SetReadDeadline(time.Time{}) != nil {
		q.bell.Close()
		return false
	}
	return true
}

// harvest takes the next event into q.done and returns whether there was one. It never waits.
func (q *queue) harvest() (bool, syscall.Errno) {
	var now unix.Timespec
	n, _, errno := unix.RawSyscall6(unix.SYS_IO_GETEVENTS, q.context, 0, 1, uintptr(unsafe.Pointer(&q.done)), uintptr(unsafe.Pointer(&now)), 0)
	return errno == 0 && n == 1, errno
}

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
	if there, errno := q.harvest(); !there {
		return cmp.Or(errno, unix.EIO), true
	}
	return q.done.outcome(q.asked.number), true
}
