package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// selfTestPatience is how long SelfTest waits before it calls a connection
// silent. A loaded machine can only make it lenient, never make it fail.
const selfTestPatience = 100 * time.Millisecond

// SelfTest is the positive control of the proxy: it puts a proxy before an
// echo service inside this process and shows, for new and for existing
// connections, that each mode does what it says. Listen is as in [Config] and
// must be free for the time of the test; dial opens a client's connection to
// it, from where the application will. It takes about two seconds and returns
// the first mode that failed.
func SelfTest(ctx context.Context, listen func() (net.Listener, error), dial func(ctx context.Context) (net.Conn, error)) (err error) {
	var echoes sync.WaitGroup
	defer echoes.Wait()
	proxy, err := New(Config{
		Listen: listen, SlowDelay: selfTestPatience / 2,
		Dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			echoes.Go(func() {
				_, _ = io.Copy(far, far) // ends when the proxy closes near
				_ = far.Close()
			})
			return near, nil
		},
	})
	if err != nil {
		return fmt.Errorf("fault proxy self-test: %w", err)
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	t := control{proxy: proxy, dial: dial}
	for _, m := range Modes() {
		if err := t.mode(ctx, m); err != nil {
			return fmt.Errorf("fault proxy self-test: %s: %w", m, err)
		}
	}
	return nil
}

// control is one run of SelfTest.
type control struct {
	proxy *Proxy
	dial  func(ctx context.Context) (net.Conn, error)
}

// mode shows one mode with a pooled and a new connection, and that Pass heals.
func (t control) mode(ctx context.Context, m Mode) error {
	old, err := t.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect before the fault: %w", err)
	}
	defer old.Close()
	if got := classify(ctx, old, nil, seenEcho); got != seenEcho {
		return fmt.Errorf("before the fault: %s", got)
	}
	if err := t.proxy.Set(m); err != nil {
		return err
	}
	plan := m.plan()
	want := plan.existing.looks()
	if got := classify(ctx, old, nil, want); got != want {
		return fmt.Errorf("existing connection: %s, want %s", got, want)
	}
	if err := t.fresh(ctx, plan); err != nil {
		return err
	}
	if err := t.proxy.Set(Pass); err != nil {
		return err
	}
	healed, err := t.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect after healing: %w", err)
	}
	defer healed.Close()
	if got := classify(ctx, healed, nil, seenEcho); got != seenEcho {
		return fmt.Errorf("after healing: %s", got)
	}
	return nil
}

func (t control) fresh(ctx context.Context, plan plan) error {
	limited, cancel := context.WithTimeout(ctx, 2*selfTestPatience)
	defer cancel()
	c, err := t.dial(limited)
	if err == nil {
		defer c.Close()
	}
	want := plan.fresh.looks()
	if plan.door == doorClosed {
		want = seenRefused
	}
	if got := classify(ctx, c, err, want); got != want {
		return fmt.Errorf("new connection: %s, want %s", got, want)
	}
	return nil
}

// sight is what a client sees of a connection.
type sight string

const (
	seenEcho    sight = "an echo"
	seenLate    sight = "a late echo"
	seenCut     sight = "a cut echo"
	seenReset   sight = "a reset"
	seenRefused sight = "a refusal"
	seenSilence sight = "silence"
)

func (f fate) looks() sight {
	switch f {
	case fateSlow:
		return seenLate
	case fateTruncate:
		return seenCut
	case fateFreeze, fateDrop:
		return seenSilence
	case fateReset:
		return seenReset
	default:
		return seenEcho
	}
}

// classify asks the echo service something and says what came of it; err is
// that of dialling. What is wanted decides only how long to wait: an echo may
// take long on a loaded machine, and silence has to end. An end of file before
// any reply is a reset, since that is how a unix socket shows one.
func classify(ctx context.Context, c net.Conn, err error, want sight) sight {
	wait := 50 * selfTestPatience
	if want == seenSilence {
		wait = selfTestPatience
	}
	start := time.Now()
	n := 0
	if err == nil {
		deadline := start.Add(wait)
		if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
			deadline = d
		}
		n, err = exchange(c, "is anybody there?", deadline)
	}
	var timeout net.Error
	switch {
	case err == nil && want == seenLate && time.Since(start) >= selfTestPatience/2:
		return seenLate
	case err == nil:
		return seenEcho
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return seenSilence
	case n > 0:
		return seenCut
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return seenRefused
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return seenReset
	}
	return sight(err.Error())
}

// exchange sends a message and returns how much of its echo came back.
func exchange(c net.Conn, message string, deadline time.Time) (int, error) {
	if err := c.SetDeadline(deadline); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c, message); err != nil {
		return 0, err
	}
	reply := make([]byte, len(message))
	n, err := io.ReadFull(c, reply)
	if err == nil && string(reply) != message {
		return n, errors.New("a reply that is not the echo")
	}
	return n, err
}
