package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
