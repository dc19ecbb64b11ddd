package app

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
)

// A check that never comes back fails after its time, is not asked a second
// time meanwhile, and holds nothing up at the end.
func TestACheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChecks(time.Second, slog.New(slog.DiscardHandler), mail.NewScrubber(nil))
		release := make(chan struct{})
		var asked atomic.Int32
		c.add("hangs", func(context.Context) error { asked.Add(1); <-release; return nil }, true)
		c.add("minds", func(ctx context.Context) error { <-ctx.Done(); return errors.New("too late") }, false)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		var answered atomic.Bool
		go func() { defer close(ended); c.run(ctx, func() { answered.Store(true) }) }()
		time.Sleep(time.Second)
		if state, _ := c.report(time.Now()); state != "starting" {
			t.Errorf("at first it is %s", state)
		}
		time.Sleep(time.Minute)
		state, reports := c.report(time.Now())
		if state != "fail" || asked.Load() != 1 || reports["hangs"].Error == "" || reports["minds"].Error != "too late" {
			t.Errorf("%s, asked %d times, %+v", state, asked.Load(), reports)
		}
		if !answered.Load() {
			t.Error("a check that hangs keeps the application from being ready to be told so")
		}
		cancel()
		<-ended
		close(release)
	})
}
