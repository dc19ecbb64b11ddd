package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/syslog"
)

// unreachable is a daemon without a route to it: each message fails at once.
type unreachable struct {
	attempts int
	back     int // the attempt from which on all goes well
}

func (u *unreachable) Send(_ context.Context, messages []syslog.Message) (int, error) {
	if u.attempts++; u.attempts < u.back {
		return 0, errors.New("network is unreachable")
	}
	return len(messages), nil
}

func (u *unreachable) Close() error { return nil }

// A daemon that cannot be reached is tried again, but not without a pause.
func TestSyslogIsTriedAgainWithCare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		daemon := &unreachable{back: 10_000}
		q := newSyslogQueue(daemon, "shop")
		q.waiting <- syslog.Message{}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if daemon.attempts < 10 || daemon.attempts > 200 {
			t.Errorf("%d attempts in 10 s", daemon.attempts)
		}
		daemon.back = 0
		time.Sleep(time.Second)
		if n := len(q.waiting); n != 0 || q.dropped.Load() != 0 {
			t.Errorf("%d wait, %d are lost", n, q.dropped.Load())
		}
		q.close(t.Context())

		lost := newSyslogQueue(&unreachable{back: 10_000}, "shop")
		lost.waiting <- syslog.Message{}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun := time.Now()
		lost.close(ctx)
		if took := time.Since(begun); took > 6*time.Second || lost.dropped.Load() != 1 {
			t.Errorf("closing took %s, %d are lost", took, lost.dropped.Load())
		}
	})
}
