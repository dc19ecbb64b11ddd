// Command reload measures what a rolling reload costs: goal P12, its time with
// four workers that boot at once; goal P13, the longest request while it goes
// on; and goal P14, requests that fail during ten of them, beside gunicorn
// (HUP) and uWSGI (chain reload).
//
// The load is POSTs of some clients on connections that they keep. gunicorn and
// uWSGI run one WSGI application in 2 processes of 4 threads. Ours runs a bare
// server in Go that knows nothing of production, and beside it the same WSGI
// application, in 2 workers that are gunicorns of one process each and boot a
// whole Python, where the peers fork. uWSGI speaks HTTP by itself and closes
// each connection after a reply, as its http-socket does; its clients therefore
// never lose a connection that they keep.
//
// A reload begins with the signal, or the call of roadworthy reload, and is
// over when no reply has come from a process of before for half a second.
// It asserts nothing. Read next: contenders.go, then bench/run/peer.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

func main() {
	if code := peer.Main("reload", measure); code != 0 {
		os.Exit(code) //nolint:forbidigo // this is a main
	}
}

func measure(b *peer.Bench) error {
	if err := quick(b); err != nil {
		return err
	}
	seen := map[string]*outcome{}
	var names []string
	reloads := b.Count(10, 2)
	for _, c := range contenders(b) {
		b.StopAll()
		b.Again()
		o, err := c.measure(b, reloads)
		if err != nil {
			return fmt.Errorf("reload %s: %w", c.name, err)
		}
		seen[c.name], names = o, append(names, c.name)
	}
	report(b, names, seen, reloads)
	return nil
}

// quick measures P12.
func quick(b *peer.Bench) error {
	run, err := startOurs(b, "4", []string{b.Sample}, "SAMPLE=plain")
	if err != nil {
		return err
	}
	rounds := b.Count(7, 3)
	var took []float64
	for range rounds {
		begun := time.Now()
		if err := roadworthyReload(b, run); err != nil {
			return err
		}
		took = append(took, time.Since(begun).Seconds())
	}
	b.Row(peer.Row{
		ID: "P12", What: "rolling reload of 4 workers that boot at once", Ours: peer.Number(peer.Median(took)) + " s",
		Peers: fmt.Sprintf("– (slowest of ours %s s)", peer.Number(slices.Max(took))), Measured: peer.Median(took), Goal: peer.AtMost(0.5, " s"), Rounds: rounds,
	})
	return nil
}

// outcome is what the clients of one contender saw.
type outcome struct {
	sent, failed int
	first        error
	usual        time.Duration // 99 of 100 requests before the reloads
	longest      []float64     // milliseconds, of each reload
	took         []float64     // seconds
	endless      int
}

// measure drives a contender and reloads it again and again.
func (c contender) measure(b *peer.Bench, reloads int) (*outcome, error) {
	program, err := c.start(b)
	if err != nil {
		return nil, err
	}
	body := strings.Repeat("x", 100)
	load := peer.Load{
		Address: program.Address, Clients: 8, Every: 8 * time.Millisecond,
		Request: "POST / HTTP/1.1\r\nHost: sample\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n" + body,
	}.Start()
	begun := time.Now()
	time.Sleep(peer.Pick(b, 4*time.Second, 1500*time.Millisecond)) // how it usually is
	o := &outcome{}
	o.usual, _ = peer.Percentile(load.Since(begun), 0.99)
	for range reloads {
		if err := o.reload(b, c, program, load); err != nil {
			load.Stop()
			return nil, err
		}
	}
	replies := load.Stop()
	o.sent = len(replies)
	for _, r := range replies {
		if r.Err != nil {
			o.failed++
			if o.first == nil {
				o.first = r.Err
			}
		}
	}
	return o, nil
}

func (o *outcome) reload(b *peer.Bench, c contender, program *peer.Program, load *peer.Driving) error {
	const quiet, limit = 500 * time.Millisecond, 15 * time.Second
	old := processes(load.Since(time.Now().Add(-time.Second)))
	begun := time.Now()
	if err := c.reload(b, program); err != nil {
		return err
	}
	over := func() bool {
		if time.Since(begun) < quiet {
			return false
		}
		last := processes(load.Since(time.Now().Add(-quiet)))
		for process := range last {
			if old[process] {
				return false
			}
		}
		return len(last) > 0
	}
	if err := b.Until(limit, "the reload is over", over); err != nil {
		o.endless++
	}
	o.took = append(o.took, (time.Since(begun) - quiet).Seconds())
	time.Sleep(c.rest)
	longest := time.Duration(0)
	for _, r := range load.Since(begun) {
		longest = max(longest, r.Took)
	}
	o.longest = append(o.longest, float64(longest.Microseconds())/1000)
	return nil
}

// processes lists those that replied.
func processes(replies []peer.Reply) map[string]bool {
	all := map[string]bool{}
	for _, r := range replies {
		if process, _, ok := strings.Cut(r.Body, " "); ok && r.Err == nil {
			all[process] = true
		}
	}
	return all
}

func report(b *peer.Bench, names []string, seen map[string]*outcome, reloads int) {
	list := func(of func(o *outcome) string) (ours, peers string) {
		var texts []string
		for _, name := range names[1:] {
			texts = append(texts, name+" "+of(seen[name]))
		}
		return of(seen[names[0]]), strings.Join(texts, ", ")
	}
	us := seen[names[0]]
	over := func(o *outcome) float64 { return peer.Median(o.longest) - float64(o.usual.Microseconds())/1000 }
	longest, others := list(func(o *outcome) string {
		return fmt.Sprintf("%s ms (p99 else %s)", peer.Number(peer.Median(o.longest)), peer.Number(float64(o.usual.Microseconds())/1000))
	})
	b.Row(peer.Row{ID: "P13", What: "longest request during a reload", Ours: longest, Peers: others, Measured: max(over(us), 0), Zero: true, Goal: peer.AtMost(50, " ms over p99"), Rounds: reloads})
	failed, others := list(func(o *outcome) string {
		text := fmt.Sprintf("%d of %d", o.failed, o.sent)
		if o.endless > 0 {
			text += fmt.Sprintf(" (%d reloads never ended)", o.endless)
		}
		return text
	})
	b.Row(peer.Row{ID: "P14", What: fmt.Sprintf("failures in %d reloads, POST on kept connections", reloads), Ours: failed, Peers: others, Measured: float64(us.failed), Zero: true, Goal: peer.AtMost(0, " failures"), Rounds: reloads})
	took, others := list(func(o *outcome) string { return peer.Number(peer.Median(o.took)) + " s" })
	b.Row(peer.Row{ID: "P14", What: "how long such a reload took", Ours: took, Peers: others, Rounds: reloads})
	for _, name := range names {
		if o := seen[name]; o.first != nil {
			b.Say("%s: the first failure: %v", name, o.first)
		}
	}
}
