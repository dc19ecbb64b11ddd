package app

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// supervisor is the other end of NOTIFY_SOCKET: systemd or the runtime, see
// sd_notify(3). Without one, nothing is told.
type supervisor struct {
	address string
	every   time.Duration // between two signs of life; 0 for none
}

func newSupervisor(environment func(string) (string, bool)) supervisor {
	var s supervisor
	s.address, _ = environment("NOTIFY_SOCKET")
	limit, _ := environment("WATCHDOG_USEC")
	micros, err := strconv.ParseInt(limit, 10, 64)
	whose, set := environment("WATCHDOG_PID")
	if err == nil && micros > 0 && (!set || whose == strconv.Itoa(os.Getpid())) {
		s.every = time.Duration(micros) * time.Microsecond / 2
	}
	return s
}

// tell sends a state such as "READY=1". A supervisor that is gone is no reason
// to stop serving, so its errors are nobody's.
func (s supervisor) tell(state string) {
	if s.address == "" {
		return
	}
	conn, err := net.Dial("unixgram", s.address) //nolint:noctx // a datagram socket takes no time
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(state))
}

// watchdog tells that the process is alive until the context ends. It shows
// that the process is scheduled; that requests are answered is for the
// supervisor to find out by asking.
func (s supervisor) watchdog(ctx context.Context) {
	if s.every <= 0 || s.address == "" {
		return
	}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		s.tell("WATCHDOG=1")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
