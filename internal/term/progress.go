package term

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	redraw     = 100 * time.Millisecond // at most ten times a second
	slowAfter  = 30 * time.Second       // when a pipe is told that an item still runs
	shownItems = 6                      // running items that are shown by name
)

// Progress shows how far a run has come. On a live terminal that is one bar
// with the running items beneath it, redrawn in place; otherwise one counter
// line per finished item, and a line for an item that takes long.
//
// It owns one goroutine, which ends with Close or with its context; both leave
// no trace of the bar. Its methods are safe for several goroutines.
type Progress struct {
	terminal *Terminal
	now      func() time.Time
	began    time.Time
	total    int
	cancel   context.CancelFunc
	ended    chan struct{}

	mu      sync.Mutex
	running []runningItem
	counts  map[standard.Outcome]int
	done    int
	drawn   []string // lines on the screen, without styles
	frame   string   // bytes that drew them
	closed  bool
}

type runningItem struct {
	name  string
	since time.Time
	tell  time.Duration // age at which a pipe is told of it
}

// NewProgress begins to show total items. End it with Close; when ctx ends
// first, as on an interrupt, the bar is taken off the screen at once.
func NewProgress(ctx context.Context, t *Terminal, total int, now func() time.Time) *Progress {
	ctx, cancel := context.WithCancel(ctx)
	p := &Progress{
		terminal: t, now: now, began: now(), total: total, cancel: cancel,
		ended: make(chan struct{}), counts: map[standard.Outcome]int{},
	}
	go p.loop(ctx)
	return p
}

// Start says that an item runs now.
func (p *Progress) Start(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, runningItem{p.terminal.Line(name), p.now(), slowAfter})
}

// Finish says that an item has ended, and how.
func (p *Progress) Finish(name string, outcome standard.Outcome, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name = p.terminal.Line(name)
	if i := slices.IndexFunc(p.running, func(r runningItem) bool { return r.name == name }); i >= 0 {
		p.running = slices.Delete(p.running, i, i+1)
	}
	p.done++
	p.counts[outcome]++
	if p.terminal.live || p.closed {
		return
	}
	mark := MarkOf(outcome)
	fmt.Fprintf(p.terminal, "[%*d/%d] %s  %s  (%s)\n", len(fmt.Sprint(p.total)), p.done, p.total,
		p.terminal.Paint(mark.Style, mark.Word), name, Duration(took))
}

// Print writes a block of lines, which must be clean, above the bar.
func (p *Progress) Print(block string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !strings.HasSuffix(block, "\n") {
		block += "\n"
	}
	erase := p.erase()
	p.drawn, p.frame = nil, ""
	fmt.Fprint(p.terminal, erase+block)
	p.draw()
}

// Running names the items that run now, each with its age in seconds.
func (p *Progress) Running() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, len(p.running))
	for i, item := range p.running {
		names[i] = item.name + " " + wholeSeconds(p.now().Sub(item.since))
	}
	return names
}

// Close takes the bar off the screen and waits for the drawing to end. It may
// be called more than once.
func (p *Progress) Close() {
	p.cancel()
	<-p.ended
}

func (p *Progress) loop(ctx context.Context) {
	defer close(p.ended)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			p.clear()
			return
		case <-ticker.C:
			p.tick()
		}
	}
}

func (p *Progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal.live {
		p.draw()
		return
	}
	for i := range p.running {
		item := &p.running[i]
		if age := p.now().Sub(item.since); age >= item.tell {
			fmt.Fprintf(p.terminal, "still running: %s  (%s)\n", item.name, wholeSeconds(age))
			item.tell *= 2
		}
	}
}

func (p *Progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if erase := p.erase(); erase != "" {
		fmt.Fprint(p.terminal, erase)
	}
	p.drawn, p.closed = nil, true
}

// erase returns what takes the drawn lines off the screen. A window that was
// made narrower since has broken them, so rows are counted at today's width.
func (p *Progress) erase() string {
	if len(p.drawn) == 0 {
		return ""
	}
	rows, width := 0, p.terminal.Width()
	for _, line := range p.drawn {
		rows += max((Width(line)+width-1)/width, 1)
	}
	return fmt.Sprintf("\x1b[%dA\r\x1b[J", rows)
}

// draw brings the screen up to date in one write, so that nothing flickers,
// and writes nothing where nothing changed.
func (p *Progress) draw() {
	if !p.terminal.live || p.closed {
		return
	}
	plain, painted := p.lines()
	frame := strings.Join(painted, "\x1b[K\n") + "\x1b[K\n"
	if frame == p.frame {
		return
	}
	up := ""
	if len(p.drawn) > 0 {
		up = strings.TrimSuffix(p.erase(), "\x1b[J")
	}
	fmt.Fprint(p.terminal, up+frame+"\x1b[J")
	p.drawn, p.frame = plain, frame
}
