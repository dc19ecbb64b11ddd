package check_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// TestMain makes this process the one that orphans are handed to, so that a
// process that got away is always found among its descendants.
func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "become a subreaper:", err)
		os.Exit(1)
	}
	var err error
	if programs, err = os.MkdirTemp("", "program-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = os.Chmod(programs, 0o755) // other users run what is in it
	code := m.Run()
	os.RemoveAll(programs)
	os.Exit(code)
}

// silent are events that nobody reads.
type silent struct{}

func (silent) Step(string, string)                      {}
func (silent) Plan([]string)                            {}
func (silent) Start(string)                             {}
func (silent) Finish(report.Requirement, time.Duration) {}

// server is the beginning of every Python application here: serve(handler)
// answers GET with what handler returns, and logs the path.
const server = `
import os, sys, time, threading, socket, signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class H(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"hello"
        print("GET", self.path, flush=True)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
def serve(): ThreadingHTTPServer(("", int(os.environ["PORT"])), H).serve_forever()
`

// short is a manifest for app.py.
const short = `name: small
processes: {web: /usr/bin/python3 app.py}
config: {settings: {PORT: {effect: port}}}
traffic: [GET /]
`

// hasty is the same for applications that never answer.
const hasty = short + "boot: 5s\n"

// application writes files into a repository with one commit. The folder can
// be passed through by the users of sandboxes.
func application(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := openFolder(t)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "-A"},
		{"-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-q", "-m", "first"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// openFolder is t.TempDir that other users may pass through.
func openFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { // for the users of sandboxes
			t.Fatal(err)
		}
	}
	return dir
}

// run checks an application within a time limit and asserts that nothing is left.
func run(t *testing.T, limit time.Duration, options check.Options) (*check.Result, error) {
	t.Helper()
	state := observe(t)
	if options.Only == nil {
		options.Only = []string{"log.stdout"}
	}
	started := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	result, err := check.Run(ctx, options, silent{}, time.Now)
	if took := time.Since(started); took > limit {
		t.Errorf("it took %s, want at most %s", took, limit)
	}
	if err == nil {
		if err := result.Close(); err != nil {
			t.Error(err)
		}
	}
	state.assertNothingLeft(t)
	return result, err
}

// verdicts gives the verdicts of a result by claim.
func verdicts(result *check.Result) map[string]standard.Verdict {
	all := map[string]standard.Verdict{}
	for _, r := range result.Run.Requirements {
		for _, c := range r.Claims {
			all[c.ID] = c.Verdict
		}
	}
	return all
}

// state is what a check could leave behind: all temporary files go to a
// folder of the test, so that other programs do not disturb.
type state struct {
	temp   string
	mounts []string
	memory []string // folders in /dev/shm of checks that others killed
	files  []string // open file descriptors of this process
}

// observe gives the test a folder for temporary files and looks around.
func observe(t testing.TB) *state {
	t.Helper()
	s := &state{temp: openFolder(t)}
	t.Setenv("TMPDIR", s.temp)
	s.mounts, s.files, s.memory = mounts(t), openFiles(t), inMemory(t)
	return s
}

// assertNothingLeft waits a moment, since the kernel takes one to end processes.
func (s *state) assertNothingLeft(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		left := s.left(t)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind:\n  %s", strings.Join(left, "\n  "))
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// left lists processes, files, mounts and file descriptors (a listening
// socket is one) that are there now and were not before.
func (s *state) left(t testing.TB) []string {
	left := append(descendants(t), s.folders(t)...)
	for _, mount := range mounts(t) {
		if !slices.Contains(s.mounts, mount) && strings.Contains(mount, s.temp) {
			left = append(left, "mount "+mount)
		}
	}
	if now := openFiles(t); len(now) > len(s.files) {
		left = append(left, fmt.Sprintf("%d open files, before %d: %s", len(now), len(s.files), strings.Join(now, " ")))
	}
	return left
}

// descendants lists the living processes below this one.
func descendants(t testing.TB) []string {
	parents, lines := map[int]int{}, map[int]string{}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		data, _ := os.ReadFile(path) // it may have ended
		text := string(data)
		end := strings.LastIndexByte(text, ')')
		if end < 0 {
			continue
		}
		fields := strings.Fields(text[end+1:]) // proc(5): state, parent
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		parent, _ := strconv.Atoi(fields[1])
		parents[pid] = parent
		if fields[0] != "Z" && fields[0] != "X" {
			command, _ := os.ReadFile(filepath.Dir(path) + "/cmdline")
			lines[pid] = fmt.Sprintf("process %d %s", pid, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	var list []string
	for pid, line := range lines {
		for p := parents[pid]; p > 1; p = parents[p] {
			if p == os.Getpid() {
				list = append(list, line)
				break
			}
		}
	}
	return list
}

// folders lists what lies in the temporary folder, and what is new in the
// memory folder of a process that is ours or was.
func (s *state) folders(t testing.TB) []string {
	entries, err := os.ReadDir(s.temp)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, "folder "+filepath.Join(s.temp, entry.Name()))
	}
	for _, path := range inMemory(t) {
		if !slices.Contains(s.memory, path) {
			list = append(list, "folder "+path)
		}
	}
	return list
}

// inMemory lists the folders of checks in /dev/shm whose owner is this
// process or no longer there.
func inMemory(t testing.TB) []string {
	all, err := filepath.Glob("/dev/shm/rw-*")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, path := range all {
		owner, err := os.ReadFile(filepath.Join(path, "owner"))
		if err != nil {
			continue // being made or removed by somebody else
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(owner)))
		if pid == os.Getpid() || syscall.Kill(pid, 0) != nil {
			list = append(list, path)
		}
	}
	return list
}

func mounts(t testing.TB) []string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\n")
}

func openFiles(t testing.TB) []string {
	runtime.GC() // files that nobody holds any more are closed by finalizers
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			list = append(list, target)
		}
	}
	return list
}
