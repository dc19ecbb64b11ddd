package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is how much one splice may move. 256 KiB keeps some two hundred
// bulk transfers within the default per-user allowance for pipes (pipe(7)).
const pipeSize = 256 << 10

const spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK

// pipe carries a bulk transfer from socket to socket inside the kernel. The
// proxy does it by hand because io.Copy loses what is in its pipe when it is
// interrupted, and here what was read must survive a change of mode.
type pipe struct {
	in, out  int // write end, read end
	held     int // bytes inside
	src, dst syscall.RawConn
}

// newPipe returns nil when the connections cannot be spliced or no pipe is to
// be had: the transfer then goes on through memory.
func newPipe(src, dst net.Conn) *pipe {
	from, to := rawSocket(src), rawSocket(dst)
	if from == nil || to == nil {
		return nil
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil
	}
	// A smaller pipe is slower, not wrong.
	_, _ = unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, pipeSize)
	return &pipe{out: ends[0], in: ends[1], src: from, dst: to}
}

func rawSocket(c net.Conn) syscall.RawConn {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		if raw, err := c.(syscall.Conn).SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// splice moves one pipe's worth from src to dst.
func (f *flow) splice(ctx context.Context) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	var n int64
	var failed error
	err := f.pipe.src.Read(func(fd uintptr) bool {
		n, failed = spliceOnce(int(fd), f.pipe.in, pipeSize)
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err != nil {
		return rest(err)
	}
	if failed != nil {
		return fmt.Errorf("splice from socket: %w", failed)
	}
	f.pipe.held = int(n)
	f.ended = n == 0
	return nil // the caller flushes
}

// drainPipe writes what is in the pipe to dst.
func (f *flow) drainPipe(ctx context.Context) error {
	if f.pipe.held == 0 {
		return nil
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	var failed error
	err := f.pipe.dst.Write(func(fd uintptr) bool {
		for f.pipe.held > 0 {
			var n int64
			n, failed = spliceOnce(f.pipe.out, int(fd), f.pipe.held)
			if failed != nil {
				return !errors.Is(failed, unix.EAGAIN)
			}
			f.pipe.held -= int(n)
			f.moved.Add(n)
		}
		return true
	})
	if err != nil {
		return rest(err)
	}
	if failed != nil {
		return fmt.Errorf("splice to socket: %w", failed)
	}
	return nil
}

func spliceOnce(from, to, size int) (int64, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, size, spliceFlags)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// unpipe brings what is in the pipe into memory, for modes that look at bytes.
func (f *flow) unpipe() error {
	if f.pipe == nil {
		return nil
	}
	if f.pipe.held > 0 {
		b := make([]byte, f.pipe.held)
		for got := 0; got < len(b); {
			n, err := unix.Read(f.pipe.out, b[got:])
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				return fmt.Errorf("read back spliced bytes: %w", err)
			}
			got += n
		}
		f.held = b // held was empty: a flow splices only then
	}
	f.release()
	return nil
}

// release closes the pipe.
func (f *flow) release() {
	if f.pipe == nil {
		return
	}
	_ = unix.Close(f.pipe.in) // nothing of it is needed any more
	_ = unix.Close(f.pipe.out)
	f.pipe = nil
}
