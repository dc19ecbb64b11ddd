package runner

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
)

const followAhead = 1024 // lines that one reader may be behind before it loses some

// memory keeps the last lines for roadworthy logs, in so many bytes. It is on
// no disk: an application's log belongs to whoever collects it.
type memory struct {
	mu      sync.Mutex
	limit   int
	size    int
	lines   []LogLine
	gone    int // of lines, at its front
	readers map[*reader]bool
}

type reader struct {
	lines   chan LogLine
	dropped uint64
}

func newMemory(limit int) *memory { return &memory{limit: limit, readers: map[*reader]bool{}} }

const perLine = 100 // bytes that a line costs beside its text

// write is the sink.
func (m *memory) write(_ context.Context, records []logs.Record) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		line := LogLine{Time: r.Time, Worker: r.Source.Name(), Level: LevelName(r.Level), Text: strings.ToValidUTF8(string(r.Text), "\uFFFD")}
		m.lines = append(m.lines, line)
		m.size += len(line.Text) + perLine
		for to := range m.readers {
			to.offer(line)
		}
	}
	for m.size > m.limit && m.gone < len(m.lines) {
		m.size -= len(m.lines[m.gone].Text) + perLine
		m.lines[m.gone] = LogLine{}
		m.gone++
	}
	if m.gone > len(m.lines)/2 { // not each time: all the others move
		m.lines, m.gone = slices.Delete(m.lines, 0, m.gone), 0
	}
	return len(records), nil
}

func (r *reader) offer(line LogLine) {
	line.Dropped = r.dropped
	select {
	case r.lines <- line:
		r.dropped = 0
	default:
		r.dropped++
	}
}

// read gives the wanted lines, those of the past first.
func (m *memory) read(ctx context.Context, want LogQuery, line func(LogLine) error) error {
	r := &reader{lines: make(chan LogLine, followAhead)}
	m.mu.Lock()
	past := m.past(want)
	if want.Follow {
		m.readers[r] = true
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.readers, r)
		m.mu.Unlock()
	}()
	for _, l := range slices.Backward(past) {
		if err := line(l); err != nil {
			return err
		}
	}
	for want.Follow {
		select {
		case l := <-r.lines:
			if want.fits(l) {
				if err := line(l); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// past lists the wanted lines that are kept, the newest first.
func (m *memory) past(want LogQuery) []LogLine {
	var list []LogLine
	for _, l := range slices.Backward(m.lines[m.gone:]) {
		if len(list) == want.Last && want.Last >= 0 {
			break
		}
		if want.fits(l) {
			list = append(list, l)
		}
	}
	return list
}

func (q LogQuery) fits(l LogLine) bool {
	level, err := ParseLevel(l.Level)
	return err == nil && level >= q.Level && (q.Process == "" || l.Worker == q.Process || strings.HasPrefix(l.Worker, q.Process+"."))
}

// tails keeps the last lines of each process, for what is told when one fails.
type tails struct {
	mu   sync.Mutex
	list map[string]*tail
}

// tail is the last bytes of one process.
type tail struct {
	mu    sync.Mutex
	bytes []byte
}

// keptTail is how many bytes are kept: a stack dump of some thousand lines.
const keptTail, tailLine = 512 << 10, 500

func (t *tails) open(id string) *tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.list == nil {
		t.list = map[string]*tail{}
	}
	t.list[id] = &tail{}
	return t.list[id]
}

func (t *tails) close(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.list, id)
}

// last returns the last lines of a process.
func (t *tails) last(id string, n int) []string {
	t.mu.Lock()
	of := t.list[id]
	t.mu.Unlock()
	if of == nil {
		return nil
	}
	of.mu.Lock()
	kept := strings.ToValidUTF8(string(of.bytes[max(0, len(of.bytes)-keptTail):]), "\uFFFD")
	of.mu.Unlock()
	lines := strings.Split(strings.TrimSuffix(kept, "\n"), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = line[:min(len(line), tailLine)]
	}
	return lines
}

// note copies the records; nothing else is done on the way of the log.
func (t *tail) note(records []logs.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		t.bytes = append(append(t.bytes, r.Text[max(0, len(r.Text)-keptTail):]...), '\n')
		if len(t.bytes) > 2*keptTail {
			t.bytes = t.bytes[:copy(t.bytes, t.bytes[len(t.bytes)-keptTail:])]
		}
	}
}

// tap gives the lines of one process to its tail on their way.
type tap struct {
	to   logs.Publisher
	tail *tail
}

// Publish hands the records on.
func (t tap) Publish(records []logs.Record) {
	t.tail.note(records)
	t.to.Publish(records)
}
