// Command serve measures what roadworthy run costs an application in requests
// a second: goal P3, gunicorn as the one worker behind our front, behind nginx
// and without either; and goal P5, workers that inherit one listening socket
// beside the same program alone.
//
// gunicorn has 2 processes of 4 threads everywhere. For P5 the sample is one
// worker; no byte of a request passes through the master then, so that what is
// lost is what the master takes by being there. Needs wrk, nginx, gunicorn.
//
// It asserts nothing. Read next: bench/run/peer.
package main

import (
	"fmt"
	"os"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

func main() {
	if code := peer.Main("serve", measure); code != 0 {
		os.Exit(code) //nolint:forbidigo // this is a main
	}
}

const clients = 32

func measure(b *peer.Bench) error {
	if !b.Has("wrk") {
		return nil
	}
	if b.Has("gunicorn") && b.Has("nginx") {
		if err := gunicorn(b); err != nil {
			return err
		}
	}
	b.StopAll()
	b.Again()
	return shared(b)
}

// rates drives some programs in turn and returns the median rate of each.
func rates(b *peer.Bench, all ...*peer.Program) (median []float64, rounds int, err error) {
	rounds = b.Count(7, 1)
	seen := make([][]float64, len(all))
	err = b.Rounds(rounds, len(all), func(i int) error {
		_, rate, err := b.Wrk(all[i].Address, peer.Pick(b, 3, 1), clients)
		if err != nil {
			return fmt.Errorf("drive %s: %w", all[i].Name, err)
		}
		seen[i] = append(seen[i], rate)
		return nil
	})
	for _, list := range seen {
		median = append(median, peer.Median(list))
	}
	return median, rounds, err
}

func gunicorn(b *peer.Bench) error {
	if _, err := b.File("sample.py", peer.WSGI); err != nil {
		return err //nolint:wrapcheck // says enough
	}
	command := func(address string) []string {
		return []string{"gunicorn", "--workers", "2", "--threads", "4", "--log-level", "warning", "--bind", address, "sample:app"}
	}
	direct, err := b.Start(peer.Spec{Name: "gunicorn", Args: command("ADDRESS")})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	nginx, err := b.Start(peer.Spec{Name: "nginx", Config: peer.NginxProxy, Args: peer.Nginx, Fill: []string{"BACKEND", direct.Address}})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	ours := []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", "1", "--set", "log.access=off", "--"}
	run, err := b.Start(peer.Spec{Name: "run", Args: append(ours, command("127.0.0.1:{port}")...)})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	rate, rounds, err := rates(b, direct, nginx, run)
	if err != nil {
		return err
	}
	b.Row(peer.Row{
		ID: "P3", What: "gunicorn, 2 × 4 threads, behind the front", Ours: peer.Number(rate[2]) + " /s",
		Peers: fmt.Sprintf("behind nginx %s, direct %s /s", peer.Number(rate[1]), peer.Number(rate[0])),
		Ratio: rate[2] / rate[1], Goal: peer.AtLeast(0.95, "× nginx"), Rounds: rounds,
	})
	b.Row(peer.Row{ID: "P3", What: "the same", Ours: peer.Number(rate[2]) + " /s", Peers: "direct " + peer.Number(rate[0]) + " /s", Ratio: rate[2] / rate[0], Rounds: rounds})
	return nil
}

func shared(b *peer.Bench) error {
	alone, err := b.Start(peer.Spec{Name: "alone", Args: []string{b.Sample}, Env: []string{"LISTEN=ADDRESS"}})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	run, err := b.Start(peer.Spec{Name: "run", Args: []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", "1", "--set", "mode=shared", "--", b.Sample}})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	rate, rounds, err := rates(b, alone, run)
	if err != nil {
		return err
	}
	b.Row(peer.Row{
		ID: "P5", What: "one shared socket, package app", Ours: peer.Number(rate[1]) + " /s", Peers: "alone " + peer.Number(rate[0]) + " /s",
		Ratio: rate[1] / rate[0], Goal: peer.AtLeast(0.98, "× alone"), Rounds: rounds,
	})
	return nil
}
