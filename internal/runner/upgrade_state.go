package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// handoverVersion changes with the meaning of a [handover], and with that of a
// [worker.Handover].
const handoverVersion = 2

// handoverVariable holds the descriptor of the handover, for the next image.
const handoverVariable = "ROADWORTHY_HANDOVER"

// handover is what one image of the program passes to the next one through an
// exec, as JSON in a memory file. The process stays the same, and so do its
// children. Its descriptors are inheritable.
type handover struct {
	Version  int                         `json:"version"`
	PID      int                         `json:"pid"`
	From     string                      `json:"from"`   // version of the program
	Number   int                         `json:"number"` // of upgrades, this one included
	Started  time.Time                   `json:"started"`
	Paused   time.Time                   `json:"paused,omitzero"` // since when nothing is accepted
	Folder   string                      `json:"folder"`
	Level    *slog.Level                 `json:"level,omitempty"` // where it is not that of the configuration
	Listener int                         `json:"listener"`        // -1: none
	Plain    int                         `json:"plain"`           // beside TLS
	Control  int                         `json:"control"`
	Conns    []int                       `json:"conns,omitempty"` // that wait for a request
	Crews    map[string]*worker.Handover `json:"crews"`
	Heads    map[string][]byte           `json:"heads,omitempty"` // unfinished lines, by process and stream
	Tails    map[string][]byte           `json:"tails,omitempty"` // by process
	Memory   []LogLine                   `json:"memory,omitempty"`
	Secrets  [][]byte                    `json:"secrets,omitempty"` // that no mail may hold; workers may have some of before the last change
	Reload   bool                        `json:"reload,omitempty"`  // one was asked for meanwhile

	files []int // duplicates, closed where the exec fails
}

// Handed is what another image of this program left to this one.
type Handed struct{ state *handover }

// Inherit returns what another image of this program left, nil where this
// process was started afresh. It takes the mark of that out of the environment,
// so that no child takes itself for an heir.
func Inherit() (*Handed, error) {
	value := os.Getenv(handoverVariable)
	_ = os.Unsetenv(handoverVariable)
	number, err := strconv.Atoi(value)
	if err != nil || number < 3 {
		return nil, nil //nolint:nilnil // there is no handover, which is no error
	}
	unix.CloseOnExec(number)
	file := os.NewFile(uintptr(number), "handover")
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("read the handover: %w", err)
	}
	h := &handover{}
	if err := json.Unmarshal(data, h); err != nil {
		return nil, fmt.Errorf("read the handover: %w", err)
	}
	if h.PID != os.Getpid() || h.Version != handoverVersion {
		return nil, fmt.Errorf("read the handover: it is of version %d for process %d, want version %d for %d", h.Version, h.PID, handoverVersion, os.Getpid())
	}
	for _, fd := range append([]int{h.Listener, h.Plain, h.Control}, h.Conns...) {
		if fd >= 0 {
			unix.CloseOnExec(fd)
		}
	}
	return &Handed{h}, nil
}

// End ends the workers that were left, where nobody can go on with them.
func (h *Handed) End() {
	if h == nil {
		return
	}
	for _, crew := range h.state.Crews {
		for _, p := range crew.Processes {
			_ = unix.Kill(-p.Backend.PID, unix.SIGTERM) // our child, so that the pid is still its own
		}
	}
}

// holds reports whether a process is one that was handed over.
func (h *handover) holds(pid int) bool {
	for _, crew := range h.Crews {
		for _, p := range crew.Processes {
			if p.Backend.PID == pid {
				return true
			}
		}
	}
	return false
}

// keeps reports whether a process was handed over, by its id.
func (h *handover) keeps(id string) bool {
	for _, crew := range h.Crews {
		for _, p := range crew.Processes {
			if p.Backend.ID == id {
				return true
			}
		}
	}
	return false
}

// pass duplicates a socket for the next image: nonblocking as it is, and
// without close-on-exec. A nil socket is -1.
func (h *handover) pass(socket any) (int, error) {
	if socket == nil {
		return -1, nil
	}
	raw, ok := socket.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("hand a socket over: %T has no descriptor", socket)
	}
	fd := -1
	err := control(raw, func(own int) error {
		var err error
		fd, err = unix.FcntlInt(uintptr(own), unix.F_DUPFD, 3)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("hand a socket over: %w", err)
	}
	h.files = append(h.files, fd)
	return fd, nil
}

// drop closes the duplicates.
func (h *handover) drop() {
	for _, fd := range h.files {
		_ = unix.Close(fd)
	}
	h.files = nil
}

// file writes the handover to a memory file, and returns its descriptor.
func (h *handover) file() (int, error) {
	data, err := json.Marshal(h)
	if err != nil {
		return -1, fmt.Errorf("write the handover: %w", err)
	}
	fd, err := unix.MemfdCreate("roadworthy-handover", 0)
	if err != nil {
		return -1, fmt.Errorf("write the handover: %w", err)
	}
	h.files = append(h.files, fd)
	for rest := data; len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return -1, fmt.Errorf("write the handover: %w", err)
		}
		rest = rest[max(n, 0):]
	}
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		return -1, fmt.Errorf("write the handover: %w", err)
	}
	return fd, nil
}

// takeListener makes a listener of an inherited socket; nil of -1.
func takeListener(fd int) (net.Listener, error) {
	if fd < 0 {
		return nil, nil //nolint:nilnil // there was none
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close()
	l, err := net.FileListener(file) // a duplicate, of which this image is the only owner
	if err != nil {
		return nil, fmt.Errorf("take a listening socket over: %w", err)
	}
	return l, nil // whose file, where it has one, stays at its end: see master.listen
}

// takeConns makes connections of inherited sockets. One that cannot be used is
// closed, which is all that can be done for it; so is one whose client has
// reset it, which has no address any more.
func takeConns(fds []int) []net.Conn {
	var list []net.Conn
	for _, fd := range fds {
		file := os.NewFile(uintptr(fd), "connection")
		conn, err := net.FileConn(file)
		file.Close()
		if err == nil && conn.RemoteAddr() == nil {
			conn.Close()
		} else if err == nil {
			list = append(list, conn)
		}
	}
	return list
}

// handedTail is how much of what a process said last is handed over, in bytes.
const handedTail = 16 << 10

// snapshot copies the ends of all tails.
func (t *tails) snapshot() map[string][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := map[string][]byte{}
	for id, one := range t.list {
		one.mu.Lock()
		list[id] = bytes.Clone(endOf(one.bytes, handedTail))
		one.mu.Unlock()
	}
	return list
}
