package logs

import (
	"strconv"
	"strings"
	"time"
)

// The form of a segment, version 1. It is text, so that other tools can read it,
// with lengths, so that any bytes can stand in it:
//
//	roadworthy-log 1 FIRST\n                           the number of its first record
//	S ID TYPE SLOT GENERATION PID STREAM\n             a source, before its first record
//	R TIME ID LEVEL LENGTH[ KEY=VALUE]...\nTEXT\n      a record
//
// TIME has microseconds, LEVEL is that of log/slog. The keys: f=1 the text
// states its level, o=1 no newline followed, n lines where they are not 1, p
// part, g language, r request id in Go's quotes. A reader passes over keys that
// it does not know.
const (
	segmentMagic = "roadworthy-log 1 "
	timeForm     = "2006-01-02T15:04:05.000000Z"
)

// encoder makes the bytes of one segment.
type encoder struct {
	buf   []byte
	size  int // of the segment so far
	ids   map[*Source]int
	last  *Source
	id    int
	time  time.Time
	stamp []byte
}

// begin starts a segment whose first record has a number.
func (e *encoder) begin(first uint64) {
	e.ids, e.last = map[*Source]int{}, nil
	e.buf = append(e.buf[:0], segmentMagic...)
	e.buf = strconv.AppendUint(e.buf, first, 10)
	e.buf = append(e.buf, '\n')
}

func (e *encoder) add(r *Record) {
	e.source(r.Source)
	if !r.Time.Equal(e.time) || e.stamp == nil {
		e.time = r.Time
		e.stamp = r.Time.UTC().AppendFormat(e.stamp[:0], timeForm)
	}
	b := append(e.buf, 'R', ' ')
	b = append(b, e.stamp...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.id), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(r.Level), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(r.Text)), 10)
	if r.Found {
		b = append(b, " f=1"...)
	}
	if r.Open || r.Lines != 1 || r.Part != 0 || r.Language != "" || r.RequestID != "" {
		b = rareKeys(b, r)
	}
	b = append(b, '\n')
	b = append(b, r.Text...)
	e.buf = append(b, '\n')
}

func rareKeys(b []byte, r *Record) []byte {
	if r.Open {
		b = append(b, " o=1"...)
	}
	if r.Lines != 1 {
		b = strconv.AppendUint(append(b, " n="...), uint64(r.Lines), 10)
	}
	if r.Part != 0 {
		b = strconv.AppendUint(append(b, " p="...), uint64(r.Part), 10)
	}
	if r.Language != "" {
		b = append(append(b, " g="...), oneWord(r.Language)...)
	}
	if r.RequestID != "" {
		b = append(append(b, " r="...), strconv.Quote(strings.ReplaceAll(r.RequestID, " ", "_"))...)
	}
	return b
}

// source makes sure that the segment knows a source.
func (e *encoder) source(s *Source) {
	if s == e.last {
		return
	}
	id, ok := e.ids[s]
	if !ok {
		id = len(e.ids) + 1
		e.ids[s] = id
		e.buf = append(e.buf, 'S')
		for _, word := range []string{
			strconv.Itoa(id), oneWord(s.Type), strconv.Itoa(s.Slot), strconv.Itoa(s.Generation), strconv.Itoa(s.PID), strconv.Itoa(int(s.Stream)),
		} {
			e.buf = append(append(e.buf, ' '), word...)
		}
		e.buf = append(e.buf, '\n')
	}
	e.last, e.id = s, id
}

// oneWord makes a name fit between blanks.
func oneWord(name string) string {
	if name == "" {
		return "_"
	}
	return strings.Map(func(c rune) rune {
		if c <= ' ' || c == 0x7f {
			return '_'
		}
		return c
	}, name)
}
