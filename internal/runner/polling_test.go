package runner_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// countingRedis answers PING, and counts.
func countingRedis(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = &atomic.Int64{}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.EqualFold(lines.Text(), "PING") {
						asked.Add(1)
						_, _ = io.WriteString(conn, "+PONG\r\n")
					}
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); all.Wait() })
	return listener.Addr().String(), asked
}

// However often the status route is asked, a service is asked on its own beat.
func TestPollingTheStatusRouteCostsNoService(t *testing.T) {
	const token, every = "0123456789abcdef-status", 500 * time.Millisecond // within/4 of its manifest
	length := 3 * time.Second
	if soak {
		length = 30 * time.Second
	}
	address, asked := countingRedis(t)
	t.Chdir("testdata/polled")
	r := startHere(t, nil, map[string]string{"log.access": "off"}, "REDIS_URL=redis://"+address, "STATUS_TOKEN="+token)
	r.await("a first check", func() bool { return asked.Load() > 0 })
	var polls, wrong atomic.Int64
	before, begun := asked.Load(), time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			tick := time.NewTicker(8 * time.Millisecond) // 125 a second, of each of 8
			defer tick.Stop()
			for time.Since(begun) < length {
				<-tick.C
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/status", nil)
				if err != nil {
					t.Error(err)
					return
				}
				request.Header.Set("Authorization", "Bearer "+token)
				polls.Add(1)
				reply, err := client.Do(request)
				if err != nil {
					wrong.Add(1)
					continue
				}
				body, _ := io.ReadAll(reply.Body)
				reply.Body.Close()
				if reply.StatusCode != http.StatusOK || !strings.Contains(string(body), "cache:") {
					wrong.Add(1)
				}
			}
		})
	}
	all.Wait()
	took, checks := time.Since(begun), asked.Load()-before
	most := int64(took/(every*9/10)) + 1 // with a tenth of jitter
	if checks > most || checks == 0 {
		t.Errorf("in %s the service was asked %d times, want 1 to %d", took, checks, most)
	}
	if wrong.Load() > 0 || polls.Load() < int64(length/time.Second)*100 {
		t.Errorf("%d of %d polls failed", wrong.Load(), polls.Load())
	}
	t.Logf("%d polls in %s (%.0f a second): %d checks, at most %d on their own beat", polls.Load(), took.Round(time.Millisecond), float64(polls.Load())/took.Seconds(), checks, most)
}
