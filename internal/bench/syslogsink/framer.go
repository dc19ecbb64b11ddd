package syslogsink

import "bytes"

// framing is how frames follow each other on a stream (RFC 6587, section 3.4).
type framing int

const (
	undecided framing = iota
	counted           // octet counting: "LEN SP FRAME"
	separated         // each frame ends with LF or, from some senders, NUL
)

// maxLengthDigits bounds the number before an octet-counted frame.
const maxLengthDigits = 9

// framer cuts a stream into frames. The first byte of a connection decides
// about its framing: a digit begins a count, anything else a frame.
type framer struct {
	framing   framing
	held      []byte // the frame, or its count, so far
	missing   int    // bytes still to come of a counted frame; 0 while reading its count
	truncated bool   // held is full and more came
}

// feed takes the next bytes and emits the frames that they complete.
func (f *framer) feed(b []byte, emit func(raw []byte, truncated bool)) {
	for len(b) > 0 {
		if f.framing == undecided {
			f.framing = separated
			if b[0] >= '1' && b[0] <= '9' {
				f.framing = counted
			}
		}
		switch {
		case f.framing == separated:
			b = f.line(b, emit)
		case f.missing > 0:
			b = f.body(b, emit)
		default:
			b = f.count(b)
		}
	}
}

// end emits what was left without an end.
func (f *framer) end(emit func(raw []byte, truncated bool)) {
	if len(f.held) > 0 {
		f.emit(emit)
	}
}

func (f *framer) line(b []byte, emit func([]byte, bool)) []byte {
	i := bytes.IndexAny(b, "\n\x00")
	if i < 0 {
		f.keep(b)
		return nil
	}
	f.keep(b[:i])
	if len(f.held) > 0 { // LF after NUL, or an empty line, is no frame
		f.emit(emit)
	}
	return b[i+1:]
}

// count reads the length of the next frame. Bytes that are no count make the
// rest of the stream separate lines, so that nothing is lost silently.
func (f *framer) count(b []byte) []byte {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && len(f.held) < maxLengthDigits:
			f.held = append(f.held, c)
		case c == ' ' && len(f.held) > 0 && number(f.held) > 0:
			f.missing = number(f.held)
			f.held = nil
			return b[i+1:]
		case c == '\n' && len(f.held) == 0: // some senders end a counted frame with LF besides
		default:
			f.framing = separated
			return b[i:]
		}
	}
	return nil
}

func (f *framer) body(b []byte, emit func([]byte, bool)) []byte {
	n := min(f.missing, len(b))
	f.keep(b[:n])
	if f.missing -= n; f.missing == 0 {
		f.emit(emit)
	}
	return b[n:]
}

func (f *framer) keep(b []byte) {
	room := maxFrameBytes - len(f.held)
	f.truncated = f.truncated || len(b) > room
	f.held = append(f.held, b[:min(len(b), room)]...)
}

func (f *framer) emit(emit func([]byte, bool)) {
	raw, truncated := f.held, f.truncated
	f.held, f.truncated = nil, false
	emit(raw, truncated)
}

// number is the value of at most nine digits.
func number(digits []byte) (n int) {
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}
