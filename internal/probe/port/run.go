package port

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const (
	boots     = 3
	requests  = 5                      // to the port, over fresh connections
	elsewhere = 3 * time.Second        // how long it may serve on another port before it is taken at its word
	poll      = 20 * time.Millisecond  //
	inner     = 500 * time.Millisecond // for a request to a further port
	maxOthers = 16
)

func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	o := Observations{Boots: make([]Boot, boots)}
	group, gctx := errgroup.WithContext(ctx)
	for i := range o.Boots {
		group.Go(func() (err error) { o.Boots[i], err = one(gctx, b); return err })
	}
	return o, group.Wait()
}

func one(ctx context.Context, b *bench.Bench) (Boot, error) {
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return Boot{}, err
	}
	defer boot.Close()
	r := Boot{Port: boot.Values.Port, Others: []Other{}}
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return r, err
	}
	client := boot.Client(process)
	defer client.Close()
	r.Status = await(ctx, b, boot, process)
	for range requests {
		if r.Status == 0 || r.Status >= 500 {
			break
		}
		if reply := client.Do(ctx, bench.Request{Method: http.MethodGet, Target: b.Landing(), Fresh: true}); reply.Err != "" {
			r.Status = 0
		} else {
			r.Status = reply.Status
		}
	}
	r.Answers = r.Status > 0 && r.Status < 500
	if process.Ended() {
		if exit, err := process.Wait(ctx, time.Second); err == nil {
			r.Exit = exit.String()
		}
	}
	if !r.Answers {
		for _, line := range process.Output.Tail(5) {
			r.Tail = append(r.Tail, line[:min(len(line), 200)])
		}
	}
	return r, r.look(ctx, b, boot, process)
}

// await waits until the port answers, the process has ended, the boot time is
// over, or it has served on another port for a while. It returns the last status.
func await(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process) int {
	ctx, cancel := context.WithTimeout(ctx, b.Manifest.Boot)
	defer cancel()
	client := boot.Client(process)
	defer client.Close()
	status := 0
	var other time.Time // since when another port serves
	for ctx.Err() == nil && !process.Ended() {
		reply := client.Get(ctx, b.Landing())
		if reply.Err == "" && reply.Status < 500 {
			return reply.Status
		}
		status = reply.Status
		family, err := process.Family(ctx)
		if err != nil {
			return status
		}
		serving := false
		for _, at := range listening(family, process.Port) {
			o := Other{Port: at.port}
			serving = o.try(ctx, b, boot) || serving
		}
		if !serving {
			other = time.Time{}
		} else if other.IsZero() {
			other = time.Now()
		} else if time.Since(other) > elsewhere {
			return status
		}
		select {
		case <-ctx.Done():
		case <-time.After(poll): // polling is what waiting for a stranger is
		}
	}
	return status
}

type socket struct {
	port    int
	program string
}

// listening lists the TCP ports of processes but one, each once.
func listening(family []sandbox.ProcessInfo, but int) []socket {
	var list []socket
	for _, info := range family {
		for _, at := range info.Listening {
			_, text, err := net.SplitHostPort(at)
			number, _ := strconv.Atoi(text)
			known := slices.ContainsFunc(list, func(s socket) bool { return s.port == number })
			if err == nil && number != but && !known && len(list) < maxOthers {
				list = append(list, socket{number, info.Name})
			}
		}
	}
	return list
}

// try asks a further port for the landing page and reports whether it came.
func (o *Other) try(ctx context.Context, b *bench.Bench, boot *bench.Boot) bool {
	client := boot.Client(&bench.Process{Port: o.Port})
	defer client.Close()
	reply := client.To(ctx, &bench.Process{Port: o.Port}, bench.Request{Method: http.MethodGet, Target: b.Landing(), Fresh: true, Within: inner})
	o.HTTP = reply.Status > 0
	o.Serves = reply.OK()
	return o.Serves
}

// look finds out who listens where, and which ports are connected to from inside.
func (r *Boot) look(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process) error {
	reached, err := boot.Reached(ctx) // before we ask further ports ourselves; ours are left out anyway
	if err != nil {
		return err
	}
	all, err := boot.Sandbox().Processes(ctx)
	if err != nil {
		return err
	}
	family, err := process.Family(ctx)
	if err != nil {
		return err
	}
	suffix := ":" + strconv.Itoa(process.Port)
	holds := func(info sandbox.ProcessInfo) bool {
		return slices.ContainsFunc(info.Listening, func(at string) bool { return strings.HasSuffix(at, suffix) })
	}
	if i := slices.IndexFunc(all, holds); i >= 0 {
		r.Listener = all[i].Name
	}
	r.Own = slices.ContainsFunc(family, holds)
	for _, at := range listening(all, process.Port) {
		o := Other{Port: at.port, Program: at.program}
		for _, d := range reached {
			if d.Network == "tcp" && strings.HasSuffix(d.Address, ":"+strconv.Itoa(at.port)) {
				o.Inside += d.Count
			}
		}
		o.try(ctx, b, boot)
		r.Others = append(r.Others, o)
	}
	return nil
}
