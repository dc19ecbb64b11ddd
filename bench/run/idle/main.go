// Command idle measures the memory of what stands around an application that
// does nothing: goal P6, the master with everything on and two workers, beside
// the masters of nginx, gunicorn, uWSGI, supervisord, haproxy and caddy; and
// goal P7, what one more worker costs the master.
//
// Memory is proportional (PSS of proc_pid_smaps_rollup(5)): a page that two
// processes share counts half for each, so that only one master of ours runs at
// a time. Of nginx the processes that proxy count, too, since our master is the
// proxy; its master alone is printed beside. Of the others the master counts.
//
// It asserts nothing. Read next: masters.go, then bench/run/peer.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

func main() {
	if code := peer.Main("idle", measure); code != 0 {
		os.Exit(code) //nolint:forbidigo // this is a main
	}
}

func measure(b *peer.Bench) error {
	if err := masters(b); err != nil {
		return err
	}
	b.StopAll()
	b.Again()
	return workers(b)
}

func masters(b *peer.Bench) error {
	sink, err := discard()
	if err != nil {
		return err
	}
	defer sink.Close()
	rounds := b.Count(3, 1)
	idle, loaded := map[string][]float64{}, map[string][]float64{}
	for range rounds {
		b.StopAll()
		all, err := start(b, sink.Addr().String())
		if err != nil {
			return err
		}
		time.Sleep(peer.Pick(b, 8*time.Second, 2*time.Second)) // this is the idleness
		if err := note(idle, all); err != nil {
			return err
		}
		if !b.Has("wrk") {
			continue
		}
		for _, p := range all {
			if p.proxies {
				if _, _, err := b.Wrk(p.Address, peer.Pick(b, 2, 1), 64); err != nil {
					return fmt.Errorf("drive %s: %w", p.Name, err)
				}
			}
		}
		time.Sleep(peer.Pick(b, 5*time.Second, time.Second))
		if err := note(loaded, all); err != nil {
			return err
		}
	}
	report(b, idle, loaded, rounds)
	return nil
}

func note(into map[string][]float64, all []master) error {
	for _, p := range all {
		size, err := peer.PSS(p.counted())
		if err != nil {
			return fmt.Errorf("measure %s: %w", p.Name, err)
		}
		into[p.Name] = append(into[p.Name], size)
		if p.Name == "nginx" {
			if size, err = peer.PSS(p.Own()); err != nil {
				return fmt.Errorf("measure %s: %w", p.Name, err)
			}
			into["nginx alone"] = append(into["nginx alone"], size)
		}
	}
	return nil
}

func report(b *peer.Bench, idle, loaded map[string][]float64, rounds int) {
	peers := func(of map[string][]float64, names ...string) string {
		var list []string
		for _, name := range names {
			if len(of[name]) > 0 {
				list = append(list, name+" "+peer.Number(peer.Median(of[name])))
			}
		}
		return strings.Join(list, ", ") + " MiB"
	}
	ours, all := peer.Median(idle["run"]), peers(idle, "nginx", "nginx alone", "haproxy", "caddy", "gunicorn", "uwsgi", "supervisord")
	for i, goal := range []struct {
		of   string
		most float64
	}{{"gunicorn", 1}, {"supervisord", 0.5}} {
		if size := peer.Median(idle[goal.of]); size > 0 {
			what := []string{"idle master, everything on, 2 workers (PSS)", "the same"}[i]
			b.Row(peer.Row{ID: "P6", What: what, Ours: peer.Number(ours) + " MiB", Peers: all, Ratio: ours / size, Goal: peer.AtMost(goal.most, "× "+goal.of), Rounds: rounds})
		}
	}
	if len(loaded["run"]) > 0 {
		b.Row(peer.Row{
			ID: "P6", What: "the same after a load of 64 connections", Ours: peer.Number(peer.Median(loaded["run"])) + " MiB",
			Peers: peers(loaded, "nginx", "haproxy", "caddy"), Rounds: rounds,
		})
	}
}

// workers compares masters of few and of many workers.
func workers(b *peer.Bench) error {
	const few, many = 2, 22
	rounds := b.Count(3, 1)
	seen := map[int][]float64{}
	err := b.Rounds(rounds, 2, func(i int) error {
		count := []int{few, many}[i]
		defer b.StopAll()
		run, err := b.Start(peer.Spec{Name: "run", Args: []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", strconv.Itoa(count), "--", b.Sample}, Env: []string{"SAMPLE=plain"}})
		if err != nil {
			return err //nolint:wrapcheck // says enough
		}
		err = b.Until(time.Minute, "all workers are ready", func() bool { return strings.Contains(run.Log(), "msg=ready") })
		if err != nil {
			return err //nolint:wrapcheck // says enough
		}
		time.Sleep(peer.Pick(b, 8*time.Second, 2*time.Second)) // this is the idleness: pages are given back by then
		size, err := peer.PSS(run.Own())
		seen[count] = append(seen[count], size)
		return err //nolint:wrapcheck // says enough
	})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	small, large := peer.Median(seen[few]), peer.Median(seen[many])
	each := (large - small) * 1024 / (many - few)
	b.Row(peer.Row{
		ID: "P7", What: "memory of the master for one more worker", Ours: peer.Number(each) + " KiB",
		Peers: fmt.Sprintf("%s MiB with %d, %s with %d", peer.Number(small), few, peer.Number(large), many), Measured: each, Goal: peer.AtMost(300, " KiB"), Rounds: rounds,
	})
	return nil
}
