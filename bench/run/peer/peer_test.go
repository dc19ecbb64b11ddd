package peer

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestResultsCompareWithTheGoal(t *testing.T) {
	for want, row := range map[string]Row{
		"met":                         {Ratio: 2.4, Goal: AtMost(2.4, "× nginx")},
		"**missed by 0.10× nginx**":   {Ratio: 2.5, Goal: AtMost(2.4, "× nginx")},
		"**missed by 0.25× nginx**":   {Ratio: 0.5, Goal: AtLeast(0.75, "× nginx")},
		"not measured":                {Goal: AtLeast(0.75, "× nginx")},
		"**missed by 3.00 failures**": {Measured: 3, Zero: true, Goal: AtMost(0, " failures")},
		"met ":                        {Measured: 0, Zero: true, Goal: AtMost(0, " failures")},
	} {
		if got := row.result(); got != strings.TrimSpace(want) {
			t.Errorf("%+v: %q, want %q", row, got, want)
		}
	}
}

func TestMedianIsTheMiddle(t *testing.T) {
	if got := Median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median %v, want 5", got)
	}
}

// server answers requests on the loopback; how says what becomes of the nth.
func server(t *testing.T, how func(conn net.Conn, n int) (goOn bool)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for n := 0; ; n++ {
					if _, err := http.ReadRequest(reader); err != nil || !how(conn, n) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); all.Wait() })
	return listener.Addr().String()
}

func reply(conn net.Conn) {
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
}

func drive(address string) (total, failed int) {
	d := Load{Address: address, Clients: 2, Every: 5 * time.Millisecond, Request: "GET / HTTP/1.1\r\nHost: test\r\n\r\n"}.Start()
	time.Sleep(300 * time.Millisecond) // this is the load
	replies := d.Stop()
	_, failed = Percentile(replies, 0.99)
	return len(replies), failed
}

func TestLoadCountsRequestsThatGotNoReply(t *testing.T) {
	total, failed := drive(server(t, func(conn net.Conn, n int) bool {
		if n == 0 {
			reply(conn)
		}
		return n == 0 // the second request of each connection is read and dropped
	}))
	if total < 10 || failed < total/3 || failed > total*2/3+2 {
		t.Errorf("%d of %d failed, want about half", failed, total)
	}
}

func TestLoadOpensAnotherConnectionForAnIdleOneThatWasClosed(t *testing.T) {
	total, failed := drive(server(t, func(conn net.Conn, _ int) bool {
		reply(conn)
		return false
	}))
	if failed > total/10 || total < 10 { // a close that crosses a request is a failure
		t.Errorf("%d of %d failed", failed, total)
	}
}

func TestTreeHasTheChildrenOfAllThreads(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	found := false
	for _, pid := range tree(os.Getpid()) {
		found = found || pid == child.Process.Pid
	}
	if !found {
		t.Errorf("the child %d is not below %d", child.Process.Pid, os.Getpid())
	}
	if size, err := PSS([]int{child.Process.Pid}); err != nil || size <= 0 || size > 50 {
		t.Errorf("PSS %v MiB, %v", size, err)
	}
}
