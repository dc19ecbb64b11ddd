package front_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/front/health"
	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
)

const (
	token    = "0123456789abcdef-first"
	rotation = "0123456789abcdef-second"
)

func guarded(t *testing.T, options front.Options) *rig {
	options.Status.Tokens = []string{token, rotation}
	return start(t, options)
}

func TestTheStatusRouteNeedsAToken(t *testing.T) {
	r := guarded(t, front.Options{Health: func() health.Report { return health.Report{Version: "v7"} }})
	r.worker("web.1", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "shadow") })
	for _, fields := range [][]string{{"Authorization", "Bearer " + token}, {"X-Status-Token", token}, {"Authorization", "bearer " + rotation}} {
		reply, body := r.do("GET", "/status", "", fields...)
		var report struct {
			Status, Version string
			Checks          map[string][]map[string]any
		}
		if err := json.Unmarshal([]byte(body), &report); err != nil || reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "application/health+json" {
			t.Errorf("%v: %d %v %q", fields, reply.StatusCode, err, body)
		}
		if report.Status != "pass" || report.Version != "v7" || report.Checks["workers:serving"][0]["observedValue"] != 1.0 {
			t.Errorf("got %+v", report)
		}
	}
	var replies []string
	for _, fields := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Basic " + token}, {"X-Status-Token", token + "x"}, {"X-Status-Token", token[:16]}} {
		for _, path := range []string{"/status", "/metrics", "/status?token=" + token} {
			reply, body := r.do("GET", path, "", fields...)
			reply.Header.Del("Date")
			replies = append(replies, fmt.Sprint(reply.StatusCode, reply.Header, body))
			if reply.StatusCode != http.StatusNotFound {
				t.Errorf("%s %v: %d", path, fields, reply.StatusCode)
			}
		}
	}
	for _, reply := range replies {
		if reply != replies[0] {
			t.Errorf("refusals differ: %q and %q", reply, replies[0])
		}
	}
	if strings.Contains(r.log.String(), token) {
		t.Error("the token is in the log")
	}
}

func TestWhoSharesAnAddressWithAGuesserIsNotLockedOut(t *testing.T) {
	r := guarded(t, front.Options{})
	r.worker("web.1", func(http.ResponseWriter, *http.Request) {})
	for range 50 {
		if reply, _ := r.do("GET", "/status", "", "X-Status-Token", "guess"); reply.StatusCode != http.StatusNotFound {
			t.Fatalf("a guess got %d", reply.StatusCode)
		}
	}
	if reply, _ := r.do("GET", "/status", "", "X-Status-Token", token); reply.StatusCode != http.StatusOK {
		t.Errorf("after guesses from the same address the token got %d", reply.StatusCode)
	}
}

func TestShortTokensAndClashingRoutesAreRefused(t *testing.T) {
	if _, err := front.New(front.Options{Status: front.Status{Tokens: []string{"fifteen-letters"}}}); !errors.Is(err, front.ErrToken) {
		t.Errorf("got %v", err)
	}
	for _, status := range []front.Status{{Path: "/ready"}, {Live: "live"}, {Metrics: "/"}} {
		if _, err := front.New(front.Options{Status: status}); err == nil {
			t.Errorf("%+v was taken", status)
		}
	}
}

func TestWithoutTokensTheRoutesAreTheApplications(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", echo)
	for _, path := range []string{"/status", "/metrics"} {
		if reply, body := r.do("GET", path, "", "X-Status-Token", token); reply.StatusCode != http.StatusOK || body != "GET "+path+" " {
			t.Errorf("%s: got %d %q, want the application's reply", path, reply.StatusCode, body)
		}
	}
}

func TestLiveAndReady(t *testing.T) {
	r := guarded(t, front.Options{})
	if reply, _ := r.do("GET", "/ready", ""); reply.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ready without a worker: %d", reply.StatusCode)
	}
	if reply, _ := r.do("GET", "/status", "", "X-Status-Token", token); reply.StatusCode != http.StatusServiceUnavailable || reply.Header.Get("Content-Type") != "application/health+json" {
		t.Errorf("status without a worker: %d %v", reply.StatusCode, reply.Header)
	}
	r.worker("web.1", func(http.ResponseWriter, *http.Request) { t.Error("the application was asked") })
	for _, path := range []string{"/live", "/ready"} {
		if reply, body := r.do("GET", path, ""); reply.StatusCode != http.StatusOK || len(body) > 10 {
			t.Errorf("%s: %d %q", path, reply.StatusCode, body)
		}
	}
}

// TestAStatusIsGivenAgain: polls cost little, and what has changed shows soon.
func TestAStatusIsGivenAgain(t *testing.T) {
	var ahead atomic.Int64
	begun := time.Now()
	r := guarded(t, front.Options{Now: func() time.Time { return begun.Add(time.Duration(ahead.Load())) }})
	status := func() int {
		reply, _ := r.do("GET", "/status", "", "X-Status-Token", token)
		return reply.StatusCode
	}
	got := []int{status()}
	r.worker("web.1", func(http.ResponseWriter, *http.Request) {})
	for _, at := range []time.Duration{99 * time.Millisecond, 100 * time.Millisecond, -time.Second} {
		ahead.Store(int64(at))
		got = append(got, status())
	}
	if want := []int{503, 503, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPollingTheStatusAsksNothing(t *testing.T) {
	var asked atomic.Int64
	checks, err := health.New([]health.Check{{Name: "db", Critical: true, Interval: time.Hour, Ask: func(context.Context) (health.Observed, error) {
		asked.Add(1)
		return health.Observed{}, errors.New("password=hunter2 refused for postgres://u:hunter2@db/")
	}}}, time.Now, func(uint64) uint64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	checks.Start(t.Context())
	defer checks.Stop()
	r := guarded(t, front.Options{Health: checks.Report})
	r.worker("web.1", func(http.ResponseWriter, *http.Request) {})
	until(t, "the first check", func() bool { return r.Health().Status == health.Fail })
	for range 200 {
		reply, body := r.do("GET", "/status", "", "X-Status-Token", token)
		if reply.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "hunter2") || !strings.Contains(body, `"db:responseTime"`) {
			t.Fatalf("%d %q", reply.StatusCode, body)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("the database was asked %d times", asked.Load())
	}
}

var row = regexp.MustCompile(`^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$`)

func TestMetrics(t *testing.T) {
	r := guarded(t, front.Options{Extra: func(w io.Writer) { fmt.Fprintln(w, "extra_total 1") }, Limits: front.Limits{Body: 2}})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, "four")
	})
	for range 3 {
		r.do("GET", "/", "")
	}
	r.do("GET", "/bad", "")
	r.do("POST", "/", "three")
	_, body := r.do("GET", "/metrics", "", "Authorization", "Bearer "+token)
	for line := range strings.Lines(body) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "# ") && !row.MatchString(line) {
			t.Errorf("not a sample: %q", line)
		}
	}
	for _, want := range []string{
		`roadworthy_front_requests_total{worker="web.1",class="2xx"} 3`, `roadworthy_front_requests_total{worker="web.1",class="5xx"} 1`,
		`roadworthy_front_replies_total{class="4xx"} 1`, `roadworthy_front_errors_total{code="F20"} 1`, `roadworthy_front_sent_bytes_total `,
		`roadworthy_front_duration_seconds_bucket{le="+Inf"} 5`, "roadworthy_front_duration_seconds_count 5", "extra_total 1", `roadworthy_front_worker_in_flight{worker="web.1"} 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing in\n%s", want, body)
		}
	}
	if err := r.Drain(within(t, 10*time.Second), "web.1"); err != nil {
		t.Fatal(err)
	}
	var later bytes.Buffer
	if err := r.WriteMetrics(&later); err != nil || !strings.Contains(later.String(), `{worker="gone",class="2xx"} 3`) {
		t.Errorf("counts of a worker that went are lost: %v\n%s", err, later.String())
	}
}

func TestAccessLog(t *testing.T) {
	for access, want := range map[front.AccessLog][2]bool{front.AccessOff: {false, false}, front.AccessErrors: {false, true}, front.AccessAll: {true, true}} {
		r := start(t, front.Options{Access: access})
		r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/bad" {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		r.do("GET", "/good?secret", "")
		r.do("GET", "/bad", "")
		if want[1] {
			until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"path":"/bad"`) })
		}
		log := r.log.String()
		if got := strings.Contains(log, `"level":"INFO","msg":"request"`); got != want[0] || strings.Contains(log, "secret") {
			t.Errorf("%s: %s", access, log)
		}
		if got := strings.Contains(log, `"level":"ERROR","msg":"request"`); got != want[1] {
			t.Errorf("%s: %s", access, log)
		}
	}
}

func TestAHungWorkerIsReported(t *testing.T) {
	type report struct {
		id   string
		slow front.Slow
	}
	reports := make(chan report, 10)
	r := start(t, front.Options{Deadlines: front.Deadlines{Request: 50 * time.Millisecond}, OnSlow: func(id string, s front.Slow) { reports <- report{id, s} }})
	free := make(chan struct{})
	r.worker("web.1", func(http.ResponseWriter, *http.Request) { <-free })
	r.dial("GET /hang?secret HTTP/1.1\r\nHost: a\r\n\r\n")
	got := <-reports
	close(free)
	if got.id != "web.1" || got.slow.Path != "/hang" || got.slow.Method != http.MethodGet || len(got.slow.RequestID) != 32 {
		t.Errorf("got %+v", got)
	}
	until(t, "it ended", func() bool { return r.InFlight("web.1") == 0 })
	if len(reports) != 0 {
		t.Errorf("reported again")
	}
}

func TestWhatHungOneWorkerIsNotSentToTheNext(t *testing.T) {
	reports := make(chan string, 10)
	r := start(t, front.Options{Deadlines: front.Deadlines{Request: 50 * time.Millisecond}, OnSlow: func(id string, _ front.Slow) { reports <- id }})
	var asked atomic.Int32
	killed := make(chan struct{})
	hang := func(conn net.Conn, _ string) {
		asked.Add(1)
		<-killed
		conn.Close()
	}
	workers := map[string]net.Listener{}
	for _, id := range []string{"web.1", "web.2"} {
		workers[id] = r.rawWorker(id, hang)
	}
	_, reader := r.dial("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
	id := <-reports
	r.Remove(id)
	workers[id].Close() // so that the front sees that it is gone
	close(killed)
	if head := readHead(reader); !strings.HasPrefix(head, "HTTP/1.1 502") || asked.Load() != 1 {
		t.Errorf("got %q, and %d workers were asked", head, asked.Load())
	}
}

func TestAFullQueueIsTold(t *testing.T) {
	r := start(t, front.Options{Pool: pool.Options{Queue: 1, Wait: 20 * time.Second}})
	free := make(chan struct{})
	server := r.worker("web.0", func(http.ResponseWriter, *http.Request) { <-free })
	r.Remove("web.0")
	r.add("web.1", server.Listener.Addr().String(), 1)
	raw := "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	_, first := r.dial(raw)
	until(t, "the first is served", func() bool { return r.InFlight("web.1") == 1 })
	_, second := r.dial(raw)
	until(t, "the second waits", func() bool {
		var b bytes.Buffer
		_ = r.WriteMetrics(&b)
		return strings.Contains(b.String(), "roadworthy_front_queue 1\n")
	})
	reply, _ := r.do("GET", "/", "")
	if reply.StatusCode != http.StatusServiceUnavailable || reply.Header.Get("X-Front-Error") != "F11" || reply.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", reply.StatusCode, reply.Header)
	}
	close(free)
	for _, reader := range []io.Reader{first, second} {
		if text, _ := io.ReadAll(reader); !strings.HasPrefix(string(text), "HTTP/1.1 200") {
			t.Errorf("got %q", text)
		}
	}
}
