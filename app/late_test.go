package app_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/roadworthy-dev/roadworthy/app"
)

// A dependency that is registered while requests are answered is asked as the
// others are, and keeps nobody from the end.
func TestACheckMayComeLate(t *testing.T) {
	var broken atomic.Bool
	r := begin(t, map[string]string{"STATUS_TOKEN": token}, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		a.Check("early", func(context.Context) error { return nil })
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			a.Check("late", func(context.Context) error {
				if broken.Load() {
					return errors.New("is away")
				}
				return nil
			})
		}), nil
	}})
	ready := func(want int) func() bool {
		return func() bool {
			code, _, _ := ask(t, r.url+"/status/ready")
			_, body, _ := ask(t, r.url+"/status", "X-Status-Token", token)
			return code == want && strings.Contains(body, `"late":{`) && !strings.Contains(body, "unknown")
		}
	}
	ask(t, r.url+"/")
	poll(t, "readiness", ready(200))
	broken.Store(true)
	poll(t, "the failure", ready(503))
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}
