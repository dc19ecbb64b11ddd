package app

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/syslog"
)

// unreachable is a daemon without a route to it for some time: each message
// fails at once. It bears so many attempts that a test without a pause ends.
type unreachable struct {
	attempts atomic.Int32
	back     time.Time
}

func (u *unreachable) Send(_ context.Context, messages []syslog.Message) (int, error) {
	if u.attempts.Add(1) < 10_000 && time.Now().Before(u.back) {
		return 0, errors.New("network is unreachable")
	}
	return len(messages), nil
}

func (u *unreachable) Close() error { return nil }

// A daemon that cannot be reached is tried again, but not without a pause.
func TestSyslogIsTriedAgainWithCare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		daemon := &unreachable{back: time.Now().Add(10*time.Second + time.Millisecond)}
		q := newSyslogQueue(daemon, "shop")
		q.waiting <- syslog.Message{}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := daemon.attempts.Load(); n < 10 || n > 200 {
			t.Errorf("%d attempts in 10 s", n)
		}
		time.Sleep(time.Second)
		if n := len(q.waiting); n != 0 || q.dropped.Load() != 0 {
			t.Errorf("%d wait, %d are lost", n, q.dropped.Load())
		}
		q.close(t.Context())

		lost := newSyslogQueue(&unreachable{back: time.Now().Add(time.Hour)}, "shop")
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
