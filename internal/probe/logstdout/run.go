package logstdout

import (
	"context"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const (
	rounds    = 3               // of requests, with a look at the files after each
	perRound  = 8               // requests of a round
	enough    = 4               // requests that are not logged: then no more are sent
	logWithin = 2 * time.Second // the pass rule's limit
)

// run boots the application once, sends reads with nonces, and looks where
// the nonces arrive.
func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	var o Observations
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return o, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return o, err
	}
	client := boot.Client(process)
	defer client.Close()
	var nonces []string
	var sizes []map[string]int64
	missing := 0
	for range rounds {
		for range perRound {
			if missing == enough {
				break // waiting for more would tell nothing new
			}
			nonce := boot.Random.Nonce()
			nonces = append(nonces, nonce)
			request := read(ctx, client, process, b.Landing(), nonce)
			o.Requests = append(o.Requests, request)
			if !request.Logged {
				missing++
			}
		}
		written, err := boot.Written(ctx, nonces...)
		if err != nil {
			return o, err
		}
		sizes = append(sizes, sizesOf(written))
		o.Files, o.Partly, o.Searched = nil, nil, len(written)
		for _, file := range written {
			o.look(file, sizes)
		}
	}
	o.Dropped = process.Output.Dropped()
	return o, nil
}

// read sends one request that stores nothing and waits for its log line.
func read(ctx context.Context, client *bench.Client, process *bench.Process, path, nonce string) Request {
	reply := client.Do(ctx, bench.Request{
		Method: "GET", Target: path + "?q=" + nonce,
		Header: map[string]string{"X-Request-Id": nonce, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) " + nonce},
	})
	end := reply.Started.Add(reply.Duration)
	request := Request{Target: reply.Target, Status: reply.Status, Err: reply.Err}
	wait, cancel := context.WithDeadline(ctx, end.Add(logWithin))
	defer cancel()
	if line, ok := process.Output.Find(wait, nonce); ok {
		request.Logged, request.After = true, line.At.Sub(end).Seconds()
		request.Line, request.Where = line.Text[:min(len(line.Text), 300)], line.Stream
	}
	return request
}

func sizesOf(written []sandbox.Written) map[string]int64 {
	sizes := map[string]int64{}
	for _, file := range written {
		sizes[file.Path] = file.Size
	}
	return sizes
}

// look keeps a file that holds nonces, or that grew with each round.
func (o *Observations) look(file sandbox.Written, sizes []map[string]int64) {
	if file.Partial {
		o.Partly = append(o.Partly, file.Path)
	}
	growing := len(sizes) == rounds
	for i := 1; i < len(sizes); i++ {
		before, known := sizes[i-1][file.Path]
		growing = growing && known && file.Kind != "dir" && sizes[i][file.Path] > before
	}
	if len(file.Hits) > 0 || growing {
		o.Files = append(o.Files, File{
			Path: file.Path, Kind: file.Kind, Nonces: len(file.Hits), Growing: growing && len(file.Hits) == 0, Bytes: file.Size,
		})
	}
}
