package disposable

import (
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

// TestCountOpenEnd: a body that ends with its connection alone is whole only
// if it is about as long as usual.
func TestCountOpenEnd(t *testing.T) {
	sent := time.Now()
	wire := &bench.Wire{Local: "a"}
	one := func(done time.Duration, body string) *shot {
		return &shot{wire: wire, written: sent.Add(-time.Second), done: sent.Add(done), reply: bench.Reply{Status: 200, Body: body, Open: true}}
	}
	held := func(body string) *bench.Held {
		h := &bench.Held{Wire: wire, Done: make(chan struct{})}
		h.Reply = bench.Reply{Status: 200, Body: body, Open: true, Started: sent, Duration: time.Second}
		close(h.Done)
		return h
	}
	l := &load{shots: []*shot{
		one(-time.Millisecond, "a page"), one(-time.Millisecond, "a page"), one(time.Millisecond, "a page"), one(time.Millisecond, ""),
	}}
	var got Term
	stall := bench.Stall{Status: 200, Size: 20, Normal: 200}
	got.count(l, stall, []*bench.Held{held("twenty bytes of text"), held("twenty")}, sent, map[string]bool{"a": true})
	if got.Fast.Answered != 3 || got.Fast.Lost != 1 {
		t.Errorf("ordinary: %+v", got.Fast)
	}
	if got.Slow.Answered != 1 || got.Slow.Lost != 1 {
		t.Errorf("slow: %+v", got.Slow)
	}
}
