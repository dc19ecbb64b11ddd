package runner

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// A page of health that is slow is no sign of a sick worker where workers may
// take their time to become ready.
func TestAPageOfHealthMayBeSlow(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(5500 * time.Millisecond):
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	m := &master{}
	m.current.Store(&Config{Settings: Settings{Health: "/", Times: TimeSettings{Ready: time.Minute}}})
	b := worker.Backend{Network: "tcp", Address: server.Listener.Addr().String()}
	for what, ask := range map[string]func() error{
		"answers": func() error { return m.answers(context.Background(), b) },
		"healthy": func() error { return m.healthy(context.Background(), b) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if err := ask(); err != nil {
				t.Error(err)
			}
		})
	}
}
