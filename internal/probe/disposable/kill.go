package disposable

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

const (
	sessions = 3 // acknowledged before the kill
	dead     = time.Second
	// A start after a kill may take longer than the first one, but not by an order of magnitude.
	againLeast, againTimes = 10 * time.Second, 30
)

// kill ends every process of the application at once, right after the last
// session was acknowledged, and starts it again on what is left.
func kill(ctx context.Context, b *bench.Bench, stall bench.Stall) (Kill, error) {
	var k Kill
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return k, err
	}
	defer boot.Close()
	p, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return k, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := boot.Client(p)
	defer client.Close()
	nonces := make([]string, sessions)
	var replies []bench.Reply
	for i := range nonces {
		nonces[i] = boot.Random.Nonce()
		replies = client.Session(ctx, nonces[i])
	}
	look := lastLook(replies, nonces[sessions-1])
	if n := len(replies); n > 0 && look.Target != replies[n-1].Target {
		look = client.Revisit(ctx, look.Target, nonces[sessions-1]) // a note that is shown once must not count as lost
	}
	k.Before, k.Shown = shapeOfReplies(replies, nonces[sessions-1]), counts(look.Body, nonces)
	if stall.Kind == bench.StallDeclared {
		stall.Hold(ctx, p) // the kill meets it; a wait for it would give the application time to tidy up
		k.InFlight = 1
	}
	if err := killAll(ctx, boot, p); err != nil {
		return k, err
	}
	files, err := boot.Kept(ctx)
	if err != nil {
		return k, err
	}
	k.Stores = append(b.Stores(), files...)
	return k, k.again(ctx, b, boot, client, p.Ready.Sub(p.Started), look, nonces)
}

// lastLook is the last reply to a GET that shows a text, on a page whose path
// does not hold it if there is one: that may be an echo. Where none shows it,
// it is the last one.
func lastLook(replies []bench.Reply, text string) bench.Reply {
	look, worth := bench.Reply{Method: http.MethodGet, Target: "/"}, -1
	for _, reply := range replies {
		if reply.Method != http.MethodGet {
			continue
		}
		value := 0
		if strings.Contains(reply.Body, text) {
			value = 1
			if !strings.Contains(reply.Target, text) {
				value = 2
			}
		}
		if value >= worth {
			look, worth = reply, value
		}
	}
	return look
}

func shapeOfReplies(replies []bench.Reply, own string) Shape {
	s := Shape{Statuses: []int{}, Own: []int{}}
	for _, reply := range replies {
		status := reply.Status
		if reply.Err != "" {
			status = 0
		}
		s.Statuses, s.Own = append(s.Statuses, status), append(s.Own, strings.Count(reply.Body, own))
	}
	return s
}

func counts(text string, nonces []string) []int {
	list := make([]int, len(nonces))
	for i, nonce := range nonces {
		list[i] = strings.Count(text, nonce)
	}
	return list
}

// killAll ends the whole family at once, the started process first: nobody is
// left to clean up.
func killAll(ctx context.Context, boot *bench.Boot, p *bench.Process) error {
	family, err := p.Family(ctx)
	if err != nil {
		return err
	}
	if err := p.Kill(ctx); err != nil {
		return err
	}
	for _, info := range family {
		_ = boot.Sandbox().Signal(ctx, info.PID, syscall.SIGKILL) // most are gone with the group
	}
	gone(ctx, boot)
	return nil
}

// gone waits a moment until nothing of the application is left.
func gone(ctx context.Context, boot *bench.Boot) {
	for end := time.Now().Add(dead); time.Now().Before(end); {
		all, err := boot.Sandbox().Processes(ctx)
		if err != nil || !slices.ContainsFunc(all, func(info sandbox.ProcessInfo) bool { return info.State != "Z" }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// again starts the application in the same sandbox, on the same port, and
// looks for what it had acknowledged. First is how long the first start took.
func (k *Kill) again(ctx context.Context, b *bench.Bench, boot *bench.Boot, client *bench.Client, first time.Duration, look bench.Reply, nonces []string) error {
	p, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return err
	}
	limit := min(b.Manifest.Boot, max(againLeast, againTimes*first))
	if k.Restarted = await(ctx, p, limit); !k.Restarted {
		k.Exit, k.Tail = last(ctx, p)
		return ctx.Err()
	}
	moved := client.Moved(p)
	defer moved.Close()
	reply := moved.Revisit(ctx, look.Target, nonces[len(nonces)-1])
	k.Status, k.Still = reply.Status, counts(reply.Body, nonces)
	if reply.Err != "" {
		k.Status = 0
	}
	k.After = shape(ctx, b, p)
	return nil
}
