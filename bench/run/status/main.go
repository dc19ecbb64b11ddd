// Command status measures goal P15: what a thousand requests a second for the
// status route cost the master, and how often they make it ask the backing
// service that the status tells about.
//
// The service is a Redis that counts; it is within this program. A second of
// quiet is compared with one of polling: the master's own CPU time, and the
// questions that the service got. No peer tells its dependencies' health; an
// nginx and a bare server of net/http that return 100 bytes at the same rate
// stand there as floors. The requests come one after another, so that each of
// them wakes who serves it: ten at once would cost a third.
//
// It asserts nothing. Read next: bench/run/peer.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

func main() {
	if code := peer.Main("status", measure); code != 0 {
		os.Exit(code) //nolint:forbidigo // this is a main
	}
}

const (
	token    = "0123456789abcdef0123456789abcdef"
	manifest = `name: polled
run: {}
processes: {web: SAMPLE}
config:
  settings:
    REDIS_URL: {service: cache}
services: {cache: {type: redis, within: 1s}}
traffic: [GET /]
`
)

func measure(b *peer.Bench) error {
	redis, asked, err := countingRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	if _, err := b.File("roadworthy.yaml", strings.ReplaceAll(manifest, "SAMPLE", b.Sample)); err != nil {
		return err //nolint:wrapcheck // says enough
	}
	run, err := b.Start(peer.Spec{
		Name: "run", Args: []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", "2", "--set", "log.access=off"},
		Env: []string{"SAMPLE=plain", "STATUS_TOKEN=" + token, "REDIS_URL=redis://" + redis.Addr().String()},
	})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	if err := b.Until(20*time.Second, "the service is asked", func() bool { return asked.Load() > 0 }); err != nil {
		return err //nolint:wrapcheck // says enough
	}
	nginx, err := floor(b)
	if err != nil {
		return err
	}
	bare, err := b.Start(peer.Spec{Name: "bare", Args: []string{"sh", "-c", "PORT=${0#*:} exec " + b.Sample, "ADDRESS"}, Env: []string{"SAMPLE=plain"}})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	var s seen
	rounds := b.Count(3, 1)
	err = b.Rounds(rounds, 4, func(i int) error {
		switch i {
		case 0:
			return s.quiet.note(run.Own(), asked, func() (int, error) { time.Sleep(length); return 0, nil }) // this is the quiet
		case 1:
			return s.polled.note(run.Own(), asked, func() (int, error) { return poll(run.Address, "cache") })
		case 2:
			return s.bare.note(bare.Own(), asked, func() (int, error) { return poll(bare.Address, "xxx") })
		default:
			if nginx == nil {
				return nil
			}
			return s.nginx.note(nginx.Tree(), asked, func() (int, error) { return poll(nginx.Address, "xxx") })
		}
	})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	s.report(b, rounds)
	return nil
}

const length = 3 * time.Second // of a round

// seen is what was measured: what a program spent and what the service was asked.
type seen struct{ quiet, polled, bare, nginx values }

type values struct{ cpu, asked, rate []float64 } // percent, a second, a second

// note measures while something is done.
func (v *values) note(pids []int, asked *atomic.Int64, do func() (int, error)) error {
	before := asked.Load()
	spent, err := peer.CPU(pids)
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	begun := time.Now()
	count, err := do()
	if err != nil {
		return err
	}
	took := time.Since(begun).Seconds()
	after, err := peer.CPU(pids)
	v.cpu = append(v.cpu, 100*(after-spent).Seconds()/took)
	v.asked = append(v.asked, float64(asked.Load()-before)/took)
	v.rate = append(v.rate, float64(count)/took)
	return err //nolint:wrapcheck // says enough
}

func (s *seen) report(b *peer.Bench, rounds int) {
	at := " at " + peer.Number(peer.Median(s.polled.rate)) + " requests/s for the status"
	polled, quiet, bare, floor := peer.Median(s.polled.cpu), peer.Median(s.quiet.cpu), peer.Median(s.bare.cpu), peer.Median(s.nginx.cpu)
	row := peer.Row{
		ID: "P15", What: "CPU of the master" + at, Ours: peer.Number(polled) + " % of one processor", Peers: "quiet " + peer.Number(quiet) + " %, net/http with a fixed reply " + peer.Number(bare) + " %",
		Measured: max(polled-quiet, 0), Zero: true, Goal: peer.AtMost(2, " % more"), Rounds: rounds,
	}
	if floor > 0 {
		row.Peers, row.Ratio = row.Peers+", nginx "+peer.Number(floor)+" %", polled/floor
	}
	b.Row(row)
	const beat = 0.5 // a second; when the polling begins within a beat is chance
	extra := max(peer.Median(s.polled.asked)-peer.Median(s.quiet.asked)-beat, 0)
	b.Row(peer.Row{
		ID: "P15", What: "questions to its service," + at, Ours: peer.Number(peer.Median(s.polled.asked)) + " /s",
		Peers: "quiet " + peer.Number(peer.Median(s.quiet.asked)) + " /s", Measured: extra, Zero: true, Goal: peer.AtMost(0, " /s more"), Rounds: rounds,
	})
}

// floor is an nginx that knows its reply; nil where there is none.
func floor(b *peer.Bench) (*peer.Program, error) {
	if !b.Has("nginx") {
		return nil, nil //nolint:nilnil // none is a result
	}
	config := strings.ReplaceAll(peer.NginxReply, "BODY", strings.Repeat("x", 100))
	return b.Start(peer.Spec{Name: "nginx", Config: config, Args: peer.Nginx}) //nolint:wrapcheck // says enough
}

// poll asks for the status a thousand times a second and returns how often.
func poll(address, want string) (int, error) {
	load := peer.Load{
		Address: address, Clients: 10, Every: 10 * time.Millisecond,
		Request: "GET /status HTTP/1.1\r\nHost: sample\r\nAuthorization: Bearer " + token + "\r\n\r\n",
	}.Start()
	time.Sleep(length)
	replies := load.Stop()
	for _, r := range replies {
		if r.Err != nil {
			return 0, fmt.Errorf("ask for the status: %w", r.Err)
		}
		if !strings.Contains(r.Body, want) {
			return 0, fmt.Errorf("the status is another one: %s", r.Body)
		}
	}
	return len(replies), nil
}

// countingRedis answers PING until it is closed, and counts.
func countingRedis() (net.Listener, *atomic.Int64, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	asked := &atomic.Int64{}
	go func() { // until the listener is closed
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // until the master closes it
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.EqualFold(lines.Text(), "PING") {
						asked.Add(1)
						_, _ = io.WriteString(conn, "+PONG\r\n")
					}
				}
			}()
		}
	}()
	return listener, asked, nil
}
