package sandbox

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// everyAddressIsLocal routes all of IPv4 and IPv6 to the loopback device, so
// that the bench can listen on any address, and an address where nobody
// listens refuses at once.
func everyAddressIsLocal() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback device: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring the loopback device up: %w", err)
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		_, network, err := net.ParseCIDR(all)
		if err != nil {
			return err
		}
		route := netlink.Route{
			LinkIndex: lo.Attrs().Index, Dst: network, Table: unix.RT_TABLE_LOCAL,
			Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
		}
		if err := netlink.RouteReplace(&route); err != nil && all == "0.0.0.0/0" { // IPv6 may be off
			return fmt.Errorf("route every address to the sandbox: %w", err)
		}
	}
	return nil
}

func (a *agent) doListen(request listenRequest) (any, []int, error) {
	if request.Network == "unix" || request.Network == "unixgram" {
		_ = os.Remove(request.Address)
	}
	fd, err := socket(request.Network, request.Address, func(fd int, address syscall.Sockaddr) error {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		if err := syscall.Bind(fd, address); err != nil {
			return err
		}
		if request.Network == "udp" || request.Network == "unixgram" {
			// A collector that is not read from for a moment must not lose what a burst sends.
			_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<20)
			return nil
		}
		return syscall.Listen(fd, 1024)
	})
	if err != nil {
		return nil, nil, err
	}
	if request.Network == "unix" || request.Network == "unixgram" {
		_ = os.Chmod(request.Address, 0o666) //nolint:gosec // as /dev/log is everywhere
	}
	return struct{}{}, []int{fd}, nil
}

func (a *agent) doDial(request dialRequest) (any, []int, error) {
	fd, err := socket(request.Network, request.Address, func(fd int, address syscall.Sockaddr) error {
		if request.Source != "" {
			from, err := netip.ParseAddr(request.Source)
			if err != nil {
				return err
			}
			// The port is chosen at connect, per destination: thousands of
			// connections must not exhaust the range.
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
			if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: from.As4()}); err != nil {
				return err
			}
		}
		return connect(fd, address)
	})
	if err != nil {
		return nil, nil, err
	}
	return struct{}{}, []int{fd}, nil
}

// connect waits for a non-blocking connect, at most ten seconds.
func connect(fd int, address syscall.Sockaddr) error {
	err := syscall.Connect(fd, address)
	if err != syscall.EINPROGRESS {
		return err
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return syscall.ETIMEDOUT
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(poll, int(left.Milliseconds())+1)
		if err == unix.EINTR || (err == nil && n == 0) { //nolint:errorlint // a bare errno
			continue
		}
		if err != nil {
			return err
		}
		code, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
		if err == nil && code != 0 {
			err = syscall.Errno(code)
		}
		return err
	}
}

// socket makes a non-blocking socket for a network and hands it to use.
func socket(network, address string, use func(int, syscall.Sockaddr) error) (int, error) {
	kind, family := syscall.SOCK_STREAM, syscall.AF_UNIX
	if network == "udp" || network == "unixgram" {
		kind = syscall.SOCK_DGRAM
	}
	var at syscall.Sockaddr = &syscall.SockaddrUnix{Name: address}
	if network == "tcp" || network == "udp" {
		parsed, err := netip.ParseAddrPort(address)
		if err != nil {
			return 0, err
		}
		family = syscall.AF_INET
		at = &syscall.SockaddrInet4{Port: int(parsed.Port()), Addr: parsed.Addr().Unmap().As4()}
	}
	fd, err := syscall.Socket(family, kind|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("make a socket: %w", err)
	}
	if err := use(fd, at); err != nil {
		syscall.Close(fd)
		return 0, fmt.Errorf("%s %s: %w", network, address, err)
	}
	return fd, nil
}

// sniffer notes the destination of every first TCP packet and every UDP packet.
type sniffer struct {
	fd    int // of the packet socket; 0 where the network is the host's
	mu    sync.Mutex
	seen  map[Destination]int
	asked map[string]bool // where datagrams went to: IP:port
}

const maxDestinations = 4096 // an application that scans must not exhaust the agent

func (s *sniffer) start() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(hostOrder(unix.ETH_P_ALL)))
	if err != nil {
		return fmt.Errorf("open a packet socket: %w", err)
	}
	filter, err := firstPackets()
	if err != nil {
		return err
	}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, filter); err != nil {
		return fmt.Errorf("filter packets: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	s.fd = fd
	go s.read(fd)
	return nil
}

// settle waits until every packet that has come is noted: the reader may be
// behind on a busy machine.
func (s *sniffer) settle() {
	deadline := time.Now().Add(2 * time.Second)
	for idle := 0; idle < 2 && time.Now().Before(deadline); {
		waiting := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(waiting, 0); err == nil && n == 0 {
			idle++
		} else {
			idle = 0
		}
		time.Sleep(time.Millisecond)
	}
}

func hostOrder(v uint16) uint16 { return v<<8 | v>>8 }

// firstPackets passes UDP, and TCP with SYN but without ACK, cut to 64 bytes.
// Offsets are from the network header (IPv4: RFC 791, IPv6: RFC 8200).
func firstPackets() (*unix.SockFprog, error) {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 7},               // 2 → 10: IPv6
		bpf.LoadAbsolute{Off: 9, Size: 1},                                  // 3: protocol
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipTrue: 10},             // 4 → 15: UDP
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 6, SkipTrue: 8},            // 5 → 14
		bpf.LoadMemShift{Off: 0},                                           // 6: X = header length
		bpf.LoadIndirect{Off: 13, Size: 1},                                 // 7: flags
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x12},                     // 8
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 2, SkipTrue: 5, SkipFalse: 4}, // 9 → 15 or 14
		bpf.LoadAbsolute{Off: 6, Size: 1},                                  // 10: next header
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipTrue: 3},              // 11 → 15
		bpf.LoadAbsolute{Off: 53, Size: 1},                                 // 12: flags, without extension headers
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 2, SkipTrue: 1},             // 13 → 15
		bpf.RetConstant{Val: 0},                                            // 14
		bpf.RetConstant{Val: 64},                                           // 15
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("assemble the packet filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}, nil
}

func (s *sniffer) read(fd int) {
	packet := make([]byte, 64)
	for {
		n, from, err := unix.Recvfrom(fd, packet, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		// The loopback device shows each packet twice: going out and coming in.
		if link, ok := from.(*unix.SockaddrLinklayer); ok && link.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if d, from, ok := destination(packet[:n]); ok {
			s.note(d, from)
		}
	}
}

// note counts a packet, unless it comes from where packets go to: that is the
// answer to a datagram.
func (s *sniffer) note(d Destination, from string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Network == "udp" {
		if s.asked[from] {
			return
		}
		if len(s.asked) < maxDestinations {
			s.asked[d.Address] = true
		}
	}
	if _, known := s.seen[d]; known || len(s.seen) < maxDestinations {
		s.seen[d]++
	}
}

// destination reads a packet: where it goes, and the IP:port that it comes from.
func destination(packet []byte) (Destination, string, bool) {
	var source, target netip.Addr
	var protocol byte
	var ports []byte
	switch {
	case len(packet) >= 24 && packet[0]>>4 == 4:
		header := int(packet[0]&15) * 4
		if len(packet) < header+4 {
			return Destination{}, "", false
		}
		source, target = netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20]))
		protocol, ports = packet[9], packet[header:]
	case len(packet) >= 44 && packet[0]>>4 == 6:
		source, target = netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40]))
		protocol, ports = packet[6], packet[40:]
		if protocol == 6 && (len(packet) < 54 || packet[53]&0x10 != 0) {
			return Destination{}, "", false // an answer (SYN and ACK), not a first packet
		}
	default:
		return Destination{}, "", false
	}
	network := map[byte]string{6: "tcp", 17: "udp"}[protocol]
	port := binary.BigEndian.Uint16(ports[2:4])
	d := Destination{Network: network, Source: source.String(), Address: netip.AddrPortFrom(target, port).String()}
	from := netip.AddrPortFrom(source, binary.BigEndian.Uint16(ports[:2])).String()
	return d, from, network != ""
}

func (s *sniffer) list() []Destination {
	if s.fd > 0 {
		s.settle()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Destination, 0, len(s.seen))
	for d, count := range s.seen {
		d.Count = count
		list = append(list, d)
	}
	return list
}
