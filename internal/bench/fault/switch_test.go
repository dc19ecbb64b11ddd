package fault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

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
	listen, _ := listener(t, "unix")
	if _, err := New(Config{
		Listen: func() (net.Listener, error) {
			l, err := listen()
			return struct{ net.Listener }{l}, err
		},
		Dial: func(context.Context) (net.Conn, error) { return nil, io.EOF },
	}); err == nil {
		t.Error("a listener that hides its socket was accepted")
	}
	down := errors.New("down")
	if _, err := New(Config{
		Listen: func() (net.Listener, error) { return nil, down },
		Dial:   func(context.Context) (net.Conn, error) { return nil, down },
	}); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}
