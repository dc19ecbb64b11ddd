// Package logs carries the lines of worker processes from their pipes to the
// sinks of the runtime.
//
// The way of a line: a [Capture] reads one pipe and cuts it into lines; a
// [Grouping], where there is one, joins the lines of a stack trace; [FindLevel]
// reads the level; what comes out is a [Record]. The [Router] copies records
// into one bounded ring per sink, and one goroutine per sink writes them:
// [Writer] to stdout, [Archive] to a folder that [Follow] reads from another
// process, [Func] to whatever else. [Handler] puts the runtime's own records on
// the same way.
//
// The invariant: a sink never slows an application, unless its policy is
// [Block], or [BlockWhileFlowing] and the sink takes something; and what does
// not reach a sink is counted to the line. Text stays byte-exact from the pipe
// to the sink: nothing is re-coded, trimmed or escaped on the way.
//
// The room knows no network, no mail and no traces: the runner hands those in.
// It starts no process and logs nothing about itself. Read next: capture.go,
// then ring.go, then internal/syslog.
package logs

import (
	"log/slog"
	"strconv"
	"time"
)

// Stream is where a record came from within its process.
type Stream uint8

// The streams of a process. Own is for records that the runtime itself makes.
const (
	Stdout Stream = iota
	Stderr
	Own
)

// String returns "stdout", "stderr" or "own".
func (s Stream) String() string {
	return [...]string{"stdout", "stderr", "own"}[min(s, Own)]
}

// Levels beside those of log/slog.
const (
	LevelTrace  = slog.LevelDebug - 4
	LevelNotice = slog.LevelInfo + 2
	LevelFatal  = slog.LevelError + 4 // critical, alert, emergency, fatal and panic alike
)

// Source names the process and the stream that wrote a record.
type Source struct {
	Type       string // of the process, such as "web"; no spaces
	Slot       int    // from 1; 0 for the runtime itself
	Generation int    // counts the starts of the set of workers, from 1
	PID        int
	Stream     Stream
}

// Name returns TYPE.SLOT, or TYPE alone where there is no slot.
func (s Source) Name() string {
	if s.Slot == 0 {
		return s.Type
	}
	return s.Type + "." + strconv.Itoa(s.Slot)
}

// assumed is the level of a line that states none.
func (s Source) assumed() slog.Level {
	if s.Stream == Stderr {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Record is one line, one whole stack trace, or one part of a line that is
// longer than the capture allows.
//
// Text is valid only until the function that got the record returns; whoever
// keeps a record copies it.
type Record struct {
	Time      time.Time // when its first byte was read, UTC
	Source    *Source   // never nil, never changed after its first record
	Text      []byte    // as written, without the final newline; a carriage return stays
	Level     slog.Level
	Found     bool   // the text states the level; otherwise it is assumed from the stream
	Open      bool   // no newline followed: a part that goes on, or the end of the stream
	Part      uint32 // 0 for a whole line, else the number of the part from 1
	Lines     uint32 // newlines that Text and its end stand for, at least 1; 0 for all parts but the last
	Language  string // of a stack trace, as internal/trace names it; "" for ordinary lines
	RequestID string // as the text states it; "" where it does not
}

// perRecord is what a record costs in a ring beside its text, in bytes.
const perRecord = 128

// Publisher takes records. They are valid until Publish returns. The [Router]
// is one.
type Publisher interface {
	Publish(records []Record)
}
