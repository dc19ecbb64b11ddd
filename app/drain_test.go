package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/app"
)

// worker is what the test's own binary is when it is started as a worker.
func worker() int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	err := app.Run(ctx, app.Options{Name: "worker", Environment: os.LookupEnv, Stdout: io.Discard, Setup: handler(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write(bytes.ToUpper(body))
	})})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return app.ExitCode(err)
}

// share duplicates a listener's descriptor without touching its mode, which
// all that have the socket share.
func share(t *testing.T, listener *net.TCPListener) *os.File {
	t.Helper()
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	copied := -1
	if failed := raw.Control(func(fd uintptr) { copied, err = syscall.Dup(int(fd)) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	syscall.CloseOnExec(copied)
	return os.NewFile(uintptr(copied), "shared")
}

// load posts on connections that are kept, over and over, and counts.
type load struct {
	done, failed atomic.Int64
	mu           sync.Mutex
	errors       []string
}

func (l *load) fail(err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errors) < 5 {
		l.errors = append(l.errors, err.Error())
	}
}

// client never sends a request twice, so that each that is lost is counted.
func (l *load) client(ctx context.Context, address string, name int) {
	var conn net.Conn
	var in *bufio.Reader
	for i := 0; ctx.Err() == nil; i++ {
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", address); err != nil {
				l.fail(err)
				continue
			}
			in = bufio.NewReader(conn)
		}
		_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
		body := fmt.Sprintf("entry %d of %d", i, name)
		request, _ := http.NewRequest(http.MethodPost, "http://"+address+"/", strings.NewReader(body))
		request.Close = name%4 == 0 // a new connection each time
		answer, err := exchange(conn, in, request, strings.ToUpper(body))
		if err != nil {
			l.fail(err)
		} else {
			l.done.Add(1)
		}
		if err != nil || answer.Close {
			conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		conn.Close()
	}
}

func exchange(conn net.Conn, in *bufio.Reader, request *http.Request, want string) (*http.Response, error) {
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(in, request)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || string(got) != want) {
		err = fmt.Errorf("got %d %q", answer.StatusCode, got)
	}
	return answer, err
}

// workers starts workers on one socket and hears when they are ready.
type workers struct {
	t      *testing.T
	shared *os.File
	notes  *net.UnixConn
	path   string
}

// start returns a worker that is ready.
func (w *workers) start() *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "APP_TEST_WORKER=1", "LISTEN_FDS=1", "NOTIFY_SOCKET="+w.path, "GOMAXPROCS=2", "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles = []*os.File{w.shared}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.hear("READY=1")
	return cmd
}

func (w *workers) hear(want string) {
	w.t.Helper()
	buffer := make([]byte, 100)
	_ = w.notes.SetReadDeadline(time.Now().Add(60 * time.Second))
	for {
		n, err := w.notes.Read(buffer)
		if err != nil {
			w.t.Fatalf("waiting for %s: %v", want, err)
		}
		if string(buffer[:n]) == want {
			return
		}
	}
}

// Goal: with one shared socket, 40 workers are replaced under load and not one
// request fails.
func TestNoRequestIsLostWhileWorkersAreReplaced(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	w := &workers{t: t, shared: share(t, listener.(*net.TCPListener)), path: filepath.Join(t.TempDir(), "notify")}
	defer w.shared.Close()
	if w.notes, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	defer w.notes.Close()
	current := w.start()
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	l := &load{}
	for name := range 16 {
		clients.Go(func() { l.client(ctx, listener.Addr().String(), name) })
	}
	for swap := range 40 {
		next := w.start()
		before := l.done.Load()
		_ = current.Process.Signal(syscall.SIGTERM)
		if err := current.Wait(); err != nil {
			t.Errorf("swap %d: the old worker ends with %v", swap, err)
		}
		current = next
		poll(t, "further requests", func() bool { return l.done.Load() > before+50 })
	}
	cancel()
	clients.Wait()
	_ = current.Process.Signal(syscall.SIGTERM)
	if err := current.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d requests, %d failed in 40 swaps", l.done.Load(), l.failed.Load())
	if l.failed.Load() != 0 || l.done.Load() < 2000 {
		t.Errorf("%d of %d failed, such as %q", l.failed.Load(), l.done.Load(), l.errors)
	}
	// The socket is what it was: nobody has made it blocking for all.
	raw, _ := listener.(*net.TCPListener).SyscallConn()
	_ = raw.Control(func(fd uintptr) {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		if errno != 0 || flags&syscall.O_NONBLOCK == 0 {
			t.Errorf("the shared socket is blocking now (%v)", errno)
		}
	})
}

func TestTheStopWaitsForWhatIsUnderWay(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	r := begin(t, nil, app.Options{Setup: func(a *app.App) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				close(entered)
				<-a.Stopping()
				<-leave
			}
			fmt.Fprint(w, "whole")
		}), nil
	}})
	kept, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	in := bufio.NewReader(kept)
	request, _ := http.NewRequest(http.MethodGet, r.url+"/", nil)
	if answer, err := exchange(kept, in, request, "whole"); err != nil || answer.Close {
		t.Fatal(answer, err)
	}
	slow := make(chan string)
	go func() {
		answer, err := http.Get(r.url + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		slow <- string(body)
	}()
	<-entered
	r.stop()
	poll(t, "the listener's end", func() bool {
		conn, err := net.Dial("tcp", r.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	request, _ = http.NewRequest(http.MethodGet, r.url+"/status/ready", nil)
	if answer, err := exchange(kept, in, request, ""); answer == nil || answer.StatusCode != http.StatusServiceUnavailable || !answer.Close {
		t.Errorf("the kept connection got %v, %v", answer, err)
	}
	close(leave)
	if got := <-slow; got != "whole" {
		t.Errorf("the slow request got %q", got)
	}
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// late accepts nobody before it is closed, as a program that has had no time
// between a connection and the signal to stop.
type late struct {
	*net.TCPListener
	closing chan struct{}
	once    sync.Once
}

func (l *late) Accept() (net.Conn, error) {
	<-l.closing
	return l.TCPListener.Accept()
}

func (l *late) Close() error {
	l.once.Do(func() { close(l.closing) })
	return l.TCPListener.Close()
}

// Who waits in the kernel when the stop begins is answered.
func TestTheStopAnswersWhoWaits(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{Name: "shop", Listener: &late{TCPListener: listener.(*net.TCPListener), closing: make(chan struct{})},
			Setup: handler(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "whole") })})
	}()
	clients := make([]net.Conn, 20)
	request, _ := http.NewRequest(http.MethodGet, "http://shop/", nil)
	for i := range clients {
		if clients[i], err = net.Dial("tcp", listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
		if err := request.Write(clients[i]); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	for i, client := range clients {
		_ = client.SetDeadline(time.Now().Add(20 * time.Second))
		answer, err := http.ReadResponse(bufio.NewReader(client), request)
		if err != nil {
			t.Errorf("client %d: %v", i, err)
			continue
		}
		if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "whole" || !answer.Close {
			t.Errorf("client %d: %q, %v, close %v", i, body, err, answer.Close)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// broken is a listener that fails.
type broken struct{ *net.TCPListener }

func (broken) Accept() (net.Conn, error) { return nil, errors.New("is broken") }

// Who waits where the listener fails is served by nobody, and must not wait on.
func TestAListenerThatFailsKeepsNobodyWaiting(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	err = app.Run(t.Context(), app.Options{Name: "shop", Listener: broken{listener.(*net.TCPListener)}, Setup: handler(nil)})
	if err == nil || !strings.Contains(err.Error(), "is broken") {
		t.Errorf("got %v", err)
	}
	_ = client.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the client waits still: %v", err)
	}
}

func TestTheStopHasAnEnd(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	defer close(leave)
	r := begin(t, map[string]string{"DRAIN_TIMEOUT": "100ms"}, app.Options{Setup: handler(func(http.ResponseWriter, *http.Request) { close(entered); <-leave })})
	go func() {
		if answer, err := http.Get(r.url); err == nil {
			answer.Body.Close()
		}
	}()
	<-entered
	r.stop()
	if err := r.wait(t); err == nil || !strings.Contains(err.Error(), "1 connections were cut") {
		t.Errorf("got %v", err)
	}
}

func TestTheSupervisorIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	notes, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	w := &workers{t: t, notes: notes}
	r := begin(t, map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000"}, app.Options{Setup: handler(nil)})
	w.hear("READY=1")
	w.hear("WATCHDOG=1")
	w.hear("WATCHDOG=1")
	r.stop()
	w.hear("STOPPING=1")
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

func TestAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.sock")
	for range 2 { // the second finds what a crash would leave
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		stale.SetUnlinkOnClose(false)
		stale.Close()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- app.Run(ctx, app.Options{Name: "shop", Environment: func(name string) (string, bool) { return "unix:" + path, name == "LISTEN" },
				Setup: handler(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "whole") })})
		}()
		var conn net.Conn
		poll(t, "the socket", func() bool { conn, err = net.Dial("unix", path); return err == nil })
		request, _ := http.NewRequest(http.MethodGet, "http://shop/", nil)
		request.Close = true
		if _, err := exchange(conn, bufio.NewReader(conn), request, "whole"); err != nil {
			t.Error(err)
		}
		conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
