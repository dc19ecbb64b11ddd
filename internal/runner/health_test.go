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
	b := worker.Backend{Network: "tcp", Address: server.Listener.Addr().String(), Page: "/"}
	for what, ask := range map[string]func(context.Context, worker.Backend) error{"answers": answers, "healthy": healthy} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // as long as it may take to become ready
			defer cancel()
			if err := ask(ctx, b); err != nil {
				t.Error(err)
			}
		})
	}
}
