package logsyslog

import (
	"context"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
)

// load sends requests at a steady pace, or as fast as they are answered, and
// notes which of them were answered. Where these are fewer than the least, it
// lasts longer.
func (l loaded) load(ctx context.Context, requests *batch, lasts time.Duration, least int, answered map[int]bool) Load {
	var mu sync.Mutex
	var seen Load
	total, began := int(lasts.Seconds()*float64(l.perSecond)), time.Now()
	work := make(chan int)
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for i := range work {
				reply := l.client.To(ctx, l.process, l.request(requests.nonce(i), i))
				mu.Lock()
				seen.note(reply)
				if answered != nil && reply.Err == "" {
					answered[i] = true
				}
				mu.Unlock()
			}
		})
	}
	slowest := func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return seen.Slowest
	}
	for i := 0; i < total && ctx.Err() == nil; i++ {
		if over(time.Since(began), lasts, i, least, slowest()) {
			break
		}
		time.Sleep(time.Until(began.Add(time.Duration(i) * lasts / time.Duration(total))))
		work <- i
	}
	close(work)
	group.Wait()
	return seen
}

// over tells whether a load has lasted long enough. Where there were hardly any
// requests it goes on, unless they are blocked: more of them would tell no more.
func over(passed, lasts time.Duration, sent, least int, slowest float64) bool {
	switch {
	case passed > longest*lasts:
		return sent >= fewest || slowest > patience.Seconds()/2 || passed > farthest*lasts
	case passed > lasts:
		return sent >= least
	}
	return false
}

func (l *Load) note(reply bench.Reply) {
	l.Sent++
	l.Slowest = max(l.Slowest, reply.Duration.Seconds())
	if reply.Err != "" || reply.Status >= 500 {
		if l.Failed++; l.Failed == 1 {
			l.Failure = reply.Method + " " + reply.Target[:min(len(reply.Target), 60)] + ": " + reply.Outcome()
		}
	}
}

// request reads a page, or every other time one that is not there.
func (l loaded) request(nonce string, i int) bench.Request {
	target := withQuery(l.landing, "q="+nonce)
	if i%2 == 1 {
		target = "/" + nonce + "?q=" + nonce
	}
	return bench.Request{Method: "GET", Target: target + "&note=" + l.pad, Header: map[string]string{"X-Request-Id": nonce}, Within: patience}
}

// batch is many requests whose nonces can be found in one pass: a random word
// and a number. It counts the frames of each.
type batch struct {
	word      string
	number    *regexp.Regexp
	transport string
	next      int         // the first frame that was not looked at
	counts    map[int]int // frames by request
}

// batch begins a batch; frames that arrived earlier are not looked at.
func (l loaded) batch() *batch {
	word := l.boot.Random.Word(12)
	return &batch{
		word: word, number: batchNumber(word), transport: l.transport,
		next: len(l.boot.Syslog.Frames()), counts: map[int]int{},
	}
}

func batchNumber(word string) *regexp.Regexp { return regexp.MustCompile(word + `x([0-9]+)`) }

func (b *batch) nonce(i int) string { return b.word + "x" + strconv.Itoa(i) }

// take looks at the frames that are new and returns for how many requests any
// has arrived.
func (b *batch) take(frames []syslogsink.Frame) int {
	for ; b.next < len(frames); b.next++ {
		if frames[b.next].Transport != b.transport {
			continue
		}
		if m := b.number.FindSubmatch(frames[b.next].Raw); m != nil {
			if i, err := strconv.Atoi(string(m[1])); err == nil {
				b.counts[i]++
			}
		}
	}
	return len(b.counts)
}

// within is ctx with a time limit, released when that has passed.
func within(ctx context.Context, limit time.Duration) context.Context {
	limited, cancel := context.WithTimeout(ctx, limit)
	context.AfterFunc(limited, cancel)
	return limited
}
