// Command front compares what stands before an application: roadworthy run,
// our front alone, nginx, haproxy and caddy, as proxies to one nginx backend
// on the loopback, which is goals P1, P2 and P4 of the production runtime.
//
// Each round drives every proxy once, in turn, with wrk; the main number is the
// CPU time of the proxy's processes per request, which a busy machine disturbs
// less than throughput. Of roadworthy run only the master counts: its worker
// is the backend. All keep connections to the backend, add a request id and the
// X-Forwarded fields, and log no request. Needs wrk, and what is to be compared:
//
//	go run ./bench/run/front -tool bin/roadworthy
//
// It asserts nothing; docs tell what the numbers were. Read next: proxies.go, latency.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

func main() {
	seconds := flag.Int("seconds", 0, "duration of one run of wrk; 0 for 3, or 1 of a short run")
	clients := flag.Int("clients", 32, "connections of wrk")
	only := flag.String("only", "", "comma list of proxies; all when empty")
	serve := flag.String("serve", "", "for the child: be the front, on this address")
	backend := flag.String("backend", "", "for the child: the worker's address")
	profile := flag.String("profile", "", "for the child: write a CPU profile here")
	parsed := func(b *peer.Bench) error {
		if *serve != "" {
			return beFront(*serve, *backend, *profile)
		}
		if *seconds == 0 {
			*seconds = peer.Pick(b, 3, 1)
		}
		return compare(b, *seconds, *clients, *only, *profile)
	}
	if code := peer.Main("front", parsed); code != 0 {
		os.Exit(code) //nolint:forbidigo // this is a main
	}
}

// samples are what the runs of wrk saw of one proxy.
type samples struct{ rate, micros []float64 }

func compare(b *peer.Bench, seconds, clients int, only, profile string) error {
	if !b.Has("wrk") || !b.Has("nginx") {
		return nil
	}
	all, err := startAll(b, only, profile)
	if err != nil {
		return err
	}
	seen := map[string]*samples{}
	for _, p := range all {
		seen[p.Name] = &samples{}
	}
	rounds := b.Count(7, 1)
	err = b.Rounds(rounds, len(all), func(i int) error {
		p := all[i]
		before, err := peer.CPU(p.counted())
		if err != nil {
			return err
		}
		requests, rate, err := b.Wrk(p.Address, seconds, clients)
		if err != nil {
			return fmt.Errorf("drive %s: %w", p.Name, err)
		}
		after, err := peer.CPU(p.counted())
		if err != nil {
			return err
		}
		s := seen[p.Name]
		s.rate, s.micros = append(s.rate, rate), append(s.micros, float64((after-before).Microseconds())/requests)
		return nil
	})
	if err != nil {
		return err
	}
	report(b, seen, rounds)
	return latency(b, all, seen)
}

// report prints the rows; ours is roadworthy run, and the front alone beside it.
func report(b *peer.Bench, seen map[string]*samples, rounds int) {
	micros := func(name string) float64 { return peer.Median(seen[name].micros) }
	rate := func(name string) float64 { return peer.Median(seen[name].rate) }
	peers := func(of func(string) float64, unit string) string {
		var list []string
		for _, name := range []string{"nginx", "haproxy", "caddy", "front"} {
			if seen[name] != nil {
				list = append(list, name+" "+peer.Number(of(name)))
			}
		}
		return strings.Join(list, ", ") + unit
	}
	if seen["run"] == nil {
		return
	}
	for _, row := range []struct {
		id, what, unit, of string
		value              func(string) float64
		goal               *peer.Limit
	}{
		{"P1", "CPU of the proxy for a request", " µs", "nginx", micros, peer.AtMost(2.4, "× nginx")},
		{"P1", "the same", " µs", "caddy", micros, peer.AtMost(0.4, "× caddy")},
		{"P2", "throughput at saturation", " /s", "nginx", rate, peer.AtLeast(0.75, "× nginx")},
		{"P2", "the same", " /s", "caddy", rate, peer.AtLeast(2.2, "× caddy")},
	} {
		if seen[row.of] == nil {
			continue
		}
		b.Row(peer.Row{
			ID: row.id, What: row.what, Ours: peer.Number(row.value("run")) + row.unit, Peers: peers(row.value, row.unit),
			Ratio: row.value("run") / row.value(row.of), Goal: row.goal, Rounds: rounds,
		})
	}
}
