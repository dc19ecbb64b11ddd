package runner

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
)

const followAhead = 1024 // lines that one reader may be behind before it loses some

// memory keeps the last lines for roadworthy logs, in so many bytes. It is on
// no disk: an application's log belongs to whoever collects it. The lines are
// kept as they were written; they are made presentable when somebody reads.
type memory struct {
	to logs.Publisher // where the lines go on

	mu      sync.Mutex
	limit   int
	size    int      // of the blocks, in bytes
	blocks  []*block // the oldest first; all but the last are full
	spare   *block
	readers map[*reader]bool
}

// block is a run of lines, each behind its header. Its memory never moves.
type block struct {
	bytes   []byte
	sources []*logs.Source
}

// A header has the time in nanoseconds since 1970, the length of the text, the
// level and the number of the source within the block.
const (
	perLine   = 16
	blockSize = 32 << 10
)

type reader struct {
	want    LogQuery
	lines   chan LogLine
	dropped uint64
}

func newMemory(limit int, to logs.Publisher) *memory {
	return &memory{to: to, limit: limit, readers: map[*reader]bool{}}
}

// Publish keeps lines and hands them on.
func (m *memory) Publish(records []logs.Record) {
	m.keep(records)
	m.to.Publish(records)
}

func (m *memory) keep(records []logs.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range records {
		r := &records[i]
		m.add(r)
		for to := range m.readers {
			to.offer(r)
		}
	}
}

func (m *memory) add(r *logs.Record) {
	need := len(r.Text) + perLine
	if m.size += need; need > m.limit {
		m.blocks, m.size = nil, 0
		return
	}
	for len(m.blocks) > 0 && m.size-len(m.blocks[0].bytes) >= m.limit {
		m.dropFirst()
	}
	last := len(m.blocks) - 1
	if last < 0 || cap(m.blocks[last].bytes)-len(m.blocks[last].bytes) < need {
		m.blocks = append(m.blocks, m.newBlock(need))
		last++
	}
	m.blocks[last].add(r)
}

// dropFirst drops a whole block: lines that are too many within the oldest are
// passed over when somebody reads, which costs less than to touch each.
func (m *memory) dropFirst() {
	b := m.blocks[0]
	m.size -= len(b.bytes)
	if m.blocks = slices.Delete(m.blocks, 0, 1); cap(b.bytes) == blockSize {
		clear(b.sources)
		m.spare = &block{bytes: b.bytes[:0], sources: b.sources[:0]}
	}
}

func (m *memory) newBlock(least int) *block {
	if b := m.spare; b != nil && least <= blockSize {
		m.spare = nil
		return b
	}
	return &block{bytes: make([]byte, 0, max(least, blockSize))}
}

func (b *block) add(r *logs.Record) {
	source := len(b.sources) - 1
	for source >= 0 && b.sources[source] != r.Source {
		source--
	}
	if source < 0 {
		source = len(b.sources)
		b.sources = append(b.sources, r.Source)
	}
	level := uint16(int16(max(math.MinInt16, min(math.MaxInt16, r.Level))))
	b.bytes = binary.LittleEndian.AppendUint64(b.bytes, uint64(r.Time.UnixNano()))
	b.bytes = binary.LittleEndian.AppendUint64(b.bytes, uint64(uint32(len(r.Text)))|uint64(level)<<32|uint64(uint16(source))<<48)
	b.bytes = append(b.bytes, r.Text...)
}

// length is how many bytes the line at a place takes.
func (b *block) length(at int) int {
	return perLine + int(binary.LittleEndian.Uint32(b.bytes[at+8:]))
}

// record reads the line at a place; its text is that of the block.
func (b *block) record(at int) logs.Record {
	nano, rest := binary.LittleEndian.Uint64(b.bytes[at:]), binary.LittleEndian.Uint64(b.bytes[at+8:])
	return logs.Record{
		Time: time.Unix(0, int64(nano)).UTC(), Source: b.sources[rest>>48], Level: slog.Level(int16(rest >> 32)),
		Text: b.bytes[at+perLine : at+b.length(at)],
	}
}

// newLine makes a record presentable.
func newLine(r *logs.Record) LogLine {
	return LogLine{Time: r.Time, Worker: r.Source.Name(), Level: LevelName(r.Level), Text: strings.ToValidUTF8(string(r.Text), "\uFFFD")}
}

func (r *reader) offer(record *logs.Record) {
	if !r.want.fits(record) {
		return
	}
	line := newLine(record)
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
	r := &reader{want: want, lines: make(chan LogLine, followAhead)}
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
	for i := range slices.Backward(past) {
		if err := line(newLine(&past[i])); err != nil {
			return err
		}
	}
	for want.Follow {
		select {
		case l := <-r.lines:
			if err := line(l); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// past copies the wanted lines that are kept, the newest first.
func (m *memory) past(want LogQuery) []logs.Record {
	var list []logs.Record
	var starts []int
	size := 0
	for _, b := range slices.Backward(m.blocks) {
		starts = starts[:0]
		for at := 0; at < len(b.bytes); at += b.length(at) {
			starts = append(starts, at)
		}
		for _, at := range slices.Backward(starts) {
			if size += b.length(at); size > m.limit || len(list) == want.Last && want.Last >= 0 {
				return list
			}
			if r := b.record(at); want.fits(&r) {
				r.Text = slices.Clone(r.Text)
				list = append(list, r)
			}
		}
	}
	return list
}

func (q LogQuery) fits(r *logs.Record) bool {
	level, err := ParseLevel(LevelName(r.Level))
	if err != nil || level < q.Level {
		return false
	}
	name := r.Source.Name()
	return q.Process == "" || name == q.Process || strings.HasPrefix(name, q.Process+".")
}

// snapshot copies the lines, for another image of this program.
func (m *memory) snapshot() []LogLine {
	m.mu.Lock()
	past := m.past(LogQuery{Last: -1, Level: everything})
	m.mu.Unlock()
	lines := make([]LogLine, 0, len(past))
	for i := range slices.Backward(past) {
		lines = append(lines, newLine(&past[i]))
	}
	return lines
}

// restore takes the lines of another image, before there are any.
func (m *memory) restore(lines []LogLine) {
	sources := map[string]*logs.Source{}
	for _, line := range lines {
		if sources[line.Worker] == nil {
			sources[line.Worker] = &logs.Source{Type: line.Worker}
		}
		level, _ := ParseLevel(line.Level) // INFO, where an image had other names
		m.keep([]logs.Record{{Time: line.Time, Source: sources[line.Worker], Level: level, Text: []byte(line.Text)}})
	}
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

// last returns the last lines of a process, the long ones cut at their end.
func (t *tails) last(id string, n int) []string {
	t.mu.Lock()
	of := t.list[id]
	t.mu.Unlock()
	if of == nil {
		return nil
	}
	of.mu.Lock()
	kept := strings.ToValidUTF8(string(endOf(of.bytes, keptTail)), "\uFFFD")
	of.mu.Unlock()
	lines := strings.Split(strings.TrimSuffix(kept, "\n"), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = cutLine(line)
	}
	return lines
}

// cutLine cuts a long line. The ellipsis is more than a courtesy: by it error
// mail knows that a secret may have been torn there.
func cutLine(line string) string {
	if len(line) <= tailLine {
		return line
	}
	return strings.ToValidUTF8(line[:tailLine], "") + "…"
}

// endOf is the end of a text, of so many bytes at most. Where that is not all
// of it, it begins with a whole line: a torn one may begin with half a secret,
// which error mail would not know.
func endOf(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	_, whole, _ := bytes.Cut(text[len(text)-limit:], []byte{'\n'})
	return whole
}

// note copies the records; nothing else is done on the way of the log.
func (t *tail) note(records []logs.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		t.bytes = append(append(t.bytes, endOf(r.Text, keptTail)...), '\n')
		if len(t.bytes) > 2*keptTail {
			t.bytes = t.bytes[:copy(t.bytes, endOf(t.bytes, keptTail))]
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
