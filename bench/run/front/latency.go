package main

import (
	"fmt"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

// latency measures P4: how long 99 of 100 requests take at most at half the
// rate that nginx can do, of this program's own clients. A client that is late
// skips a request, so that waiting behind a slow one shows less than it should,
// for all proxies alike.
func latency(b *peer.Bench, proxies []proxy, seen map[string]*samples) error {
	const clients = 32
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
	half := peer.Median(seen["nginx"].rate) / 2
	b.Again()
	rounds := b.Count(7, 1)
	var slow [2][]float64 // milliseconds
	var rate [2][]float64
	err := b.Rounds(rounds, 2, func(i int) error {
		load := peer.Load{
			Address: pair[i].Address, Clients: clients, Every: time.Duration(clients / half * float64(time.Second)),
			Request: "GET / HTTP/1.1\r\nHost: sample\r\n\r\n",
		}.Start()
		length := peer.Pick(b, 3*time.Second, time.Second)
		time.Sleep(length)
		replies := load.Stop()
		took, failed := peer.Percentile(replies, 0.99)
		if failed > 0 {
			return fmt.Errorf("%d of %d requests to %s failed", failed, len(replies), pair[i].Name)
		}
		slow[i] = append(slow[i], float64(took.Microseconds())/1000)
		rate[i] = append(rate[i], float64(len(replies))/length.Seconds())
		return nil
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
