package front_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// A worker that read a request, closed the connection and lives has given the
// request up: another one would do the same, and tell it a second time. It
// makes no difference whether the connection was new.
func TestWhatALivingWorkerGaveUpIsNotRepeated(t *testing.T) {
	for name, first := range map[string]string{"on a new connection": "", "on a kept one": "/"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, front.Options{})
			var given atomic.Int64
			for _, id := range []string{"web.1", "web.2"} {
				r.worker(id, func(w http.ResponseWriter, request *http.Request) {
					if request.URL.Path == "/fault" {
						given.Add(1)
						panic(http.ErrAbortHandler)
					}
				})
			}
			for range 4 { // so that both workers have a kept connection
				if first != "" {
					r.do("GET", first, "")
				}
			}
			reply, _ := r.do("GET", "/fault", "")
			if reply.StatusCode != http.StatusBadGateway || reply.Header.Get("X-Front-Error") != "F13" || given.Load() != 1 {
				t.Errorf("got %d %s after the workers were given it %d times, want 502 F13 after once",
					reply.StatusCode, reply.Header.Get("X-Front-Error"), given.Load())
			}
		})
	}
}

// The id that a client made up is told beside ours, if it can be no line or
// field of its own.
func TestTheIDOfAStrangerIsToldAsHis(t *testing.T) {
	r := start(t, front.Options{Access: front.AccessAll})
	r.worker("web.1", func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("X-Seen", request.Header.Get("X-Request-Id"))
	})
	reply, _ := r.do("GET", "/", "", "X-Request-Id", "made-up-by-a-client")
	r.do("GET", "/", "", "X-Request-Id", "with blanks level=ERROR")
	until(t, "two records", func() bool { return strings.Count(r.log.String(), `"msg":"request"`) == 2 })
	log := r.log.String()
	if strings.Count(log, `"client_request_id":"made-up-by-a-client"`) != 1 || strings.Contains(log, "with blanks") {
		t.Errorf("got %s", log)
	}
	if id := reply.Header.Get("X-Request-Id"); id == "made-up-by-a-client" || id != reply.Header.Get("X-Seen") {
		t.Errorf("the reply has %q, the worker saw %q", id, reply.Header.Get("X-Seen"))
	}
}
