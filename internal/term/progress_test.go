package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// screen is a terminal of the few sequences that progress uses; any other
// escape is an error.
type screen struct {
	mu     sync.Mutex
	lines  []string
	row    int
	writes int
	err    error
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for text := string(p); text != ""; {
		text = s.step(text)
	}
	return len(p), nil
}

func (s *screen) step(text string) string {
	for s.row >= len(s.lines) {
		s.lines = append(s.lines, "")
	}
	var up int
	switch {
	case strings.HasPrefix(text, "\x1b[K"):
		return text[3:]
	case strings.HasPrefix(text, "\x1b[J"):
		s.lines = s.lines[:s.row]
		return text[3:]
	case text[0] == '\r':
		return text[1:]
	case text[0] == '\n':
		s.row++
		return text[1:]
	case text[0] == '\x1b':
		if _, err := fmt.Sscanf(text, "\x1b[%dA", &up); err != nil || up > s.row {
			s.err = fmt.Errorf("unexpected sequence %q at row %d", text[:min(len(text), 10)], s.row)
			return ""
		}
		s.row -= up
		return text[strings.IndexByte(text, 'A')+1:]
	}
	end := strings.IndexAny(text, "\x1b\r\n")
	if end < 0 {
		end = len(text)
	}
	s.lines[s.row] = text[:end] // progress always writes whole lines
	return text[end:]
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func (s *screen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func live(s *screen, width *int) *Terminal {
	return &Terminal{out: s, utf8: true, live: true, size: func() (int, bool) { return *width, true }}
}

func TestALiveBarShowsWhatRunsAndLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, width := &screen{}, 60
		p := NewProgress(context.Background(), live(s, &width), 20, time.Now)
		p.Start("log.syslog")
		p.Start("workers")
		time.Sleep(4100 * time.Millisecond)
		p.Finish("workers", standard.Fail, 4*time.Second)
		p.Print("◆ workers failed")
		time.Sleep(time.Second)
		want := "◆ workers failed\n━───────────────────────  1/20  1 failed  5s\n  log.syslog       5s"
		if got := s.text(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		p.Close()
		p.Close()
		if got := strings.TrimSpace(s.text()); got != "◆ workers failed" || s.err != nil {
			t.Errorf("left behind: %q, %v", got, s.err)
		}
	})
}

func TestTheBarIsRedrawnAtMostTenTimesASecondAndOnlyWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, width := &screen{}, 60
		p := NewProgress(context.Background(), live(s, &width), 1000, time.Now)
		for i := range 500 { // 500 events in half a second
			p.Start(fmt.Sprint(i))
			p.Finish(fmt.Sprint(i), standard.Pass, time.Millisecond)
			time.Sleep(time.Millisecond)
		}
		busy := s.count()
		time.Sleep(3 * time.Second)
		if idle := s.count() - busy; busy > 6 || idle > 4 {
			t.Errorf("%d writes while busy, %d while idle", busy, idle)
		}
		p.Close()
	})
}

func TestAnInterruptTakesTheBarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, width := &screen{}, 60
		ctx, cancel := context.WithCancelCause(context.Background())
		p := NewProgress(ctx, live(s, &width), 3, time.Now)
		p.Start("workers")
		time.Sleep(time.Second)
		if s.text() == "" {
			t.Fatal("no bar was drawn")
		}
		cancel(errors.New("interrupted"))
		synctest.Wait()
		p.Start("late")
		if got := strings.TrimSpace(s.text()); got != "" {
			t.Errorf("left behind: %q", got)
		}
		p.Close()
	})
}

func TestANarrowerWindowIsStillErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		width := 60
		terminal := &Terminal{out: &out, utf8: true, live: true, size: func() (int, bool) { return width, true }}
		p := NewProgress(context.Background(), terminal, 3, time.Now)
		p.Start("workers")
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		out.Reset()
		width = 20 // the bar of 33 columns and the item of 21 now take two rows each
		p.Close()
		if got := out.String(); got != "\x1b[4A\r\x1b[J" {
			t.Errorf("got %q, want four rows up", got)
		}
	})
}

func TestAPipeGetsOneCounterLinePerItemAndWordOfSlowOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(context.Background(), Fixed(&out, 80, false, true), 20, time.Now)
		p.Start("log.stdout")
		p.Finish("log.stdout", standard.Pass, 1200*time.Millisecond)
		p.Start("wor\x1bkers")
		if got := p.Running(); len(got) != 1 || got[0] != `wor\x1bkers 0s` {
			t.Errorf("running: %q", got)
		}
		time.Sleep(70*time.Second + time.Millisecond)
		p.Finish("wor\x1bkers", standard.Unknown, 70*time.Second)
		p.Close()
		want := "[ 1/20] ok  log.stdout  (1.2s)\n" +
			"still running: wor\\x1bkers  (30s)\n" +
			"still running: wor\\x1bkers  (1m00s)\n" +
			"[ 2/20] not proven  wor\\x1bkers  (1m10s)\n"
		if got := out.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestDurationsReadWell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 300 * time.Microsecond: "0.3ms", 85 * time.Millisecond: "85ms", 1234 * time.Millisecond: "1.2s",
		48 * time.Second: "48s", 185 * time.Second: "3m05s", 2*time.Hour + 3*time.Minute: "2h03m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}
