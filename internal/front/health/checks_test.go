package health_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/roadworthy-dev/roadworthy/internal/front/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noJitter(uint64) uint64 { return 0 }

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func run(t *testing.T, list ...health.Check) *health.Checks {
	t.Helper()
	checks, err := health.New(list, time.Now, noJitter)
	if err != nil {
		t.Fatal(err)
	}
	checks.Start(context.Background())
	t.Cleanup(checks.Stop)
	return checks
}

// settled waits for a result of the check and returns it.
func settled(t *testing.T, c *health.Checks, name string) health.Result {
	t.Helper()
	var last health.Result
	until(t, "a result of "+name, func() bool {
		for key, results := range c.Report().Checks {
			if strings.HasPrefix(key, name+":") && results[0].Output != "not checked yet" {
				last = results[0]
				return true
			}
		}
		return false
	})
	return last
}

func TestCriticalityDecidesWhatAFailureMeans(t *testing.T) {
	broken := func(context.Context) (health.Observed, error) { return health.Observed{}, errors.New("down") }
	soon := func(context.Context) (health.Observed, error) {
		return health.Observed{}, fmt.Errorf("%w: nearly", health.ErrWarning)
	}
	for name, c := range map[string]struct {
		check health.Check
		want  health.Status
	}{
		"critical": {health.Check{Critical: true, Ask: broken}, health.Fail},
		"optional": {health.Check{Ask: broken}, health.Warn},
		"warning":  {health.Check{Critical: true, Ask: soon}, health.Warn},
		"well":     {health.Check{Critical: true, Ask: func(context.Context) (health.Observed, error) { return health.Observed{}, nil }}, health.Pass},
	} {
		c.check.Name = "x"
		checks := run(t, c.check)
		if got := settled(t, checks, "x"); got.Status != c.want || checks.Report().Status != c.want {
			t.Errorf("%s: %+v, whole %s", name, got, checks.Report().Status)
		}
	}
}

func TestAHangingCheckFailsInTimeAndIsAskedOnce(t *testing.T) {
	var asking, most atomic.Int32
	free := make(chan struct{})
	checks := run(t, health.Check{Name: "db", Critical: true, Timeout: 30 * time.Millisecond, Interval: 10 * time.Millisecond, Ask: func(context.Context) (health.Observed, error) {
		most.Store(max(most.Load(), asking.Add(1)))
		defer asking.Add(-1)
		<-free // heeds no context
		return health.Observed{}, nil
	}})
	if got := settled(t, checks, "db"); got.Status != health.Fail || !strings.Contains(got.Output, "30ms") {
		t.Errorf("got %+v", got)
	}
	until(t, "later rounds", func() bool { return strings.Contains(settled(t, checks, "db").Output, "hangs") })
	if most.Load() != 1 {
		t.Errorf("asked %d times at once", most.Load())
	}
	close(free)
	until(t, "recovery", func() bool { return checks.Report().Status == health.Pass })
}

// Who heeds no context keeps nobody from the end; who does is waited for.
func TestStopWaitsForNobodyWhoHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, heeded := make(chan struct{}), atomic.Bool{}
		checks, err := health.New([]health.Check{
			{Name: "hangs", Ask: func(context.Context) (health.Observed, error) { <-free; return health.Observed{}, nil }},
			{Name: "heeds", Ask: func(ctx context.Context) (health.Observed, error) {
				<-ctx.Done()
				time.Sleep(10 * time.Millisecond) // to close what it has open
				heeded.Store(true)
				return health.Observed{}, ctx.Err()
			}},
		}, time.Now, noJitter)
		if err != nil {
			t.Fatal(err)
		}
		checks.Start(t.Context())
		synctest.Wait()
		release := sync.OnceFunc(func() { close(free) })
		defer release()
		time.AfterFunc(time.Minute, release) // so that the test has an end where Stop has none
		begun := time.Now()
		checks.Stop()
		if took := time.Since(begun); took > time.Second || !heeded.Load() {
			t.Errorf("it took %s; the one who heeds was waited for: %v", took, heeded.Load())
		}
	})
}

func TestSecretsAreTakenOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, url := range []string{"postgres://user:s3cr%40t@" + address + "/db", "mysql://user:s3cr%40t@" + address + "/db", "redis://user:s3cr%40t@" + address, "http://user:s3cr%40t@" + address} {
		check, err := health.FromURL("dep", url)
		if err != nil {
			t.Fatal(err)
		}
		check.Timeout = 5 * time.Second
		got := settled(t, run(t, check), "dep")
		if got.Status == health.Pass || strings.Contains(got.Output, "s3cr") || got.Output == "" {
			t.Errorf("%s: %+v", url[:8], got)
		}
	}
	for _, url := range []string{"ldap://user:s3cret@h", "postgres://user:s3cret@h:notaport/", "http://user:s3cret@"} {
		if _, err := health.FromURL("dep", url); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestHTTPAndTCP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	for url, want := range map[string]health.Status{server.URL + "/": health.Pass, server.URL + "/bad": health.Warn, "tcp://" + server.Listener.Addr().String(): health.Pass, "tcp://127.0.0.1:1": health.Warn} {
		check, err := health.FromURL("dep", url)
		if err != nil {
			t.Fatal(err)
		}
		if got := settled(t, run(t, check), "dep"); got.Status != want {
			t.Errorf("%s: %+v", url, got)
		}
	}
}

func TestRedis(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	defer func() { l.Close(); group.Wait() }()
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				want := "*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$6\r\nsecret\r\n"
				got := make([]byte, len(want))
				if _, err := io.ReadFull(reader, got); err != nil || string(got) != want {
					fmt.Fprint(conn, "-WRONGPASS secret is wrong\r\n")
					return
				}
				fmt.Fprint(conn, "+OK\r\n")
				ping := make([]byte, len("*1\r\n$4\r\nPING\r\n"))
				_, _ = io.ReadFull(reader, ping)
				fmt.Fprint(conn, "+PONG\r\n")
			})
		}
	})
	for password, want := range map[string]health.Status{"secret": health.Pass, "sekret": health.Warn} {
		check, err := health.FromURL("cache", "redis://user:"+password+"@"+l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if got := settled(t, run(t, check), "cache"); got.Status != want {
			t.Errorf("%s: %+v", password, got)
		}
	}
}

func TestDiskAndCertificate(t *testing.T) {
	folder := t.TempDir()
	for want, check := range map[health.Status]health.Check{
		health.Pass: health.Disk("disk", folder, 1, 0), health.Warn: health.Disk("disk", folder, 1<<62, 1), health.Fail: health.Disk("disk", folder, 1<<62, 1<<61),
	} {
		check.Critical = true
		if got := settled(t, run(t, check), "disk"); got.Status != want || got.Unit != "bytes" {
			t.Errorf("want %s: %+v", want, got)
		}
	}
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	left := time.Until(server.Certificate().NotAfter)
	for want, now := range map[health.Status]time.Duration{health.Pass: 0, health.Warn: left - 5*24*time.Hour, health.Fail: left + time.Hour} {
		check := health.CertificateOf("tls", server.Listener.Addr().String(), 14*24*time.Hour, 24*time.Hour, func() time.Time { return time.Now().Add(now) })
		check.Critical = true
		if got := settled(t, run(t, check), "tls"); got.Status != want || got.Unit != "days" {
			t.Errorf("want %s: %+v", want, got)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	ask := func(context.Context) (health.Observed, error) { return health.Observed{}, nil }
	for _, list := range [][]health.Check{{{Ask: ask}}, {{Name: "a"}}, {{Name: "a", Ask: ask}, {Name: "a", Ask: ask}}} {
		if _, err := health.New(list, time.Now, noJitter); err == nil {
			t.Errorf("%d checks were taken", len(list))
		}
	}
}
