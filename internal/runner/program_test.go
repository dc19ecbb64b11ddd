package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

// here is the folder of this package: tests change theirs.
var here, _ = os.Getwd()

// builtProgram is roadworthy, built once.
var builtProgram = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rw")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "roadworthy")
	build := exec.Command("go", "build", "-o", path, "../../cmd/roadworthy")
	build.Dir = here
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(path)
})

// program is a master in a process of its own, in a world of its own: one
// folder holds its state, its sockets and its temporary files, and marks its
// processes.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	folder string
	url    string
	output string // file with its stdout and stderr, unless stdout was given
	ended  chan struct{}
	http   http.Client
}

// launch starts roadworthy run in a folder, by default of testdata, and does not wait.
// With change, the command is changed before.
func launch(t *testing.T, dir string, command []string, set map[string]string, env []string, change func(*exec.Cmd)) *program {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("%s is not installed", command[0])
	}
	binary, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "rw") // paths of unix sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &program{t: t, folder: folder, output: filepath.Join(folder, "output"), ended: make(chan struct{})}
	path := filepath.Join(folder, "roadworthy")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tmp", "run", "state"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	p.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	args := []string{"run"}
	flags := map[string]string{"listen": fmt.Sprintf("127.0.0.1:%d", port), "workers": "2", "times.settle": "100ms", "times.drain": "10s", "times.stop": "2s"}
	maps.Copy(flags, set)
	for key, value := range flags {
		args = append(args, "--set", key+"="+value)
	}
	p.cmd = exec.Command(path, append(append(args, "--"), command...)...)
	if p.cmd.Dir = dir; !filepath.IsAbs(dir) {
		p.cmd.Dir = filepath.Join(here, "testdata", dir)
	}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+folder+"/tmp", "XDG_RUNTIME_DIR="+folder+"/run", "XDG_STATE_HOME="+folder+"/state", "GOMAXPROCS=2")
	p.cmd.Env = append(p.cmd.Env, env...)
	if change != nil {
		change(p.cmd)
	}
	p.begin()
	p.http.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
	}}
	return p
}

// started starts a command whose file a test wrote: a child of another test has
// it open until its exec.
func started(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	err := cmd.Start()
	for end := time.Now().Add(10 * time.Second); errors.Is(err, syscall.ETXTBSY) && time.Now().Before(end); err = cmd.Start() {
		time.Sleep(10 * time.Millisecond)
		same := cmd
		cmd = exec.Command(same.Path)
		cmd.Args, cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = same.Args, same.Dir, same.Env, same.Stdout, same.Stderr, same.SysProcAttr
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

func (p *program) begin() {
	p.t.Helper()
	output, err := os.OpenFile(p.output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer output.Close()
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = output
	}
	p.cmd.Stderr = output
	p.cmd = started(p.t, p.cmd)
	go func() { defer close(p.ended); _ = p.cmd.Wait() }()
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(20 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.ended
			p.t.Error("the master did not end")
		}
		for _, pid := range p.processes() {
			p.t.Errorf("process %d was left behind: %s", pid, commandOf(pid))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
}

func commandOf(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(bytes.ReplaceAll(data, []byte{0}, []byte{' '}))
}

// processes lists the living processes of this world.
func (p *program) processes() []int {
	mark := []byte("XDG_RUNTIME_DIR=" + p.folder + "/run\x00")
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	var list []int
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, mark) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			list = append(list, pid)
		}
	}
	return list
}

// left lists what is left of it, once it has ended.
func (p *program) left() []string {
	var list []string
	for _, pid := range p.processes() {
		list = append(list, fmt.Sprintf("process %d %s", pid, commandOf(pid)))
	}
	for _, pattern := range []string{"tmp/*", "run/roadworthy/*"} {
		paths, _ := filepath.Glob(filepath.Join(p.folder, pattern))
		list = append(list, paths...)
	}
	return list
}

func (p *program) socket() string {
	paths, _ := filepath.Glob(filepath.Join(p.folder, "run/roadworthy/*.sock"))
	if len(paths) == 0 {
		return filepath.Join(p.folder, "none.sock")
	}
	return paths[0]
}

func (p *program) log() string {
	data, _ := os.ReadFile(p.output)
	return string(data)
}

// await polls until something holds, and returns how long that took.
func (p *program) await(what string, ok func() bool) time.Duration {
	p.t.Helper()
	begun := time.Now()
	for !ok() {
		if time.Since(begun) > 60*time.Second {
			log := p.log()
			p.t.Fatalf("%s did not come; the log ends with:\n%s", what, log[max(0, len(log)-20000):])
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begun)
}

// awaitEnd returns the exit code, or -1 for the death by a signal.
func (p *program) awaitEnd() int {
	p.t.Helper()
	p.await("the end", func() bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}

// status asks the control socket; the zero status stands for no answer.
func (p *program) status() runner.Status {
	var s runner.Status
	reply, err := p.http.Get("http://roadworthy/status")
	if err != nil {
		return s
	}
	defer reply.Body.Close()
	_ = json.NewDecoder(reply.Body).Decode(&s)
	return s
}

// get returns the status and the body of a page; the status is 0 where there
// is no answer.
func (p *program) get(path string) (int, string) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 40 * time.Second}
	reply, err := client.Get(p.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, err.Error()
	}
	return reply.StatusCode, string(body)
}

// ready waits until all workers serve.
func (p *program) ready(workers int) {
	p.t.Helper()
	p.await("readiness", func() bool { return serving(p.status()) == workers })
}

// watchMemory looks at the memory of the master until the function is called
// that it returns, which gives the most it had: what is resident and its own.
// The pages of the program's file, which the kernel shares and drops, are not.
func (p *program) watchMemory() (most func() int64) {
	stop, peak := make(chan struct{}), make(chan int64, 1)
	go func() {
		var most int64
		for {
			most = max(most, p.resident())
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return sync.OnceValue(func() int64 {
		close(stop)
		return <-peak
	})
}

func (p *program) resident() int64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "RssAnon:" {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
