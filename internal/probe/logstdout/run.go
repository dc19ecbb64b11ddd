package logstdout

import (
	"context"
	"slices"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
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
	own := databases(boot)
	var nonces []string
	var looks []look
	missing := 0
	for range rounds {
		sent := len(nonces)
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
		written = slices.DeleteFunc(written, func(file sandbox.Written) bool { return own[file.Path] })
		looks = append(looks, lookAt(written, len(nonces)-1, len(nonces) > sent))
		o.Files, o.Partly, o.Searched = nil, nil, len(written)
		for _, file := range written {
			o.keep(file, looks)
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

// databases are the files of declared services, which keep what they are given.
func databases(boot *bench.Boot) map[string]bool {
	own := map[string]bool{}
	for _, a := range boot.OfType(manifest.SQLite) {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			own[a.Path+suffix] = true
		}
	}
	return own
}

// look is what was written by the end of one round.
type look struct {
	sizes  map[string]int64
	newest map[string]bool // files that hold the nonce of the round's last request and no other
}

func lookAt(written []sandbox.Written, last int, sent bool) look {
	l := look{map[string]int64{}, map[string]bool{}}
	for _, file := range written {
		l.sizes[file.Path] = file.Size
		l.newest[file.Path] = sent && slices.Equal(file.Hits, []int{last})
	}
	return l
}

// keep keeps a file that holds nonces, or that grew with each round.
func (o *Observations) keep(file sandbox.Written, looks []look) {
	if file.Partial {
		o.Partly = append(o.Partly, file.Path)
	}
	growing, newest := len(looks) == rounds, len(looks) == rounds
	for i, l := range looks {
		newest = newest && l.newest[file.Path]
		if i > 0 {
			before, known := looks[i-1].sizes[file.Path]
			growing = growing && known && file.Kind != "dir" && l.sizes[file.Path] > before
		}
	}
	if len(file.Hits) > 0 || growing {
		o.Files = append(o.Files, File{
			Path: file.Path, Kind: file.Kind, Nonces: len(file.Hits), Newest: newest, Growing: growing && len(file.Hits) == 0, Bytes: file.Size,
		})
	}
}
