package syslogsink

import (
	"context"
	"errors"
	"fmt"
	"log/syslog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a sink with every kind of socket.
type rig struct {
	*Sink
	t                       *testing.T
	udp, tcp, dgram, stream string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{Sink: New(Options{}), t: t, dgram: filepath.Join(dir, "log"), stream: filepath.Join(dir, "stream")}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	r.udp, r.tcp = "127.0.0.1:0", "127.0.0.1:0"
	err := errors.Join(
		r.AddPacket(UDP, func() (net.PacketConn, error) {
			pc, err := net.ListenPacket("udp", r.udp)
			if err == nil {
				r.udp = pc.LocalAddr().String()
			}
			return pc, err
		}),
		r.AddStream(TCP, func() (net.Listener, error) {
			l, err := net.Listen("tcp", r.tcp)
			if err == nil {
				r.tcp = l.Addr().String()
			}
			return l, err
		}),
		r.AddPacket(Unix, func() (net.PacketConn, error) {
			_ = os.Remove(r.dgram)
			return net.ListenUnixgram("unixgram", &net.UnixAddr{Name: r.dgram, Net: "unixgram"})
		}),
		r.AddStream(Unix, func() (net.Listener, error) {
			_ = os.Remove(r.stream)
			return net.Listen("unix", r.stream)
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dialers are the four ways in, by name.
func (r *rig) dialers() map[string]func(context.Context) (net.Conn, error) {
	dial := func(network, addr string) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	}
	return map[string]func(context.Context) (net.Conn, error){
		"udp": dial("udp", r.udp), "tcp": dial("tcp", r.tcp),
		"unixgram": dial("unixgram", r.dgram), "unix": dial("unix", r.stream),
	}
}

func transport(network string) string {
	if network == "unixgram" {
		return Unix
	}
	return network
}

func (r *rig) await(what string, ok func([]Frame) bool) []Frame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	if !r.Wait(ctx, ok) {
		r.t.Fatalf("%s did not arrive; there are %+v", what, r.Frames())
	}
	return r.Frames()
}

func has(text string) func([]Frame) bool {
	return func(all []Frame) bool {
		for _, f := range all {
			if strings.Contains(string(f.Raw), text) {
				return true
			}
		}
		return false
	}
}

func TestSelfTestOfEachTransport(t *testing.T) {
	r := newRig(t)
	for network, dial := range r.dialers() {
		if err := r.SelfTest(t.Context(), transport(network), dial); err != nil {
			t.Error(err)
		}
	}
	if n := len(r.Frames()); n != 0 {
		t.Errorf("%d frames are left", n)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.SelfTest(short, TCP, r.dialers()["udp"]); err == nil {
		t.Error("a frame by UDP passed for one by TCP")
	}
}

func TestRealSenders(t *testing.T) {
	r := newRig(t)
	host, port, _ := net.SplitHostPort(r.udp)
	_, tcpPort, _ := net.SplitHostPort(r.tcp)
	run := func(name string, args ...string) {
		t.Helper()
		if _, err := exec.LookPath(name); err != nil {
			t.Logf("SKIPPED: %s is not installed", name)
			return
		}
		if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	check := func(mark, via, format, app string, facility, severity int) {
		t.Helper()
		for _, f := range r.await(mark, has(mark)) {
			if !strings.Contains(string(f.Raw), mark) {
				continue
			}
			p := f.Parsed
			if f.Transport != via || p.Format != format || p.AppName != app || p.Facility != facility ||
				p.Severity != severity || !strings.Contains(p.Message, mark) {
				t.Errorf("%s: %s %q gave %+v", mark, f.Transport, f.Raw, p)
			}
		}
	}
	run("logger", "--rfc5424", "-t", "app", "-p", "local3.warning", "-n", host, "-P", port, "-d", "mark-a")
	check("mark-a", UDP, RFC5424, "app", 19, 4)
	run("logger", "--rfc3164", "-t", "app", "-p", "user.err", "-n", host, "-P", port, "-d", "mark-b")
	check("mark-b", UDP, RFC3164, "app", 1, 3)
	run("logger", "--octet-count", "--rfc5424", "-t", "app", "-n", host, "-P", tcpPort, "-T", "mark-c")
	check("mark-c", TCP, RFC5424, "app", 1, 5)
	run("logger", "-u", r.dgram, "-t", "app", "-p", "daemon.debug", "mark-d")
	check("mark-d", Unix, RFC3164, "app", 3, 7)

	python := `
import logging, logging.handlers, socket, sys
for i, (address, kind) in enumerate([((sys.argv[1], int(sys.argv[2])), socket.SOCK_DGRAM), ((sys.argv[1], int(sys.argv[3])), socket.SOCK_STREAM), (sys.argv[4], None)]):
    h = logging.handlers.SysLogHandler(address, logging.handlers.SysLogHandler.LOG_LOCAL0, kind)
    log = logging.getLogger(str(i)); log.addHandler(h)
    log.error("mark-py%d one", i); log.warning("mark-qy%d two", i); h.close()
`
	run("python3", "-c", python, host, port, tcpPort, r.dgram)
	for i, via := range []string{UDP, TCP, Unix} {
		check(fmt.Sprintf("mark-py%d", i), via, "", "", 16, 3)
		check(fmt.Sprintf("mark-qy%d", i), via, "", "", 16, 4)
	}
	for _, to := range [][2]string{{"udp", r.udp}, {"tcp", r.tcp}} {
		w, err := syslog.Dial(to[0], to[1], syslog.LOG_INFO|syslog.LOG_LOCAL1, "app")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Crit("mark-go-"+to[0]), w.Close()); err != nil {
			t.Fatal(err)
		}
		check("mark-go-"+to[0], to[0], RFC3164, "app", 17, 2)
	}
}

func TestStallReadsNothingAndResumes(t *testing.T) {
	r := newRig(t)
	open := map[string]net.Conn{}
	for network, dial := range r.dialers() {
		c, err := dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open[network] = c
		fmt.Fprintf(c, "<14>before %s\n<14>half ", network)
		r.await("before "+network, has("before "+network))
	}
	if err := r.Set(Stall); err != nil {
		t.Fatal(err)
	}
	before := len(r.Frames())
	for network, c := range open {
		fmt.Fprintf(c, "during %s\n", network)
		fresh, err := r.dialers()[network](t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer fresh.Close()
		fmt.Fprintf(fresh, "<14>fresh %s\n", network)
	}
	time.Sleep(50 * time.Millisecond) // silence has no other sign
	if n := len(r.Frames()); n != before {
		t.Fatalf("%d frames were read during a stall", n-before)
	}
	if err := r.Set(Accept); err != nil {
		t.Fatal(err)
	}
	for network := range open {
		r.await("fresh "+network, has("fresh "+network))
		if network == "tcp" || network == "unix" {
			r.await("the whole of "+network, has("<14>half during "+network))
		}
	}
}

func TestDeadRefusesAndRises(t *testing.T) {
	r := newRig(t)
	old, err := net.Dial("tcp", r.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	fmt.Fprint(old, "<14>hello\n")
	r.await("hello", has("hello"))
	if err := r.Set(Dead); err != nil {
		t.Fatal(err)
	}
	old.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := old.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an open connection outlived the collector: %v", err)
	}
	for network, dial := range r.dialers() {
		c, err := dial(t.Context())
		if network == "udp" {
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, "<14>lost")
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err = c.Read(make([]byte, 1)) // the ICMP answer shows here
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: want ECONNREFUSED, got %v", network, err)
		}
	}
	if err := r.Set(Accept); err != nil {
		t.Fatal(err)
	}
	for network, dial := range r.dialers() {
		if err := r.SelfTest(t.Context(), transport(network), dial); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordIsBounded(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	for range maxFrames + 7 {
		s.arrive(UDP, []byte("x"), false)
	}
	if len(s.Frames()) != maxFrames || s.Unrecorded() != 7 {
		t.Fatalf("%d frames, %d beyond", len(s.Frames()), s.Unrecorded())
	}
	big := New(Options{})
	defer big.Close()
	for range maxBytes/maxFrameBytes + 1 {
		big.arrive(UDP, make([]byte, maxFrameBytes), false)
	}
	if len(big.Frames()) != maxBytes/maxFrameBytes || big.Unrecorded() != 1 {
		t.Fatalf("%d frames, %d beyond", len(big.Frames()), big.Unrecorded())
	}
}

func TestAfterClose(t *testing.T) {
	s := New(Options{})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(Stall); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := s.AddPacket(UDP, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if s.Wait(t.Context(), func([]Frame) bool { return false }) {
		t.Error("waited for a closed sink")
	}
}
