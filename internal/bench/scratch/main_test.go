package scratch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Environment of the test binary when it is run as a helper process.
const (
	helperKinds = "SCRATCH_HELPER_KINDS" // start these, print "PID SOCKET" for each database, wait for the end of stdin
	helperDir   = "SCRATCH_HELPER_DIR"
	helperCache = "SCRATCH_HELPER_CACHE"
	secondRound = "SCRATCH_SECOND_ROUND" // run as an ordinary user by TestAsOrdinaryUser
)

func TestMain(m *testing.M) {
	if os.Getenv(helperKinds) != "" {
		if err := helper(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	cache, err := os.MkdirTemp(memory(), "scratch-cache-")
	if err == nil {
		err = os.Setenv(helperCache, cache)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(cache)
		os.Exit(code)
	}))
}

func helper(ctx context.Context) (err error) {
	o := Options{Dir: os.Getenv(helperDir), Cache: os.Getenv(helperCache), Credential: ordinary()}
	for name := range strings.SplitSeq(os.Getenv(helperKinds), ",") {
		server, startErr := Start(ctx, Kind(name), o)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		d, provisionErr := server.Provision(ctx)
		if provisionErr != nil {
			return provisionErr
		}
		if err := CheckQuery(ctx, d, nil); err != nil {
			return err
		}
		fmt.Println(pidOf(server, d), d.socket)
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// helperCommand prepares a helper process.
func helperCommand(ctx context.Context, kinds string, o Options) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), helperKinds+"="+kinds, helperDir+"="+o.Dir, helperCache+"="+o.Cache)
	cmd.Stderr = os.Stderr
	return cmd
}

// pidOf returns the id of the process that serves d, 0 for none.
func pidOf(s Server, d *Database) int {
	switch s := s.(type) {
	case *postgresServer:
		return s.child.cmd.Process.Pid
	case *mariadbServer:
		return s.child.cmd.Process.Pid
	case *redisServer:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.instances[d].cmd.Process.Pid
	}
	return 0
}

// ordinary is the user "nobody" when we are root, else nil.
func ordinary() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// tempDir is a fresh folder that an ordinary user can enter, in memory where
// there is such a file system: data folders are many small files.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(memory(), "scratch-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil { // the servers' user must get through
		t.Fatal(err)
	}
	return dir
}

// memory is the folder for temporary files.
func memory() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() && info.Mode()&0o002 != 0 {
		return shm
	}
	return os.TempDir()
}

// sharedCache is one template cache for all tests that do not test the cache;
// TestMain makes and removes it.
func sharedCache() string { return os.Getenv(helperCache) }

func options(t testing.TB) Options {
	t.Helper()
	return Options{Dir: tempDir(t), Cache: sharedCache(), Credential: ordinary(), Log: logger{t}}
}

// logger writes to the test's log, which go test shows on failure.
type logger struct{ t testing.TB }

func (l logger) Write(p []byte) (int, error) {
	if testing.Verbose() {
		l.t.Logf("%s", p)
	}
	return len(p), nil
}

// context30 bounds a test.
func context30(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// mustStart starts a server, and closes it at the test's end. It skips, loudly,
// where the program is not installed.
func mustStart(t testing.TB, kind Kind, o Options) Server {
	t.Helper()
	s, err := Start(context30(t), kind, o)
	if errors.Is(err, ErrMissing) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", kind, err)
		}
	})
	return s
}

func mustProvision(t testing.TB, s Server) *Database {
	t.Helper()
	d, err := s.Provision(context30(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// eventually polls until done returns true, for at most ten seconds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// running says whether a process is there and not a zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

// altered returns the same database with other credentials.
func altered(d *Database, user, password, name string) *Database {
	return &Database{Kind: d.Kind, User: user, Password: password, Name: name, socket: d.socket}
}

// dialUnix connects to a socket.
func dialUnix(path string) error {
	conn, err := net.Dial("unix", path)
	if err == nil {
		err = conn.Close()
	}
	return err
}
