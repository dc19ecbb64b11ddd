package logs

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Writer is a sink that writes text to one stream, such as the runtime's own
// stdout: byte for byte as the processes wrote it, or with a prefix on each
// line. Where a record has no newline at its end and another source follows, it
// adds one, so that no line is ever made of two.
//
// Where the stream has a SetWriteDeadline, as pipes and connections have, a
// write ends with its context; otherwise it ends when the stream takes it.
type Writer struct {
	to     io.Writer
	prefix bool
	buf    []byte
	ends   []int   // in buf, of each record
	rest   []byte  // of a record that was written in part
	open   *Source // whose record ended without a newline
	head   head
}

// head is what stands before each line of one source at one time: records that
// were read at once share it.
type head struct {
	source *Source
	at     time.Time
	text   []byte
	second int64 // Unix time of the seconds in text
	digits int   // where in text those behind the second are
}

// NewWriter returns a sink. With prefix, each line begins with its time, its
// process and a bar: "2024-01-02T15:04:05.000000Z web.1 | ".
func NewWriter(to io.Writer, prefix bool) *Writer { return &Writer{to: to, prefix: prefix} }

type deadliner interface{ SetWriteDeadline(t time.Time) error }

// Write writes records in one piece. A record that was cut off counts as taken,
// and its rest is written before anything else.
func (w *Writer) Write(ctx context.Context, records []Record) (int, error) {
	if d, ok := w.to.(deadliner); ok {
		stop := context.AfterFunc(ctx, func() { _ = d.SetWriteDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	if len(w.rest) > 0 {
		n, err := w.to.Write(w.rest)
		w.rest = w.rest[:copy(w.rest, w.rest[n:])]
		if err != nil {
			return 0, err
		}
	}
	last := w.open
	w.buf, w.ends = w.buf[:0], w.ends[:0]
	for i := range records {
		last = w.append(&records[i], last)
		w.ends = append(w.ends, len(w.buf))
	}
	n, err := w.to.Write(w.buf)
	if err == nil {
		w.open = last
		return len(records), nil
	}
	return w.torn(records, n), err
}

// torn keeps the rest of a record that was written in part.
func (w *Writer) torn(records []Record, n int) int {
	taken := 0
	for taken < len(w.ends) && w.ends[taken] <= n {
		taken++
	}
	if taken < len(w.ends) && n > 0 && (taken == 0 || w.ends[taken-1] < n) {
		w.rest = append(w.rest[:0], w.buf[n:w.ends[taken]]...)
		taken++
	}
	if taken > 0 {
		w.open = nil
		if records[taken-1].Open {
			w.open = records[taken-1].Source
		}
	}
	return taken
}

// append adds one record, and returns its source where it stays open.
func (w *Writer) append(r *Record, last *Source) *Source {
	goesOn := last == r.Source && r.Part > 1
	if last != nil && last != r.Source {
		w.buf = append(w.buf, '\n')
	}
	if w.prefix {
		w.prefixed(r, goesOn)
	} else {
		w.buf = append(w.buf, r.Text...)
	}
	if r.Open {
		return r.Source
	}
	w.buf = append(w.buf, '\n')
	return nil
}

func (w *Writer) prefixed(r *Record, goesOn bool) {
	head := w.head.of(r)
	for text, more := r.Text, true; more; goesOn = false {
		var line []byte
		line, text, more = bytes.Cut(text, newline)
		if !goesOn {
			w.buf = append(w.buf, head...)
		}
		w.buf = append(w.buf, line...)
		if more {
			w.buf = append(w.buf, '\n')
		}
	}
}

// of returns the head of a record. What is the same as in the record before is
// not made again.
func (h *head) of(r *Record) []byte {
	same := r.Source == h.source
	if same && r.Time.Equal(h.at) {
		return h.text
	}
	if second := r.Time.Unix(); !same || second != h.second {
		h.text = r.Time.AppendFormat(h.text[:0], timeForm)
		h.digits = len(h.text) - len("000000Z")
		h.text = append(append(append(h.text, ' '), r.Source.Name()...), " | "...)
		h.source, h.second = r.Source, second
	} else {
		rest := r.Time.Nanosecond() / 1000
		for i := h.digits + 5; i >= h.digits; i-- {
			h.text[i] = byte('0' + rest%10)
			rest /= 10
		}
	}
	h.at = r.Time
	return h.text
}
