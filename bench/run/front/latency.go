package main

import (
	"fmt"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

// asking is how many clients latency has.
const asking = 32

// latency measures P4: how long 99 of 100 requests take at most at half the
// rate that nginx can do. The clients are of this program, which cost more than
// wrk and share the machine with the proxy, so that the whole rate is what nginx
// does under the same clients: half of what wrk finds is more than they can ask
// for, and each proxy would be asked at a rate of its own. A client that is late
// skips a request, so that waiting behind a slow one shows less than it should,
// for all proxies alike.
func latency(b *peer.Bench, proxies []proxy, seen map[string]*samples) error {
	if seen["nginx"] == nil || seen["run"] == nil {
		return nil
	}
	var pair []proxy
	for _, name := range []string{"nginx", "run"} {
		for _, p := range proxies {
			if p.Name == name {
				pair = append(pair, p)
			}
		}
	}
	b.Again()
	length, rounds := peer.Pick(b, 3*time.Second, time.Second), b.Count(7, 1)
	var whole []float64
	err := b.Rounds(min(rounds, 3), 1, func(int) error {
		replies, err := ask(pair[0], time.Nanosecond, length)
		whole = append(whole, float64(len(replies))/length.Seconds())
		return err
	})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	every := time.Duration(2 * asking / peer.Median(whole) * float64(time.Second))
	var slow [2][]float64 // milliseconds
	var rate [2][]float64
	err = b.Rounds(rounds, 2, func(i int) error {
		replies, err := ask(pair[i], every, length)
		took, _ := peer.Percentile(replies, 0.99)
		slow[i] = append(slow[i], float64(took.Microseconds())/1000)
		rate[i] = append(rate[i], float64(len(replies))/length.Seconds())
		return err
	})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	nginx, ours := peer.Median(slow[0]), peer.Median(slow[1])
	b.Row(peer.Row{
		ID: "P4", What: "p99 at half of nginx's rate", Ours: fmt.Sprintf("%s ms at %s /s", peer.Number(ours), peer.Number(peer.Median(rate[1]))),
		Peers: fmt.Sprintf("nginx %s ms at %s /s", peer.Number(nginx), peer.Number(peer.Median(rate[0]))), Ratio: ours / nginx,
		Measured: max(ours-nginx, 0), Zero: true, Goal: peer.AtMost(0.5, " ms more"), Rounds: rounds,
	})
	return nil
}

// ask drives a proxy for so long, each client once in every so often, and
// returns the replies, none of which failed.
func ask(p proxy, every, length time.Duration) ([]peer.Reply, error) {
	load := peer.Load{Address: p.Address, Clients: asking, Every: every, Request: "GET / HTTP/1.1\r\nHost: sample\r\n\r\n"}.Start()
	time.Sleep(length)
	replies := load.Stop()
	if _, failed := peer.Percentile(replies, 0.99); failed > 0 {
		return nil, fmt.Errorf("%d of %d requests to %s failed", failed, len(replies), p.Name)
	}
	return replies, nil
}
