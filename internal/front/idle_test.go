package front_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// holdConnections is what a child of this test's binary does that stands for
// many clients: it opens so many connections, and on each line of its input
// does something with all of them, and says with how many it went well.
func holdConnections(task string) {
	address, number, _ := strings.Cut(task, " ")
	count, _ := strconv.Atoi(number)
	var conns []net.Conn
	for i := range count {
		// A source address has 28,000 ports.
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+os.Getpid()%200), byte(2+i%50))}}
		conn, err := dialer.Dial("tcp", address)
		if err != nil {
			fmt.Printf("after %d: %v\n", i, err)
			return
		}
		conns = append(conns, conn)
	}
	ask := func(conn net.Conn) bool {
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, err := io.WriteString(conn, "GET /idle HTTP/1.1\r\nHost: a\r\n\r\n")
		buf := make([]byte, 1024)
		if err == nil {
			_, err = conn.Read(buf)
		}
		return err == nil && strings.HasPrefix(string(buf), "HTTP/1.1 200")
	}
	closed := func(conn net.Conn) bool {
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, err := conn.Read(make([]byte, 1))
		return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	}
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		do := map[string]func(net.Conn) bool{"ask": ask, "closed": closed}[input.Text()]
		well := 0
		for _, conn := range conns {
			if do(conn) {
				well++
			}
		}
		fmt.Println(well)
	}
}

// crowd are clients in processes of their own, so that this one has all its
// files for the front's ends.
type crowd struct {
	t       *testing.T
	inputs  []io.WriteCloser
	outputs []*bufio.Reader
}

// gather starts processes that hold so many connections together.
func gather(t *testing.T, address string, count, each int) *crowd {
	t.Helper()
	c := &crowd{t: t}
	for count > 0 {
		share := min(count, each)
		count -= share
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), fmt.Sprintf("FRONT_TEST_CLIENTS=%s %d", address, share))
		command.Stderr = os.Stderr
		in, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			_ = command.Process.Kill()
			_ = command.Wait()
		})
		c.inputs, c.outputs = append(c.inputs, in), append(c.outputs, bufio.NewReader(out))
	}
	return c
}

// all has each connection do something and returns with how many it went well.
func (c *crowd) all(do string) int {
	c.t.Helper()
	for _, in := range c.inputs {
		fmt.Fprintln(in, do)
	}
	sum := 0
	for _, out := range c.outputs {
		line, err := out.ReadString('\n')
		n, bad := strconv.Atoi(strings.TrimSpace(line))
		if err != nil || bad != nil {
			c.t.Fatalf("%s: the clients said %q, %v", do, line, err)
		}
		sum += n
	}
	return sum
}

// files raises the number of files as far as it may be, and returns it.
func files(t *testing.T, want uint64) int {
	t.Helper()
	var limit, before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	before = limit
	if limit.Max < want {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: want, Max: want}) // only with a privilege
	}
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		limit.Cur = min(before.Cur, limit.Max)
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	})
	return int(min(limit.Cur, 1<<30))
}

// memory returns the bytes of objects and stacks that are in use.
func memory() int64 {
	for range 3 { // what pools keep lives through one collection, and stacks shrink by half in each
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TestManyIdleConnections holds 2,000 connections that are idle after a first
// request, or 100,000 with ROADWORTHY_SOAK=1.
func TestManyIdleConnections(t *testing.T) {
	want := 2_000
	if os.Getenv("ROADWORTHY_SOAK") == "1" {
		want = 100_000
	}
	open := files(t, uint64(want)+2_000)
	count := min(want, open-1_000)
	if count < want {
		t.Logf("only %d connections instead of %d: a process may open %d files here", count, want, open)
	}
	if count < 1_000 {
		t.Skipf("a process may open only %d files here: ulimit -Hn 4000", open)
	}
	r := start(t, front.Options{
		Deadlines: front.Deadlines{KeepAlive: 20 * time.Minute, Close: time.Second}, Limits: front.Limits{Connections: count + 100},
	})
	r.rawWorker("web.1", func(conn net.Conn, head string) {
		for ; head != ""; head = headOf(conn) {
			if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
		}
	})
	active := func(when string) {
		for range 20 {
			begin := time.Now()
			if reply, body := r.do("GET", "/", ""); reply.StatusCode != http.StatusOK || body != "ok" || time.Since(begin) > 10*time.Second {
				t.Fatalf("%s an active client got %d after %v", when, reply.StatusCode, time.Since(begin))
			}
		}
	}
	active("first")
	before := memory()
	clients := gather(t, r.addr, count, min(open-1_000, 10_000))
	if n := clients.all("ask"); n != count {
		t.Fatalf("%d of %d connections were answered", n, count)
	}
	active("beside the idle ones")
	lean(t, count, before)
	if n := clients.all("ask"); n != count {
		t.Fatalf("%d of %d idle connections were answered again", n, count)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	begin := time.Now()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("shutting down took %v", took)
	}
	if n := clients.all("closed"); n != count {
		t.Errorf("%d of %d connections were closed", n, count)
	}
}

// lean waits until the idle connections take as little memory as they will, and
// wants that to be little.
func lean(t *testing.T, count int, before int64) {
	t.Helper()
	each, last := int64(0), int64(1<<40)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(700 * time.Millisecond) {
		each = (memory() - before) / int64(count)
		if each <= 2*mostIdle && each > last-last/50 {
			break
		}
		last = each
	}
	t.Logf("%d idle connections: %d bytes each, %d goroutines", count, each, runtime.NumGoroutine())
	if info, _ := debug.ReadBuildInfo(); slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return // the detector has stacks of its own
	}
	if each > mostIdle {
		t.Errorf("an idle connection takes %d bytes", each)
	}
}

// mostIdle is how many bytes of heap and stack an idle connection may take.
const mostIdle = 8 << 10
