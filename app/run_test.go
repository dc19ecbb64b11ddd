package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roadworthy-dev/roadworthy/app"
)

const token = "0123456789abcdef0123456789abcdef"

func TestMain(m *testing.M) {
	if os.Getenv("APP_TEST_WORKER") != "" {
		os.Exit(worker())
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// output collects what an application logs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// records returns the records with a message.
func (o *output) records(t *testing.T, message string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(o.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("a line of the log is no record: %q", line)
		}
		if record["msg"] == message {
			list = append(list, record)
		}
	}
	return list
}

// running is an application within the test.
type running struct {
	url, address string
	log          *output
	stop         context.CancelFunc
	ended        chan struct{}
	err          error
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(60 * time.Second):
		t.Fatal("the application does not end")
	}
	return r.err
}

// begin runs an application on a port of its own.
func begin(t *testing.T, environment map[string]string, options app.Options) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{address: listener.Addr().String(), log: &output{}, ended: make(chan struct{})}
	r.url = "http://" + r.address
	options.Name, options.Listener, options.Stdout = "shop", listener, r.log
	options.Environment = func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	if options.Interval == 0 {
		options.Interval = 20 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() {
		defer close(r.ended)
		r.err = app.Run(ctx, options)
	}()
	t.Cleanup(func() { cancel(); _ = r.wait(t); listener.Close() })
	return r
}

func handler(h http.HandlerFunc) app.Setup {
	return func(*app.App) (http.Handler, error) { return h, nil }
}

// ask sends a request on a connection of its own.
func ask(t *testing.T, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never came: %s", what)
}

func TestTheStatusIsForWhoHoldsAToken(t *testing.T) {
	var mu sync.Mutex
	broken, asked := error(nil), 0
	r := begin(t, map[string]string{"STATUS_TOKEN": "older-token-0123456789abcdef," + token, "RELEASE": "v7"}, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		a.Check("database", func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return broken
		})
		a.CheckOptional("cache", func(context.Context) error { panic("no cache") })
		a.Gauge("shop_carts", "Carts.", func() float64 { return 2.5 })
		routes := http.NewServeMux()
		routes.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "mine") })
		routes.HandleFunc("/statuses", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "mine") })
		return routes, nil
	}})
	poll(t, "readiness", func() bool { code, _, _ := ask(t, r.url+"/status/ready"); return code == 200 })
	for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", token}, {"X-Status-Token", token + "x"}, {"Cookie", "token=" + token}} {
		for _, path := range []string{"/status", "/status/metrics", "/status?token=" + token, "/status/other"} {
			if code, body, _ := ask(t, r.url+path, header...); code != 404 || strings.Contains(body, "mine") {
				t.Errorf("%s with %q gives %d %s", path, header, code, body)
			}
		}
	}
	var report struct {
		Status, Release string
		Checks          map[string]struct {
			Status   string
			Error    string
			Required bool
		}
	}
	code, body, _ := ask(t, r.url+"/status", "Authorization", "bearer "+token)
	if err := json.Unmarshal([]byte(body), &report); err != nil || code != 200 || report.Status != "ok" || report.Release != "v7" ||
		report.Checks["database"].Status != "ok" || report.Checks["cache"].Status != "fail" || report.Checks["cache"].Required {
		t.Errorf("got %d %s", code, body)
	}
	if code, body, _ := ask(t, r.url+"/status", "X-Status-Token", "older-token-0123456789abcdef", "Accept", "text/plain"); code != 200 || !strings.Contains(body, "database") {
		t.Errorf("got %d %s", code, body)
	}
	_, body, _ = ask(t, r.url+"/status/metrics", "X-Status-Token", token)
	for _, want := range []string{"shop_carts 2.5\n", "# TYPE http_requests_total counter", "http_requests_total{code=\"4xx\"} 20\n", "http_request_duration_seconds_bucket{le=\"+Inf\"}", "http_requests_in_flight 1\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("missing %s in\n%s", want, body)
		}
	}
	if _, body, _ := ask(t, r.url+"/statuses"); body != "mine" {
		t.Errorf("a route with a like name is taken: %s", body)
	}
	mu.Lock()
	broken = errors.New("cannot reach postgres://shop:opensesame@db/shop")
	mu.Unlock()
	poll(t, "the failure", func() bool { code, _, _ := ask(t, r.url+"/status/ready"); return code == 503 })
	code, body, _ = ask(t, r.url+"/status", "X-Status-Token", token)
	if code != 503 || !strings.Contains(body, "cannot reach") || strings.Contains(body, "opensesame") || strings.Contains(r.log.String(), "opensesame") {
		t.Errorf("got %d %s", code, body)
	}
	if code, _, _ := ask(t, r.url+"/status/live"); code != 200 {
		t.Errorf("a dependency decides over life: %d", code)
	}
}

// A token is as long as the runtime wants it, so that both take the same one.
func TestATokenHas16Characters(t *testing.T) {
	for token, want := range map[string]int{"0123456789abcdef": 0, "0123456789abcde": 78} {
		err := app.Run(t.Context(), app.Options{
			Name: "shop", Setup: func(*app.App) (http.Handler, error) { return nil, nil },
			Environment: func(name string) (string, bool) { return token, name == "STATUS_TOKEN" },
		})
		if app.ExitCode(err) != want {
			t.Errorf("%s: %v", token, err)
		}
	}
}

func TestPollsOfTheStatusAskNobody(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	r := begin(t, map[string]string{"STATUS_TOKEN": token}, app.Options{Interval: time.Hour, Setup: func(a *app.App) (http.Handler, error) {
		a.Check("database", func(context.Context) error { mu.Lock(); defer mu.Unlock(); asked++; return nil })
		return http.NotFoundHandler(), nil
	}})
	poll(t, "readiness", func() bool { code, _, _ := ask(t, r.url+"/status/ready"); return code == 200 })
	for range 100 {
		ask(t, r.url+"/status", "X-Status-Token", token)
	}
	mu.Lock()
	defer mu.Unlock()
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestSyslog(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := begin(t, map[string]string{"SYSLOG_URL": "udp://" + conn.LocalAddr().String(), "SYSLOG_FACILITY": "local3"}, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		a.Log.Warn("look here")
		return http.NotFoundHandler(), nil
	}})
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	buffer := make([]byte, 2000)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, _, err := conn.ReadFrom(buffer)
	if got := string(buffer[:n]); err != nil || !strings.HasPrefix(got, "<156>1 ") || !strings.Contains(got, " shop ") || !strings.Contains(got, `"msg":"look here"`) {
		t.Errorf("got %q, %v", got, err)
	}
}

type own struct {
	Database string `env:"DATABASE_URL" secret:"true" required:"true" help:"where it keeps things"`
	Size     int    `default:"3" min:"1"`
}

func TestTheConfigurationIsStrict(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte("log:\n  leevl: INFO\nsize: many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"PORT": "http", "SHOP_CONFIG": file}
	options := app.Options{
		Name: "shop", Config: &own{}, Args: []string{"--drain-timeout", "soon", "--colour=red", "migrate"},
		Environment: func(name string) (string, bool) { v, ok := environment[name]; return v, ok },
		Setup:       func(*app.App) (http.Handler, error) { t.Error("set up with a wrong configuration"); return nil, nil },
	}
	err := app.Run(t.Context(), options)
	if app.ExitCode(err) != 78 {
		t.Errorf("exit code %d", app.ExitCode(err))
	}
	for _, want := range []string{"PORT is not a whole number", file + ":2", "want log.level", "SIZE is not", "DATABASE_URL is missing", "DRAIN_TIMEOUT is not", "colour"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
	environment = map[string]string{"STATUS_TOKEN": "short", "DATABASE_URL": "x", "ERROR_MAIL": "nobody", "SYSLOG_URL": "http://x", "LOG_FORMAT": "xml"}
	options.Args = nil
	err = app.Run(t.Context(), options)
	for _, want := range []string{"STATUS_TOKEN has 5 characters", "\"nobody\" is no mail address", "SMTP_URL is not", "SYSLOG_URL: ", "LOG_FORMAT is \"xml\""} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
}

func TestTheConfigurationIsShown(t *testing.T) {
	show := func(flag string) string {
		var out output
		err := app.Run(t.Context(), app.Options{
			Name: "shop", Config: &own{}, Args: []string{flag, "--port=81"}, Stdout: &out,
			Environment: func(name string) (string, bool) { return "opensesame", name == "DATABASE_URL" },
			Setup:       func(*app.App) (http.Handler, error) { t.Error("set up"); return nil, nil },
		})
		if err != nil {
			t.Error(err)
		}
		return out.String()
	}
	if got := show("--show-config"); !strings.Contains(got, "81") || !strings.Contains(got, "from flag --port") || !strings.Contains(got, "from environment DATABASE_URL") || strings.Contains(got, "opensesame") {
		t.Errorf("got\n%s", got)
	}
	if got := show("--example-config"); !strings.Contains(got, "port: 8080\n") {
		t.Errorf("got\n%s", got)
	}
	if got := show("--document-config"); !strings.Contains(got, "| `DATABASE_URL` |") {
		t.Errorf("got\n%s", got)
	}
}

func TestCommandsAndFailures(t *testing.T) {
	var did []string
	run := func(setup app.Setup) error {
		return app.Run(t.Context(), app.Options{Name: "shop", Args: []string{"migrate", "--", "--all"}, Setup: setup})
	}
	if err := run(func(a *app.App) (http.Handler, error) { did = a.Args; return nil, nil }); err != nil || strings.Join(did, " ") != "migrate --all" {
		t.Errorf("got %q, %v", did, err)
	}
	if err := run(func(*app.App) (http.Handler, error) { return nil, errors.New("no disk") }); err == nil || app.ExitCode(err) != 1 {
		t.Errorf("got %v", err)
	}
	if err := run(func(*app.App) (http.Handler, error) { panic("at the start") }); err == nil || !strings.Contains(err.Error(), "at the start") {
		t.Errorf("got %v", err)
	}
}

func TestAnApplicationHasTenLinesOfMain(t *testing.T) {
	if len(strings.Split(exampleSource(t), "\n")) > 10 {
		t.Errorf("the example has become long:\n%s", exampleSource(t))
	}
}

// exampleSource is the main function that the documentation shows.
func exampleSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, main, _ := strings.Cut(string(source), "func Example() {")
	return "func main() {" + strings.TrimSpace(main)
}

func TestATaskThatFailsStopsTheApplication(t *testing.T) {
	stopped := false
	r := begin(t, nil, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		a.Go("well", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		a.Go("badly", func(context.Context) error { panic("no queue") })
		a.OnStop(func(context.Context) error { stopped = true; return nil })
		return http.NotFoundHandler(), nil
	}})
	if err := r.wait(t); err == nil || !strings.Contains(err.Error(), "no queue") || !stopped {
		t.Errorf("got %v, stopped %v", err, stopped)
	}
}
