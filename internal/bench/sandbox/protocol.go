package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// op names what the host asks the agent to do.
type op string

const (
	opSetup        op = "setup"
	opListen       op = "listen"
	opDial         op = "dial"
	opStart        op = "start"
	opWait         op = "wait"
	opSignal       op = "signal"
	opProcesses    op = "processes"
	opDelays       op = "delays"
	opWritten      op = "written"
	opDestinations op = "destinations"
	opFile         op = "file"
)

// frame is one message: four bytes of length, then JSON. File descriptors
// travel with the first byte (SCM_RIGHTS, unix(7)).
type frame struct {
	ID    uint64          `json:"id"`
	Op    op              `json:"op,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
	Error string          `json:"error,omitempty"`
	Errno int             `json:"errno,omitempty"`
}

const (
	maxFrame = 64 << 20 // a list of written files can be long; nothing else comes near
	maxFiles = 8        // file descriptors with one message
)

func writeFrame(conn *net.UnixConn, f frame, files []int) error {
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	message := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))) // below maxFrame
	message = append(message, body...)
	var rights []byte
	if len(files) > 0 {
		rights = syscall.UnixRights(files...)
	}
	n, _, err := conn.WriteMsgUnix(message, rights, nil)
	for err == nil && n < len(message) {
		var more int
		more, err = conn.Write(message[n:])
		n += more
	}
	return err
}

func readFrame(conn *net.UnixConn) (frame, []*os.File, error) {
	var f frame
	head := make([]byte, 4)
	rights := make([]byte, syscall.CmsgSpace(4*maxFiles))
	n, used, _, _, err := conn.ReadMsgUnix(head, rights)
	if err != nil {
		return f, nil, err
	}
	if n == 0 {
		return f, nil, io.EOF
	}
	files, err := filesOf(rights[:used])
	if err != nil {
		return f, nil, err
	}
	if _, err := io.ReadFull(conn, head[n:]); err != nil {
		return f, files, err
	}
	length := binary.BigEndian.Uint32(head)
	if length > maxFrame {
		return f, files, errors.New("a message is too long")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(conn, body); err != nil {
		return f, files, err
	}
	return f, files, json.Unmarshal(body, &f)
}

func filesOf(rights []byte) ([]*os.File, error) {
	if len(rights) == 0 {
		return nil, nil
	}
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("read control messages: %w", err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return files, fmt.Errorf("read file descriptors: %w", err)
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

type setupRequest struct {
	Work      string   `json:"work"`
	App       string   `json:"app"`
	Keep      bool     `json:"keep"`
	Isolated  bool     `json:"isolated"`
	Nested    bool     `json:"nested"`   // the application needs a user namespace of its own to be another user
	Identity  bool     `json:"identity"` // commands keep the rights of the host's root
	Hostname  string   `json:"hostname"`
	Resolver  string   `json:"resolver"`
	Hosts     []Host   `json:"hosts"`
	DiskBytes int64    `json:"disk_bytes"`
	Reveal    []string `json:"reveal"`
	Tool      string   `json:"tool"`
	Write     []string `json:"write"`
}

type listenRequest struct {
	Network string `json:"network"` // tcp, udp, unix, unixgram
	Address string `json:"address"` // IP:port or path
}

type dialRequest struct {
	Network string `json:"network"`
	Address string `json:"address"`
	Source  string `json:"source,omitempty"` // IPv4 address to come from
}

type startRequest struct {
	Args []string `json:"args"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
	PID1 bool     `json:"pid1"`
	Root bool     `json:"root"` // as the sandbox's root: for repairs, never for applications
	Side bool     `json:"side"` // a third pipe, file descriptor 3, comes back too
}

type startReply struct {
	PID int `json:"pid"`
}

type waitRequest struct {
	PID int `json:"pid"`
}

type signalRequest struct {
	PID    int            `json:"pid"`
	Group  bool           `json:"group"`
	Signal syscall.Signal `json:"signal"`
}

type writtenRequest struct {
	Needles [][]byte `json:"needles"`
}

type fileRequest struct {
	Path   string `json:"path"`
	Action string `json:"action"` // open, write, folder, corrupt, restore
	Data   []byte `json:"data,omitempty"`
	Offset int64  `json:"offset,omitempty"` // where the data begin; at 0 the file begins anew
	Mode   uint32 `json:"mode,omitempty"`
}
