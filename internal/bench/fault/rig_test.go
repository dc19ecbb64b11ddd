package fault

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// rig is an echo service with a fault proxy before it.
type rig struct {
	*Proxy
	t    testing.TB
	addr net.Addr
}

// serve runs handle for each connection of l until the test ends.
func serve(t testing.TB, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	var running sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

// listener returns a function that listens at the same address each time.
func listener(t testing.TB, network string) (func() (net.Listener, error), net.Addr) {
	t.Helper()
	if network == "unix" {
		path := filepath.Join(t.TempDir(), "s")
		return func() (net.Listener, error) {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			return net.Listen("unix", path)
		}, &net.UnixAddr{Name: path, Net: "unix"}
	}
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	first, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := first.Addr()
	return func() (net.Listener, error) {
		if l := first; l != nil {
			first = nil
			return l, nil
		}
		return plain.Listen(context.Background(), "tcp", addr.String())
	}, addr
}

func newRig(t testing.TB, network string, handle func(net.Conn)) *rig {
	t.Helper()
	listenUp, up := listener(t, network)
	l, err := listenUp()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, handle)
	listen, addr := listener(t, network)
	p, err := New(Config{
		Listen: listen,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, up.Network(), up.String())
		},
		SlowDelay: 80 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &rig{Proxy: p, t: t, addr: addr}
}

func (r *rig) tryDial() (net.Conn, error) {
	c, err := net.DialTimeout(r.addr.Network(), r.addr.String(), 300*time.Millisecond)
	if err == nil {
		r.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := r.tryDial()
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) set(m Mode) {
	r.t.Helper()
	if err := r.Set(m); err != nil {
		r.t.Fatal(err)
	}
}

// ask sends a message and returns as much of the echo as came within wait.
func ask(c net.Conn, message string, wait time.Duration) (string, error) {
	_ = c.SetDeadline(time.Now().Add(wait))
	if _, err := io.WriteString(c, message); err != nil {
		return "", err
	}
	reply := make([]byte, len(message))
	n, err := io.ReadFull(c, reply)
	return string(reply[:n]), err
}

func mustEcho(t testing.TB, c net.Conn, message string) {
	t.Helper()
	got, err := ask(c, message, 5*time.Second)
	if err != nil || got != message {
		t.Fatalf("echo of %q: got %q, %v", message, got, err)
	}
}

func mustBeReset(t testing.TB, c net.Conn) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, err := c.Read(make([]byte, 1))
	if _, unix := c.(*net.UnixConn); unix && errors.Is(err, io.EOF) {
		return
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("want a reset, got %v", err)
	}
}

func mustBeSilent(t testing.TB, c net.Conn) {
	t.Helper()
	got, err := ask(c, "anyone?", 120*time.Millisecond)
	if got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("want silence, got %q, %v", got, err)
	}
}

func networks(t *testing.T, f func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { f(t, network) })
	}
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not happen within 10 s")
		}
	}
}
