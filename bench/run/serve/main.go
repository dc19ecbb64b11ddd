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

// served is what one contender did.
type served struct{ rate, micros float64 } // requests a second, CPU of all its processes for one

// drive drives some contenders in turn and returns the medians of each. Each is
// a list of programs, of which the first is driven.
func drive(b *peer.Bench, all ...[]*peer.Program) (median []served, rounds int, err error) {
	rounds = b.Count(7, 1)
	rates, micros := make([][]float64, len(all)), make([][]float64, len(all))
	err = b.Rounds(rounds, len(all), func(i int) error {
		var pids []int
		for _, p := range all[i] {
			pids = append(pids, p.Tree()...)
		}
		before, err := peer.CPU(pids)
		if err != nil {
			return err //nolint:wrapcheck // says enough
		}
		requests, rate, err := b.Wrk(all[i][0].Address, peer.Pick(b, 3, 1), clients)
		if err != nil {
			return fmt.Errorf("drive %s: %w", all[i][0].Name, err)
		}
		after, err := peer.CPU(pids)
		rates[i], micros[i] = append(rates[i], rate), append(micros[i], float64((after-before).Microseconds())/requests)
		return err //nolint:wrapcheck // says enough
	})
	for i := range all {
		median = append(median, served{peer.Median(rates[i]), peer.Median(micros[i])})
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
	of, rounds, err := drive(b, []*peer.Program{direct}, []*peer.Program{nginx, direct}, []*peer.Program{run})
	if err != nil {
		return err
	}
	b.Row(peer.Row{
		ID: "P3", What: "gunicorn, 2 × 4 threads, behind the front", Ours: peer.Number(of[2].rate) + " /s",
		Peers: fmt.Sprintf("behind nginx %s, direct %s /s", peer.Number(of[1].rate), peer.Number(of[0].rate)),
		Ratio: of[2].rate / of[1].rate, Goal: peer.AtLeast(0.95, "× nginx"), Rounds: rounds,
	})
	b.Row(peer.Row{
		ID: "P3", What: "the same, CPU of all for a request", Ours: peer.Number(of[2].micros) + " µs",
		Peers: fmt.Sprintf("behind nginx %s, direct %s µs", peer.Number(of[1].micros), peer.Number(of[0].micros)), Ratio: of[2].micros / of[1].micros, Rounds: rounds,
	})
	return nil
}

// shared measures P5 twice: without a line of the log, since the socket is what
// is asked about; and as it is, where the application writes a line for each
// request, which alone goes into a file and else through the master.
func shared(b *peer.Bench) error {
	var all [][]*peer.Program
	for _, level := range []string{"WARNING", "INFO"} {
		alone, err := b.Start(peer.Spec{Name: "alone " + level, Args: []string{b.Sample}, Env: []string{"LISTEN=ADDRESS", "LOG_LEVEL=" + level}})
		if err != nil {
			return err //nolint:wrapcheck // says enough
		}
		words := []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", "1", "--set", "mode=shared", "--", b.Sample}
		run, err := b.Start(peer.Spec{Name: "run " + level, Args: words, Env: []string{"LOG_LEVEL=" + level}})
		if err != nil {
			return err //nolint:wrapcheck // says enough
		}
		all = append(all, []*peer.Program{alone}, []*peer.Program{run})
	}
	of, rounds, err := drive(b, all...)
	if err != nil {
		return err
	}
	for i, what := range []string{"one shared socket, package app", "the same with a line in the log for each request"} {
		alone, run := of[2*i], of[2*i+1]
		row := peer.Row{
			ID: "P5", What: what, Ours: fmt.Sprintf("%s /s, %s µs CPU each", peer.Number(run.rate), peer.Number(run.micros)),
			Peers: fmt.Sprintf("alone %s /s, %s µs", peer.Number(alone.rate), peer.Number(alone.micros)), Ratio: run.rate / alone.rate, Rounds: rounds,
		}
		if i == 0 {
			row.Goal = peer.AtLeast(0.98, "× alone")
		}
		b.Row(row)
	}
	return nil
}
