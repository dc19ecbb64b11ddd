package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roles are what this test binary does as a process of its own.
var roles = map[string]func() error{
	"master": master,
	"listen": listenFDs,
}

// master supervises two workers, and execs itself on each line that it reads.
func master() error {
	config := Config{RunDir: os.Getenv("RUN"), Ports: NewPorts().Next, Headroom: func() (int64, bool) { return 0, false }}
	config.Event = func(e Event) {
		if e.Kind == Ended {
			fmt.Println("ended", e.Worker.Worker, e.Exit)
		}
	}
	config.Output = func(s Source, stdout, stderr *os.File) {
		for _, f := range []*os.File{stdout, stderr} {
			go func() {
				for in := bufio.NewScanner(f); in.Scan(); {
					fmt.Println("line", s.Worker, in.Text())
				}
			}()
		}
	}
	var err error
	if config.Reaper, err = NewReaper(true, nil); err != nil {
		return err
	}
	s, err := New(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if state := os.Getenv("STATE"); state != "" {
		var h Handover
		if err = json.Unmarshal([]byte(state), &h); err == nil {
			err = s.Adopt(&h)
		}
	} else {
		spec := shell(2, `trap 'echo bye; exit 0' TERM; trap 'echo still here' USR1; while :; do sleep 0.02; done`)
		err = s.Start(ctx, spec)
	}
	if err != nil {
		return err
	}
	tell := func() {
		for _, w := range s.Snapshot() {
			fmt.Println("worker", w.Worker, w.PID, w.State, "generation", w.Generation, "restarts", w.Restarts)
		}
		fmt.Println("end")
	}
	tell()
	for in := bufio.NewScanner(unbuffered{}); in.Scan(); {
		switch in.Text() {
		case "tell":
			tell()
		case "exec":
			return execAgain(ctx, s)
		case "fail":
			h, err := s.Handover(ctx)
			if err != nil {
				return err
			}
			s.Resume(h)
			tell()
		case "stop":
			err := s.Stop(ctx)
			config.Reaper.Close()
			return err
		}
	}
	return errors.New("no more orders")
}

// unbuffered reads stdin byte by byte, so that no order is lost in an exec.
type unbuffered struct{}

func (unbuffered) Read(p []byte) (int, error) { return os.Stdin.Read(p[:1]) }

func execAgain(ctx context.Context, s *Supervisor) error {
	h, err := s.Handover(ctx)
	if err != nil {
		return err
	}
	state, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, append(without(os.Environ(), "STATE"), "STATE="+string(state)))
}

// order is a line to the master, and its answer up to "end".
type remote struct {
	t   *testing.T
	in  *os.File
	out *bufio.Scanner
}

func (r remote) order(line string) { fmt.Fprintln(r.in, line) }

func (r remote) until(text string) []string {
	r.t.Helper()
	var lines []string
	for r.out.Scan() {
		lines = append(lines, r.out.Text())
		if strings.HasPrefix(r.out.Text(), text) {
			return lines
		}
	}
	r.t.Fatalf("no %q in %q", text, lines)
	return nil
}

func TestWorkersOutliveAnExecOfTheirMaster(t *testing.T) {
	t.Parallel()
	run, err := os.MkdirTemp("", "rw-hand-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(run)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), "ROADWORTHY_TEST_ROLE=master", "RUN="+run)
	cmd.Stderr = os.Stderr
	read, in, _ := os.Pipe()
	out, write, _ := os.Pipe()
	cmd.Stdin, cmd.Stdout = read, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read.Close()
	write.Close()
	defer in.Close()
	defer out.Close()
	stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	r := remote{t, in, bufio.NewScanner(out)}
	before := r.until("end")
	r.order("fail")
	if got := r.until("end"); strings.Join(got, "\n") != strings.Join(before, "\n") {
		t.Errorf("after a failed exec %q", got)
	}
	for range 2 { // an image that adopted hands over again
		r.order("exec")
		if got := r.until("end"); strings.Join(got, "\n") != strings.Join(before, "\n") {
			t.Fatalf("before %q, after %q", before, got)
		}
	}
	var name string
	var pid int
	if _, err := fmt.Sscanf(before[0], "worker %s %d serving", &name, &pid); err != nil {
		t.Fatalf("%v: %q", err, before[0])
	}
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	r.until("line job.1 still here") // its output still arrives
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("ended job.1 killed by SIGKILL, by whom is unknown") // and it is reaped
	for again := true; again; {
		r.order("tell")
		again = !strings.Contains(strings.Join(r.until("end"), "\n"), "serving generation 1 restarts 1")
	}
	r.order("stop")
	r.until("ended")
	r.until("ended")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// listenFDs serves one connection at a time on descriptor 3, as
// sd_listen_fds(3) says.
func listenFDs() error {
	if os.Getenv("LISTEN_PID") != fmt.Sprint(os.Getpid()) || os.Getenv("LISTEN_FDS") != "1" {
		return fmt.Errorf("LISTEN_PID is %s, the pid %d", os.Getenv("LISTEN_PID"), os.Getpid())
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	notify, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	if _, err := notify.Write([]byte("READY=1\nSTATUS=it listens")); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		var limit syscall.Rlimit
		_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
		status := readProc(os.Getpid(), "status")
		_, privs, _ := strings.Cut(status, "NoNewPrivs:\t")
		_, umask, _ := strings.Cut(status, "Umask:\t")
		fmt.Fprintf(conn, "%s nofile=%d privs=%.1s umask=%.4s uid=%d names=%s\n", os.Getenv("ROADWORTHY_WORKER"), limit.Max, privs, umask, os.Getuid(), os.Getenv("LISTEN_FDNAMES"))
		conn.Close()
	}
}
