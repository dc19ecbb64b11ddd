package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	os.Exit(m.Run())
}

func start(t testing.TB, config sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func run(t *testing.T, s *sandbox.Sandbox, command sandbox.Command) (string, sandbox.Exit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if command.Env == nil {
		command.Env = []string{"PATH=/usr/bin:/bin"}
	}
	p, err := s.Start(ctx, command)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stdout.Close()
	defer p.Stderr.Close()
	out, _ := io.ReadAll(p.Stdout)
	complaints, _ := io.ReadAll(p.Stderr)
	exit, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + string(complaints), exit
}

func shell(script string) sandbox.Command {
	return sandbox.Command{Args: []string{"/bin/sh", "-c", script}}
}

func appFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	err := filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, sandbox.HostUID(), sandbox.HostUID())
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestACommandRunsAsAnOrdinaryUserInTheArtifact(t *testing.T) {
	s := start(t, sandbox.Config{App: appFolder(t, map[string]string{"hello": "hi"}), Hostname: "web-1"})
	out, exit := run(t, s, shell("id -u; pwd; cat hello; hostname; id -un; ls -d ~root/* 2>/dev/null"))
	if want := "1000\n/app\nhiweb-1\napp\n"; out != want || exit.Code == 127 {
		t.Errorf("got %q, %v, want %q", out, exit, want)
	}
}

func TestExitCodesAndSignalsComeBack(t *testing.T) {
	s := start(t, sandbox.Config{})
	if _, exit := run(t, s, shell("exit 7")); exit.Code != 7 {
		t.Errorf("got %v", exit)
	}
	if _, exit := run(t, s, shell("kill -9 $$")); exit.Signal != syscall.SIGKILL {
		t.Errorf("got %v", exit)
	}
}

func TestWrittenFilesAreFoundWhereverTheyAre(t *testing.T) {
	s := start(t, sandbox.Config{App: appFolder(t, map[string]string{"keep": "old", "gone": "x"})})
	out, _ := run(t, s, shell(`echo needle-1 > new; echo more >> keep; rm gone; echo needle-2 > /tmp/t
		mkdir -p /var/tmp/d; echo needle-1 needle-2 > /dev/shm/s; echo n > /home/app/h`))
	if out != "" {
		t.Errorf("the shell said %q", out)
	}
	list, err := s.Written(context.Background(), [][]byte{[]byte("needle-1"), []byte("needle-2")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, w := range list {
		got[w.Path] = fmt.Sprintf("%s %v %v", w.Kind, w.Created, w.Hits)
	}
	for path, want := range map[string]string{
		"/app/new": "file true [0]", "/app/keep": "file false []", "/app/gone": "removed false []",
		"/tmp/t": "file true [1]", "/var/tmp/d": "dir true []", "/dev/shm/s": "file true [0 1]", "/home/app/h": "file true []",
	} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q", path, got[path], want)
		}
	}
	if len(got) != 7 {
		t.Errorf("more was listed than was written: %v", got)
	}
}

func TestDeletedAndMemoryFilesAreSearched(t *testing.T) {
	s := start(t, sandbox.Config{})
	p, err := s.Start(context.Background(), sandbox.Command{
		Args: []string{"/usr/bin/python3", "-c", `
import os,sys,time
f=open('/tmp/x','w'); f.write('needle'); f.flush(); os.unlink('/tmp/x')
m=os.memfd_create('m'); os.write(m,b'needle')
print('ready',flush=True); time.sleep(30)`}, Env: []string{"PATH=/usr/bin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stdout.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	list, err := s.Written(context.Background(), [][]byte{[]byte("needle")})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, w := range list {
		if len(w.Hits) == 1 {
			kinds = append(kinds, w.Kind)
		}
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"deleted", "memory"}) {
		t.Errorf("got %v in %+v", kinds, list)
	}
}

func TestTheNetworkHoldsEveryAddressAndLetsNothingOut(t *testing.T) {
	s := start(t, sandbox.Config{})
	ctx := context.Background()
	l, err := s.Listen(ctx, "tcp", "10.20.30.40:5432")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			fmt.Fprint(c, "hello from ", c.RemoteAddr())
			c.Close()
		}
	}()
	conn, err := s.Dial(ctx, "tcp", "10.20.30.40:5432", "10.9.9.9")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(conn)
	conn.Close()
	if !strings.HasPrefix(string(got), "hello from 10.9.9.9:") {
		t.Errorf("got %q", got)
	}
	out, _ := run(t, s, sandbox.Command{Args: []string{"/usr/bin/python3", "-c", `
import socket
for a in [('203.0.113.7',443),('198.51.100.1',80)]:
    try: socket.create_connection(a,2)
    except OSError as e: print(e)
socket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(b'x',('192.0.2.1',53))`}})
	if strings.Count(out, "refused") != 2 {
		t.Errorf("connections were not refused: %q", out)
	}
	seen, err := s.Destinations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, d := range seen {
		addresses = append(addresses, d.Network+" "+d.Address)
	}
	for _, want := range []string{"tcp 203.0.113.7:443", "tcp 198.51.100.1:80", "udp 192.0.2.1:53", "tcp 10.20.30.40:5432"} {
		if !slices.Contains(addresses, want) {
			t.Errorf("%s was not seen in %v", want, addresses)
		}
	}
}

func TestALocalSyslogSocketReceivesDatagrams(t *testing.T) {
	s := start(t, sandbox.Config{})
	l, err := s.ListenPacket(context.Background(), "unixgram", "/dev/log")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if out, exit := run(t, s, shell("logger hello-there")); exit.Code != 0 {
		t.Fatalf("logger: %v %s", exit, out)
	}
	buffer := make([]byte, 1000)
	_ = l.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, _, err := l.ReadFrom(buffer)
	if err != nil || !strings.Contains(string(buffer[:n]), "hello-there") {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
}

func TestProcessesTellTheirSocketsAndParents(t *testing.T) {
	s := start(t, sandbox.Config{})
	p, err := s.Start(context.Background(), sandbox.Command{
		Args: []string{"/usr/bin/python3", "-m", "http.server", "8123"}, Env: []string{"PATH=/usr/bin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		list, err := s.Processes(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 && len(list[0].Listening) == 1 {
			if got := list[0]; got.PID != p.PID || got.Listening[0] != "0.0.0.0:8123" || got.Parent != 1 {
				t.Errorf("got %+v", got)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v", list)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestDelaysOfProcessesThatCompete: more loops than processors keep each other waiting.
func TestDelaysOfProcessesThatCompete(t *testing.T) {
	s := start(t, sandbox.Config{})
	loops := 2 * runtime.NumCPU()
	p, err := s.Start(context.Background(), shell(fmt.Sprintf("for i in $(seq %d); do (while :; do :; done) & done; wait", loops)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		delays, err := s.Delays(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, seconds := range delays {
			sum += seconds
		}
		if _, known := delays[p.PID]; known && sum > 0.2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %v", delays)
		}
	}
}

func TestAsProcessOneAnUnhandledSIGTERMIsIgnored(t *testing.T) {
	s := start(t, sandbox.Config{})
	ctx := context.Background()
	for _, pid1 := range []bool{false, true} {
		command := shell("echo $$; exec sleep 1")
		command.PID1, command.Env = pid1, []string{"PATH=/bin"}
		p, err := s.Start(ctx, command)
		if err != nil {
			t.Fatal(err)
		}
		pid := make([]byte, 16)
		n, _ := p.Stdout.Read(pid)
		if (string(pid[:n]) == "1\n") != pid1 {
			t.Errorf("as process 1 %v: the shell is %q", pid1, pid[:n])
		}
		if err := p.Signal(ctx, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		exit, err := p.Wait(ctx)
		if err != nil || (exit.Signal == 0) != pid1 {
			t.Errorf("as process 1 %v: %v %v", pid1, exit, err)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	s, err := sandbox.Start(context.Background(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	marker := fmt.Sprintf("%d.77", 100000+os.Getpid())
	if _, err := s.Start(context.Background(), sandbox.Command{
		Args: []string{"/bin/sh", "-c", "setsid sh -c 'sleep " + marker + "' & sleep " + marker}, Env: []string{"PATH=/bin:/usr/bin"},
	}); err != nil {
		t.Fatal(err)
	}
	pid := s.PID()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process 1 is still there: %v", err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		left := ""
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range all {
			if data, _ := os.ReadFile(path); strings.Contains(string(data), marker) {
				left += path + " "
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there: %s", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestADiskThatFillsIsOnlyItsOwn(t *testing.T) {
	s := start(t, sandbox.Config{DiskBytes: 8 << 20})
	out, exit := run(t, s, shell("dd if=/dev/zero of=/tmp/big bs=1M count=64"))
	if exit.Code == 0 || !strings.Contains(out, "No space left") {
		t.Errorf("got %v %q", exit, out)
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := sandbox.Start(context.Background(), sandbox.Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
