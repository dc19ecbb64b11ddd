package logs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// burst feeds 100 MB/s for three seconds to a router one of whose sinks is dead,
// with a line of 1 MiB now and then, and prints its peak memory.
func burst() {
	dead := Func(func(ctx context.Context, _ []Record) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
	null, _ := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	r := NewRouter(WallClock{}, Outlet{Name: "dead", Sink: dead}, Outlet{Name: "stdout", Sink: NewWriter(null, false)})
	read, write, _ := NewPipe()
	ended := make(chan struct{})
	go func() {
		_ = NewCapture(read, Source{Type: "web", Slot: 1}, r, CaptureOptions{Grouping: newIndented}).Run(context.Background())
		close(ended)
	}()
	piece := []byte(strings.Repeat(strings.Repeat("x", 131)+"\n", 8000)) // about 1 MiB
	long := append(bytes.Repeat([]byte("y"), 1<<20), '\n')
	sent, start := 0, time.Now()
	for i := 0; time.Since(start) < 3*time.Second; i++ {
		p := piece
		if i%10 == 9 {
			p = long
		}
		n, _ := write.Write(p)
		sent += n
		if ahead := time.Duration(sent)*time.Second/(100<<20) - time.Since(start); ahead > 0 {
			time.Sleep(ahead)
		}
	}
	rate := float64(sent) / time.Since(start).Seconds() / (1 << 20)
	_ = write.Close()
	<-ended
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_ = r.Close(ctx)
	s := r.Stats()
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kib int
	_, _ = fmt.Sscan(peak, &kib)
	fmt.Printf("%d %.0f %d %d %d\n", kib, rate, s.Lines, s.Outlets[0].Dropped.Lines, s.Outlets[1].Written.Lines+s.Outlets[1].Dropped.Lines)
}

func TestABurstWithADeadSinkStaysSmall(t *testing.T) {
	out, err := startChild(t, "burst").Output()
	if err != nil {
		t.Fatal(err)
	}
	var kib, lines, dropped, other int
	var rate float64
	if _, err := fmt.Sscan(string(out), &kib, &rate, &lines, &dropped, &other); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	limit := 64 << 10
	if raceEnabled {
		limit *= 6 // the detector's own memory
	}
	t.Logf("peak %d KiB at %.0f MiB/s, %d lines", kib, rate, lines)
	if kib > limit {
		t.Errorf("peak memory %d KiB, want at most %d", kib, limit)
	}
	if lines == 0 || dropped != lines || other != lines {
		t.Errorf("%d lines, %d counted as lost by the dead sink, %d accounted for by the other", lines, dropped, other)
	}
}
