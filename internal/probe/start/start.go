// Package start watches whether and how an application starts: that it serves,
// that it ends and with which last words, or neither.
//
// Several requirements turn on it: a wrong value, a broken file and a missing
// setting must each end the application with words that say what is wrong. An
// [Outcome] is plain data for the record; it decides nothing and holds no
// secret. The invariant: whatever the application does, watching it ends.
//
// naming.go says when a text names a setting, least.go finds the settings
// without which an application does not start. Read next:
// internal/probe/effect, which looks at an application that serves.
package start

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Outcome is how one start of an application went.
type Outcome struct {
	Served  bool           `json:"served"`           // it answered with a status below 500, and did not end after that
	Status  int            `json:"status,omitempty"` // of its last answer; 0 where it gave none
	Port    int            `json:"port,omitempty"`   // where it answered
	Ended   bool           `json:"ended"`            //
	Exit    int            `json:"exit"`             // exit status; -1 where a signal ended it
	How     string         `json:"how,omitempty"`    // how it ended, in words
	After   float64        `json:"after_seconds"`    // from the start to its answer, its end, or the limit
	Last    string         `json:"last,omitempty"`   // the last that it wrote, at most 300 bytes, without secrets
	Naming  map[string]int `json:"naming,omitempty"` // by setting: how many lines of its output name it
	Pointer int            `json:"pointer"`          // lines of its output that name the configuration file
	At      bool           `json:"at"`               // its output names the line that was asked for, or one beside it
}

// Refused reports whether it ended by itself with a status other than zero.
func (o Outcome) Refused() bool { return o.Ended && o.Exit != 0 }

// Watch says how long to wait for what.
type Watch struct {
	Limit  time.Duration // for an answer or the end
	Linger time.Duration // once it serves: for an end that comes late
	Grace  time.Duration // how long its port may be silent while it serves on another one
	Sick   time.Duration // how long it may answer nothing but statuses of 500 and above; default Limit
	Line   int           // a line of the configuration file that its output may name; 0 for none
	Hide   []string      // texts that do not count as a name, such as the wrong value itself
	Secret []bench.Canary
}

const (
	pause    = 20 * time.Millisecond // between two looks
	patience = 2 * time.Second       // for one reply
	lastSize = 300
)

// On waits until the process serves or ends, at most the limit. Where it
// serves on another port than it was given, process.Port is that port then.
func (w Watch) On(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process) (Outcome, error) {
	var o Outcome
	begin := process.Started
	if w.Sick == 0 {
		w.Sick = w.Limit
	}
	client := boot.Client(process)
	defer client.Close()
	var sick time.Time
	for !process.Ended() && time.Since(begin) < w.Limit {
		status, err := w.ask(ctx, b, boot, client, process)
		if err != nil {
			return o, err
		}
		if status > 0 {
			o.Status, o.Port = status, process.Port
			if status < 500 {
				o.Served = true
				break
			}
			if sick.IsZero() {
				sick = time.Now()
			}
			if time.Since(sick) > w.Sick {
				break
			}
		}
		if _, err := process.Wait(ctx, pause); err != nil && ctx.Err() != nil {
			return o, ctx.Err()
		}
	}
	o.After = time.Since(begin).Seconds()
	return w.end(ctx, b, boot, process, o)
}

// ask requests the landing page at the expected port and, after the grace,
// wherever else the application listens.
func (w Watch) ask(ctx context.Context, b *bench.Bench, boot *bench.Boot, client *bench.Client, process *bench.Process) (int, error) {
	request := bench.Request{Method: "GET", Target: b.Landing(), Within: patience}
	if reply := client.To(ctx, process, request); reply.Err == "" {
		return reply.Status, nil
	}
	if time.Since(process.Started) < w.Grace || ctx.Err() != nil {
		return 0, ctx.Err()
	}
	expected := process.Port
	ports, err := Listening(ctx, boot)
	if err != nil {
		return 0, err
	}
	status, answering := 0, expected
	for _, port := range ports {
		process.Port = port
		if reply := client.To(ctx, process, request); reply.Err == "" && (status == 0 || reply.Status < 500) {
			if status, answering = reply.Status, port; status < 500 {
				break
			}
		}
	}
	process.Port = answering
	return status, ctx.Err()
}

// Listening lists the TCP ports on which processes of the application listen.
func Listening(ctx context.Context, boot *bench.Boot) ([]int, error) {
	processes, err := boot.Sandbox().Processes(ctx)
	if err != nil {
		return nil, err
	}
	var ports []int
	for _, p := range processes {
		for _, address := range p.Listening {
			if at, err := netip.ParseAddrPort(address); err == nil && !slices.Contains(ports, int(at.Port())) {
				ports = append(ports, int(at.Port()))
			}
		}
	}
	slices.Sort(ports)
	return ports, nil
}

// end notes how the process ended, if it did, and its last words.
func (w Watch) end(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process, o Outcome) (Outcome, error) {
	wait := pause
	switch {
	case process.Ended():
		wait = patience // its end is only to be fetched
	case o.Status > 0:
		wait = max(pause, w.Linger)
	}
	exit, err := process.Wait(ctx, wait)
	switch {
	case err == nil:
		o.Ended, o.Served, o.Exit, o.How = true, false, exitCode(exit), exit.String()
		o.After = exit.At.Sub(process.Started).Seconds()
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return o, err
	}
	w.read(b, boot, process, &o)
	return o, nil
}

func exitCode(exit sandbox.Exit) int {
	if exit.Signal != 0 {
		return -1
	}
	return exit.Code
}

// read takes from the output what it says of settings and of the file.
func (w Watch) read(b *bench.Bench, boot *bench.Boot, process *bench.Process, o *Outcome) {
	hidden := boot.Hunt(append(boot.Canaries(), w.Secret...)...).Redact(process.Output.Text())
	o.Last = strings.TrimSpace(hidden)
	if o.Ended {
		o.Last = strings.ToValidUTF8(o.Last[max(0, len(o.Last)-lastSize):], "")
	} else {
		o.Last = ""
	}
	for _, text := range w.Hide {
		if text != "" {
			hidden = strings.ReplaceAll(hidden, text, "…")
		}
	}
	o.Naming = map[string]int{}
	for _, setting := range b.Manifest.Config.Sorted() {
		if n := Naming(hidden, setting); n > 0 {
			o.Naming[setting.Name] = n
		}
	}
	if b.Manifest.Config.File != nil {
		o.Pointer, o.At = NamesFile(hidden, boot.FilePath()), w.Line > 0 && NamesLine(hidden, w.Line)
	}
}
