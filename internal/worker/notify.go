package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// notifier is the NOTIFY_SOCKET of one process, see sd_notify(3). Each process
// has its own, and what a process of another worker sends there is dropped:
// the kernel tells the sender (SO_PASSCRED), who must be the leader, a member
// of its process group or a descendant.
type notifier struct {
	conn *net.UnixConn
	done sync.WaitGroup
}

// message is one datagram: KEY=VALUE lines, without what we do not use.
type message struct {
	sender int // pid
	values map[string]string
}

// newNotifier binds the socket at path.
func newNotifier(path string) (*notifier, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("bind the notify socket: %w", err)
	}
	n := &notifier{conn: conn}
	if err := n.passCredentials(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return n, nil
}

// adoptNotifier takes over a bound socket.
func adoptNotifier(fd int) (*notifier, error) {
	file := os.NewFile(uintptr(fd), "notify")
	defer file.Close()
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, fmt.Errorf("adopt the notify socket: %w", err)
	}
	return &notifier{conn: conn.(*net.UnixConn)}, nil
}

func (n *notifier) passCredentials() error {
	raw, err := n.conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("reach the notify socket: %w", err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	}); err != nil || failed != nil {
		return fmt.Errorf("ask for credentials: %w", firstOf(err, failed))
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// listen hands each message of a process that member accepts to use, until
// close.
func (n *notifier) listen(member func(pid int) bool, use func(message)) {
	n.done.Go(func() {
		data, control := make([]byte, 4096), make([]byte, 256)
		for {
			size, oob, _, _, err := n.conn.ReadMsgUnix(data, control)
			if err != nil {
				return
			}
			sender, files := ancillary(control[:oob])
			if sender > 0 && member(sender) {
				use(message{sender, parseNotify(string(data[:size]))})
			}
			// Closed last: BARRIER=1 waits for it, and by then the sender was looked at.
			for _, fd := range files {
				_ = unix.Close(fd)
			}
		}
	})
}

// ancillary returns the sender's pid and the descriptors that came along.
func ancillary(control []byte) (sender int, files []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, nil
	}
	for i := range messages {
		if cred, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			sender = int(cred.Pid)
			continue
		}
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, fds...)
		}
	}
	return sender, files
}

// parseNotify splits a datagram into its assignments; the last one counts.
func parseNotify(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if key, value, ok := strings.Cut(line, "="); ok && key != "" {
			values[key] = value
		}
	}
	return values
}

// close ends listen and waits for it.
func (n *notifier) close() {
	if n != nil {
		_ = n.conn.Close() // a datagram socket has nothing left to flush
		n.done.Wait()
	}
}

// member reports whether a pid belongs to the worker whose first process is
// leader. It looks at the one process first, and at its ancestors only if
// that is not enough.
func member(pid, leader int) bool {
	if pid == leader {
		return true
	}
	if group, err := syscall.Getpgid(pid); err == nil && group == leader {
		return true
	}
	for range 64 {
		e, ok := stat(pid)
		if !ok || e.parent <= 1 {
			return false
		}
		if e.parent == leader {
			return true
		}
		pid = e.parent
	}
	return false
}
