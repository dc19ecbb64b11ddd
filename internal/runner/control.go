package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

// LogQuery says which log lines are wanted.
type LogQuery struct {
	Last    int        // lines of the past; negative is all that are kept
	Follow  bool       // go on with what comes, until the caller leaves
	Level   slog.Level // least level
	Process string     // such as "web" or "web.1"; "" is all
}

// LogLine is one record on its way to roadworthy logs.
type LogLine struct {
	Time    time.Time `json:"time"`
	Worker  string    `json:"worker"`
	Level   string    `json:"level"`
	Text    string    `json:"text"`              // one line, or a whole stack trace
	Dropped uint64    `json:"dropped,omitempty"` // lines that were lost just before, since the reader was slow
}

// listenControl opens a unix socket that only this user can open.
func listenControl(path string) (net.Listener, error) {
	_ = os.Remove(path) // of a master with this pid that is long gone
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the control socket: %w", err), listener.Close())
	}
	return listener, nil
}

// serveControl answers on the control socket.
func serveControl(listener net.Listener, path string, c *master) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: controlRoutes(c), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	return func() {
		cancel()
		_ = server.Close()
		<-done
		_ = os.Remove(path)
	}
}

func controlRoutes(c *master) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(c.Status()) })
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		told, err := c.Reload(r.Context())
		answerText(w, told, err)
	})
	mux.HandleFunc("POST /upgrade", func(w http.ResponseWriter, r *http.Request) { answerUpgrade(w, r, c) })
	mux.HandleFunc("PUT /log-level/{level}", func(w http.ResponseWriter, r *http.Request) {
		level, err := ParseLevel(r.PathValue("level"))
		if err == nil {
			c.SetLevel(level)
		}
		answer(w, err)
	})
	mux.HandleFunc("POST /mail/test", func(w http.ResponseWriter, r *http.Request) {
		told, err := c.TestMail(r.Context(), r.URL.Query()["to"])
		answerText(w, told, err)
	})
	mux.HandleFunc("POST /mail/mute/{fingerprint}", func(w http.ResponseWriter, r *http.Request) {
		length, err := time.ParseDuration(r.URL.Query().Get("for"))
		if err != nil {
			answer(w, &problem.Problem{Code: "RW-U01", Summary: "that is no length of time", Got: r.URL.Query().Get("for"), Want: "such as 24h", Fix: "roadworthy mail mute FINGERPRINT --for 24h"})
			return
		}
		answer(w, c.Mute(r.PathValue("fingerprint"), time.Now().Add(length)))
	})
	mux.HandleFunc("POST /mail/fixed/{fingerprint}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, c.Fixed(r.PathValue("fingerprint")))
	})
	mux.HandleFunc("GET /logs", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		want := LogQuery{Follow: query.Get("follow") == "true", Process: query.Get("process")}
		want.Last, _ = strconv.Atoi(query.Get("last"))
		if level, err := strconv.Atoi(query.Get("level")); err == nil {
			want.Level = slog.Level(level)
		}
		lines := json.NewEncoder(w)
		flush := http.NewResponseController(w)
		_ = flush.Flush()
		_ = c.Logs(r.Context(), want, func(line LogLine) error {
			return errors.Join(lines.Encode(line), flush.Flush())
		})
	})
	return mux
}

// answerText tells what was done, or an error.
func answerText(w http.ResponseWriter, told string, err error) {
	if err != nil || told == "" {
		answer(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, told) //nolint:gosec // plain text, on a socket of this user
}

// answer tells an error as the problem that it is.
func answer(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p, ok := problem.Of(err)
	if !ok {
		p = &problem.Problem{Code: "RW-R03", Summary: err.Error(), Fix: "roadworthy logs"}
	}
	w.WriteHeader(http.StatusConflict)
	_ = json.NewEncoder(w).Encode(p)
}

// ParseLevel reads a level by any of its usual names.
func ParseLevel(text string) (slog.Level, error) {
	switch strings.ToUpper(text) {
	case "DEBUG", "TRACE":
		return slog.LevelDebug, nil
	case "INFO", "NOTICE":
		return slog.LevelInfo, nil
	case "WARNING", "WARN":
		return slog.LevelWarn, nil
	case "ERROR":
		return slog.LevelError, nil
	}
	return 0, &problem.Problem{
		Code: "RW-R02", Summary: "that is no level", Got: text, Want: "DEBUG, INFO, WARNING or ERROR", Fix: "roadworthy log-level INFO",
	}
}

// LevelName returns the standard's name of a level.
func LevelName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	}
	return "ERROR"
}

// runtimeFolder is where control sockets lie: one folder for each user, which
// nobody else can write to.
func runtimeFolder() (string, error) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		dir = filepath.Join(dir, "roadworthy")
		return dir, ownFolder(dir)
	}
	dir := filepath.Join(os.TempDir(), "roadworthy-run-"+strconv.Itoa(os.Getuid()))
	return dir, ownFolder(dir)
}

// ownFolder makes a folder, or makes sure that one is ours alone: others may
// have put one of that name into a folder that all can write to.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of control sockets: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at the folder of control sockets: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the folder of control sockets %s is not ours alone: %w", dir, fs.ErrPermission)
	}
	return nil
}

func socketPath(dir, app string, pid int) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%d.sock", app, pid))
}

// Client speaks with a running master.
type Client struct {
	App string
	PID int

	http http.Client
}

// Find returns the running master of an application; app "" and pid 0 stand
// for any. Exactly one must answer.
func Find(ctx context.Context, app string, pid int) (*Client, error) {
	dir, err := runtimeFolder()
	if err != nil {
		return nil, err
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.sock"))
	var found []*Client
	var names []string
	for _, path := range paths {
		c, ok := clientOf(path)
		if !ok || app != "" && c.App != app || pid != 0 && c.PID != pid {
			continue
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if errors.Is(err, syscall.ECONNREFUSED) {
			_ = os.Remove(path) // its master was killed
			continue
		}
		if err != nil {
			continue
		}
		_ = conn.Close()
		found, names = append(found, c), append(names, fmt.Sprintf("%s (pid %d)", c.App, c.PID))
	}
	if len(found) == 1 {
		return found[0], nil
	}
	p := &problem.Problem{Code: "RW-R04", Summary: "no running master answers", Got: "none in " + dir, Want: "one that this user started", Fix: "roadworthy run"}
	if len(found) > 1 {
		p.Summary, p.Got, p.Want = "several masters answer", strings.Join(names, ", "), "one"
		p.Fix = fmt.Sprintf("add --pid %d", found[0].PID)
	}
	return nil, p
}

func clientOf(path string) (*Client, bool) {
	name := strings.TrimSuffix(filepath.Base(path), ".sock")
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return nil, false
	}
	pid, err := strconv.Atoi(name[dot+1:])
	c := &Client{App: name[:dot], PID: pid}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	return c, err == nil
}

// Do sends one request and returns the body; what the master refuses is a
// [problem.Problem].
func (c *Client) Do(ctx context.Context, method, target string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://roadworthy"+target, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the master: %w", err)
	}
	reply, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the master of %s: %w", c.App, err)
	}
	if reply.StatusCode < 400 {
		return reply.Body, nil
	}
	defer reply.Body.Close()
	var p problem.Problem
	if err := json.NewDecoder(reply.Body).Decode(&p); err != nil {
		return nil, fmt.Errorf("the master of %s answered %s", c.App, reply.Status)
	}
	return nil, &p
}

// Status is what a running master tells of itself.
type Status struct {
	App         string             `json:"app"`
	PID         int                `json:"pid"`
	Version     string             `json:"version"`
	Since       time.Time          `json:"since"`
	Addresses   []string           `json:"addresses"`
	Environment string             `json:"environment"`
	Release     string             `json:"release,omitempty"`
	Level       string             `json:"level"`
	Workers     []WorkerStatus     `json:"workers"`
	Settings    []settings.Setting `json:"settings"`
	Errors      []ErrorGroup       `json:"errors,omitempty"`
	Upgrades    int                `json:"upgrades"`                   // of the program, since the start
	Pause       time.Duration      `json:"upgrade_pause_ns,omitempty"` // without accepting, in the last one
}

// WorkerStatus is one worker process.
type WorkerStatus struct {
	ID         string    `json:"id"`
	PID        int       `json:"pid"`
	Generation int       `json:"generation"`
	State      string    `json:"state"`
	Since      time.Time `json:"since"`
	Restarts   int       `json:"restarts"`
	Memory     int64     `json:"memory"` // resident bytes
	InFlight   int       `json:"in_flight"`
	LastExit   string    `json:"last_exit,omitempty"`
}

// ErrorGroup is one kind of stack trace.
type ErrorGroup struct {
	Fingerprint string    `json:"fingerprint"`
	Title       string    `json:"title"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Count       uint64    `json:"count"`
	Release     string    `json:"release,omitempty"`
}
