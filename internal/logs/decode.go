package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"
)

// Bounds of what a reader believes.
const (
	maxHeader = 4 << 10
	maxText   = 256 << 20
	largeText = 2 << 20 // from here on the file must be that long
)

// segment reads one file of an archive, also while it is being written.
type segment struct {
	file    *os.File
	in      *bufio.Reader
	offset  int64 // of the first byte that was not understood yet
	first   uint64
	begun   bool
	sources map[string]*Source
	stamp   string
	time    time.Time
}

// openSegment reads the first line of a segment, where there is one already.
func openSegment(folder string, number uint64) (*segment, error) {
	file, err := os.Open(segmentPath(folder, number))
	if err != nil {
		return nil, err
	}
	s := &segment{file: file, in: bufio.NewReaderSize(file, 64<<10), sources: map[string]*Source{}}
	if err := s.begin(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *segment) close() { _ = s.file.Close() }

// errTorn says that a segment ends in the middle of something, so far.
var errTorn = errors.New("torn")

// begin reads the first line. A file without one counts as empty.
func (s *segment) begin() error {
	line, err := s.line()
	if errors.Is(err, errTorn) {
		return s.back()
	}
	if err != nil {
		return err
	}
	number, ok := bytes.CutPrefix(line, []byte(segmentMagic))
	if !ok {
		return fmt.Errorf("%s is no log segment of this version", s.file.Name())
	}
	if s.first, err = strconv.ParseUint(string(number), 10, 64); err != nil {
		return fmt.Errorf("read the first line of %s: %w", s.file.Name(), err)
	}
	s.offset += int64(len(line)) + 1
	s.begun = true
	return nil
}

// line returns a line without its newline, valid until the next read.
func (s *segment) line() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
		return nil, errTorn
	}
	return nil, err
}

// back returns to what was not understood, for there may be more of it later.
func (s *segment) back() error {
	if _, err := s.file.Seek(s.offset, io.SeekStart); err != nil {
		return err
	}
	s.in.Reset(s.file)
	return nil
}

// next returns the next record, with memory of its own; ok is false where the
// segment has no further whole record at this time.
func (s *segment) next() (r Record, ok bool, err error) {
	if !s.begun {
		if err := s.begin(); err != nil || !s.begun {
			return Record{}, false, err
		}
	}
	for {
		line, err := s.line()
		if errors.Is(err, errTorn) {
			return Record{}, false, s.back()
		}
		if err != nil {
			return Record{}, false, err
		}
		size := int64(len(line)) + 1
		if bytes.HasPrefix(line, []byte("S ")) {
			s.source(line)
			s.offset += size
			continue
		}
		r, length, ok := s.header(line)
		if !ok { // nothing behind it can be trusted
			return Record{}, false, s.back()
		}
		if length > largeText && !s.holds(length) {
			return Record{}, false, s.back()
		}
		r.Text = make([]byte, length+1)
		if _, err := io.ReadFull(s.in, r.Text); err != nil || r.Text[length] != '\n' {
			return Record{}, false, s.back()
		}
		r.Text = r.Text[:length:length]
		s.offset += size + int64(length) + 1
		return r, true, nil
	}
}

// holds reports whether the file is long enough for a text.
func (s *segment) holds(length int) bool {
	info, err := s.file.Stat()
	return err == nil && info.Size() > s.offset+int64(length)
}

func (s *segment) source(line []byte) {
	f := bytes.Fields(line)
	if len(f) != 7 {
		return
	}
	s.sources[string(f[1])] = &Source{
		Type: string(f[2]), Slot: atoi(f[3]), Generation: atoi(f[4]), PID: atoi(f[5]), Stream: Stream(min(atoi(f[6]), int(Own))),
	}
}

func atoi(text []byte) int {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// header reads the line before a text, and how long that is.
func (s *segment) header(line []byte) (r Record, length int, ok bool) {
	f := bytes.Fields(line)
	if len(f) < 5 || string(f[0]) != "R" || len(line) > maxHeader {
		return r, 0, false
	}
	if s.stamp != string(f[1]) {
		at, err := time.Parse(timeForm, string(f[1]))
		if err != nil {
			return r, 0, false
		}
		s.stamp, s.time = string(f[1]), at
	}
	level, err := strconv.Atoi(string(f[3]))
	length, lengthErr := strconv.Atoi(string(f[4]))
	r.Source = s.sources[string(f[2])]
	if err != nil || lengthErr != nil || length < 0 || length > maxText || r.Source == nil {
		return r, 0, false
	}
	r.Time, r.Level, r.Lines = s.time, slog.Level(level), 1
	for _, pair := range f[5:] {
		r.key(pair)
	}
	return r, length, true
}

// key takes one of the pairs at the end of a header.
func (r *Record) key(pair []byte) {
	key, value, _ := bytes.Cut(pair, []byte{'='})
	switch string(key) {
	case "f":
		r.Found = true
	case "o":
		r.Open = true
	case "n":
		r.Lines = uint32(atoi(value))
	case "p":
		r.Part = uint32(atoi(value))
	case "g":
		r.Language = string(value)
	case "r":
		if id, err := strconv.Unquote(string(value)); err == nil {
			r.RequestID = id
		}
	}
}
