package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

func TestPassForwardsAndRemembers(t *testing.T) {
	networks(t, func(t *testing.T, network string) {
		r := newRig(t, network, echo)
		c := r.dial()
		mustEcho(t, c, "user=alice password=secret")
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("the end of the stream did not come back: %v", err)
		}
		waitFor(t, func() bool { return r.Stats().Open == 0 })
		got := r.Conversations()
		if len(got) != 1 || string(got[0].FirstBytes) != "user=alice password=secret" ||
			got[0].BytesUp != 26 || got[0].BytesDown != 26 || got[0].Closed.Before(got[0].Opened) {
			t.Fatalf("conversation: %+v", got)
		}
	})
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not happen within 10 s")
		}
	}
}

func TestRefuse(t *testing.T) {
	networks(t, func(t *testing.T, network string) {
		r := newRig(t, network, echo)
		old := r.dial()
		mustEcho(t, old, "hello")
		r.set(Refuse)
		mustBeReset(t, old)
		if _, err := r.tryDial(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("want ECONNREFUSED, got %v", err)
		}
		if r.Addr() != nil {
			t.Fatal("a listener is left")
		}
		r.set(Pass)
		mustEcho(t, r.dial(), "again")
	})
}

func TestReset(t *testing.T) {
	networks(t, func(t *testing.T, network string) {
		r := newRig(t, network, echo)
		old := r.dial()
		mustEcho(t, old, "hello")
		r.set(Reset)
		mustBeReset(t, old)
		if c, err := r.tryDial(); err == nil {
			mustBeReset(t, c)
		} else if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		r.set(Pass)
		mustEcho(t, r.dial(), "again")
	})
}

func TestBlackholes(t *testing.T) {
	for _, m := range []Mode{BlackholeNew, BlackholeExisting, Blackhole} {
		t.Run(m.String(), func(t *testing.T) {
			networks(t, func(t *testing.T, network string) {
				r := newRig(t, network, echo)
				old := r.dial()
				mustEcho(t, old, "hello")
				r.set(m)
				fresh := checkNew(t, r, m)
				if m == BlackholeNew {
					mustEcho(t, old, "still here")
				} else {
					mustBeSilent(t, old)
					mustLieUnread(t, old, network == "tcp")
				}
				r.set(Pass)
				mustEcho(t, r.dial(), "again")
				if m == BlackholeNew {
					mustEcho(t, old, "never noticed")
				} else {
					mustBeReset(t, old)
				}
				if m != BlackholeExisting && fresh != nil {
					mustBeReset(t, fresh)
				}
			})
		})
	}
}

// checkNew opens a connection under m and returns it, if it came about.
func checkNew(t *testing.T, r *rig, m Mode) net.Conn {
	t.Helper()
	fresh, err := r.tryDial()
	switch {
	case m == BlackholeExisting:
		if err != nil {
			t.Fatal(err)
		}
		mustEcho(t, fresh, "new")
	case r.addr.Network() == "unix":
		if err != nil {
			t.Fatal(err)
		}
		mustBeSilent(t, fresh)
	default:
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("want a connect that times out, got %v", err)
		}
	}
	return fresh
}

func TestHang(t *testing.T) {
	networks(t, func(t *testing.T, network string) {
		r := newRig(t, network, echo)
		old := r.dial()
		mustEcho(t, old, "hello")
		r.set(Hang)
		fresh := r.dial()
		mustBeSilent(t, old)
		mustBeSilent(t, fresh)
		mustLieUnread(t, old, false)
		r.set(Pass)
		mustBeReset(t, old)
		mustBeReset(t, fresh)
		mustEcho(t, r.dial(), "again")
	})
}

func TestSlowDelaysAndLosesNothing(t *testing.T) {
	r := newRig(t, "tcp", echo)
	c := r.dial()
	mustEcho(t, c, "hello")
	r.set(Slow)
	for _, conn := range []net.Conn{c, r.dial()} {
		start := time.Now()
		mustEcho(t, conn, "slowly")
		if d := time.Since(start); d < 80*time.Millisecond {
			t.Fatalf("reply after %v", d)
		}
	}
	if _, err := io.WriteString(c, "kept"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return r.Conversations()[0].BytesUp == 15 })
	r.set(Pass)
	got := make([]byte, 4)
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "kept" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestTruncateBreaksInsideTheReply(t *testing.T) {
	for message, want := range map[string]string{
		"a long reply": "a long ", "+PONG\r\n": "+PONG\r", "x": "",
	} {
		t.Run(fmt.Sprintf("%q", message), func(t *testing.T) {
			r := newRig(t, "tcp", echo)
			old := r.dial()
			mustEcho(t, old, "hello")
			r.set(Truncate)
			for _, c := range []net.Conn{old, r.dial()} {
				got, err := ask(c, message, 5*time.Second)
				if got != want || errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			r.set(Pass)
			mustEcho(t, r.dial(), message)
		})
	}
}

func TestUnreachableServiceResetsTheClient(t *testing.T) {
	listen, addr := listener(t, "tcp")
	p, err := New(Config{Listen: listen, Dial: func(context.Context) (net.Conn, error) {
		return nil, syscall.EHOSTUNREACH
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", addr.String())
	if err == nil {
		defer c.Close()
		mustBeReset(t, c)
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	if s := p.Stats(); s.DialFailures != 1 || s.Open != 0 {
		t.Fatalf("stats: %+v", s)
	}
}

// TestQueuedConnectionIsExisting dials while nobody can have accepted: the
// connection is in the kernel's queue when the mode changes.
func TestQueuedConnectionIsExisting(t *testing.T) {
	r := newRig(t, "tcp", echo)
	for range 50 {
		c := r.dial()
		r.set(BlackholeExisting)
		_, err := ask(c, "anyone?", 5*time.Millisecond)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a queued connection passed as new: %v", err)
		}
		r.set(Pass)
	}
}

// TestSwitchIsAtomic has clients count replies while the mode flips: between
// the return of Set(Hang) and the next Set, no byte may arrive upstream.
func TestSwitchIsAtomic(t *testing.T) {
	r := newRig(t, "tcp", echo)
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for !stop.Load() {
				c, err := net.DialTimeout("tcp", r.addr.String(), 20*time.Millisecond)
				for err == nil && !stop.Load() {
					_, err = ask(c, "ping", 50*time.Millisecond)
				}
				if c != nil {
					c.Close()
				}
				time.Sleep(time.Millisecond) // leave the processor to the others
			}
		})
	}
	for i := range 60 {
		r.set([]Mode{Hang, Blackhole, Refuse, Reset}[i%4])
		before := r.Stats()
		time.Sleep(3 * time.Millisecond) // the window in which a byte could slip through
		after := r.Stats()
		if before.BytesUp != after.BytesUp || before.BytesDown != after.BytesDown {
			t.Errorf("%s: bytes moved: %+v then %+v", r.Mode(), before, after)
		}
		r.set(Pass)
		waitFor(t, func() bool { return r.Stats().BytesDown > after.BytesDown })
	}
	stop.Store(true)
	clients.Wait()
}

// TestBulkSurvivesSwitches flips between modes that move bytes while a large
// transfer is spliced, and compares every byte.
func TestBulkSurvivesSwitches(t *testing.T) {
	networks(t, func(t *testing.T, network string) {
		r := newRig(t, network, echo)
		c := r.dial()
		data := make([]byte, 64<<20)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		done := make(chan error, 1)
		go func() {
			_, err := c.Write(data)
			_ = c.(interface{ CloseWrite() error }).CloseWrite()
			done <- err
		}()
		flips := make(chan int)
		stop := make(chan struct{})
		go func() {
			n := 0
			for ; ; n++ {
				select {
				case <-stop:
					flips <- n
					return
				case <-time.After(2 * time.Millisecond):
					_ = r.Set([]Mode{BlackholeNew, Slow, Pass}[n%3])
				}
			}
		}()
		got, err := io.ReadAll(c)
		close(stop)
		t.Logf("%d switches", <-flips)
		if werr := <-done; err != nil || werr != nil || !bytes.Equal(got, data) {
			t.Fatalf("got %d bytes of %d, %v, %v", len(got), len(data), err, werr)
		}
	})
}

func TestFirstBytesAndConversationsAreBounded(t *testing.T) {
	r := newRig(t, "tcp", echo)
	c := r.dial()
	mustEcho(t, c, string(bytes.Repeat([]byte("x"), 100<<10)))
	if n := len(r.Conversations()[0].FirstBytes); n != maxFirstBytes {
		t.Fatalf("%d first bytes kept", n)
	}
	var b book
	for range maxConversations + 5 {
		rec := b.open()
		rec.up.Add(1)
		b.close(rec)
	}
	p := &Proxy{}
	p.book.records, p.book.stats = b.records, b.stats
	if s := p.Stats(); len(b.records) != maxConversations || s.Unrecorded != 5 || s.BytesUp != maxConversations+5 {
		t.Fatalf("%d records, %+v", len(b.records), s)
	}
}

func TestSelfTest(t *testing.T) {
	networks(t, func(t *testing.T, network string) {
		listen, addr := listener(t, network)
		dial := func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
		}
		if err := SelfTest(t.Context(), listen, dial); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSelfTestCanFail gives the control a client that does not go through the
// proxy, so that no fault reaches it.
func TestSelfTestCanFail(t *testing.T) {
	around, addr := listener(t, "tcp")
	l, err := around()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, echo)
	listen, _ := listener(t, "tcp")
	err = SelfTest(t.Context(), listen, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
	})
	if err == nil {
		t.Fatal("a proxy that nobody uses passed its self-test")
	}
}

func TestMultipathListenerIsRefused(t *testing.T) {
	var multi net.ListenConfig
	multi.SetMultipathTCP(true)
	l, err := multi.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !multipath(l) {
		t.Skip("the kernel has no multipath TCP")
	}
	_, err = New(Config{
		Listen: func() (net.Listener, error) { return l, nil },
		Dial:   func(context.Context) (net.Conn, error) { return nil, io.EOF },
	})
	if !errors.Is(err, ErrMultipath) {
		t.Fatalf("got %v", err)
	}
}

func TestSetAfterCloseAndWrongUse(t *testing.T) {
	r := newRig(t, "tcp", echo)
	if err := r.Set(Mode(99)); err == nil {
		t.Error("an unknown mode was accepted")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Set(Pass); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration was accepted")
	}
	down := errors.New("down")
	if _, err := New(Config{
		Listen: func() (net.Listener, error) { return nil, down },
		Dial:   func(context.Context) (net.Conn, error) { return nil, down },
	}); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}
