package bench

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func TestNarrowListenerHoldsLittle(t *testing.T) {
	wide := held(t, func(l net.Listener) (net.Listener, error) { return l, nil })
	small := held(t, func(l net.Listener) (net.Listener, error) { return narrow(l, nil) })
	if small > 300<<10 || small >= wide {
		t.Errorf("a narrow connection holds %d bytes, an ordinary one %d", small, wide)
	}
}

// held writes to a connection that nobody reads until it is full.
func held(t *testing.T, make func(net.Listener) (net.Listener, error)) (n int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if listener, err = make(listener); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	chunk := [4096]byte{}
	for {
		if err := conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		wrote, err := conn.Write(chunk[:])
		n += wrote
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNarrowPassesAnErrorOn(t *testing.T) {
	refused := errors.New("refused")
	if _, err := narrow(nil, refused); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}
