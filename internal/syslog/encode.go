package syslog

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Lengths of RFC 5424 section 6, and the tag of RFC 3164 section 4.1.3.
const (
	maxHost   = 255
	maxApp    = 48
	maxProcID = 128
	maxMsgID  = 32
	maxName   = 32
	maxTag    = 32
	maxValue  = 256 // ours: structured data must leave room for the text
	manyKnown = 1024

	stamp5424 = "2006-01-02T15:04:05.000000Z"
	stamp3164 = time.Stamp
)

var bom = []byte("\xef\xbb\xbf")

// encoder writes messages. It remembers what does not change from one to the
// next.
type encoder struct {
	opts  Options
	local bool // no host name: the daemon is on this machine
	limit int  // bytes of one message
	lf    bool // newlines must not stand inside
	time  time.Time
	stamp []byte
	known map[*Origin]*head
	cut   uint64 // messages that were longer
}

// head is the part of a message that its origin determines.
type head struct {
	fields []byte // from behind the time up to the structured data, or the text
	data   []byte // the structured data without its closing bracket; empty where there is none
}

func newEncoder(opts Options) *encoder {
	return &encoder{opts: opts, limit: opts.MaxMessage, local: opts.Network == "unix", known: map[*Origin]*head{}}
}

// append adds one message without its frame.
func (e *encoder) append(b []byte, m *Message) []byte {
	start := len(b)
	b = append(b, '<')
	b = strconv.AppendUint(b, uint64(e.opts.Facility)<<3|uint64(m.Severity&7), 10)
	b = append(b, '>')
	h := e.head(m.Origin)
	if e.opts.Format == RFC3164 {
		b = append(b, e.timestamp(m.Time)...)
		b = append(b, h.fields...)
		return e.text(b, start, m.Text)
	}
	b = append(b, "1 "...)
	b = append(b, e.timestamp(m.Time)...)
	b = append(b, h.fields...)
	b = e.data(b, h, m.Params)
	text := m.Text
	if !isASCII(text) && utf8.Valid(text) { // MSG-UTF8 of section 6.4
		b = append(b, bom...)
		text = bytes.TrimPrefix(text, bom)
	}
	return e.text(b, start, text)
}

func (e *encoder) timestamp(t time.Time) []byte {
	if e.stamp != nil && t.Equal(e.time) {
		return e.stamp
	}
	e.time = t
	if e.opts.Format == RFC3164 {
		e.stamp = t.In(e.opts.Location).AppendFormat(e.stamp[:0], stamp3164)
	} else {
		e.stamp = t.UTC().AppendFormat(e.stamp[:0], stamp5424)
	}
	return e.stamp
}

func (e *encoder) data(b []byte, h *head, params []Param) []byte {
	if len(h.data) == 0 && len(params) == 0 {
		return append(b, "- "...)
	}
	if len(h.data) == 0 {
		b = append(append(b, '['), field(e.opts.DataID, maxName)...)
	}
	b = append(b, h.data...)
	b = appendParams(b, params)
	return append(b, "] "...)
}

// text adds the text: no NUL, for daemons end there; no newline where it would
// end the frame; no more than the limit allows.
func (e *encoder) text(b []byte, start int, text []byte) []byte {
	text = bytes.TrimSuffix(text, []byte{'\r'})
	room := e.limit - (len(b) - start)
	whole := len(text)
	if whole > room { // do not escape what is cut anyway
		text = text[:max(room, 0)]
	}
	from := len(b)
	if bytes.IndexByte(text, 0) < 0 && (!e.lf || bytes.IndexByte(text, '\n') < 0) {
		b = append(b, text...)
	} else {
		b = e.escape(b, text)
	}
	if len(text) == whole && len(b)-start <= e.limit {
		return b
	}
	e.cut++
	return truncate(b, from, start+e.limit, whole)
}

func (e *encoder) escape(b, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == 0:
			b = append(b, "#000"...)
		case c == '\n' && e.lf:
			b = append(b, "#012"...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// truncate cuts the text that begins at from, so that it ends before limit with
// a mark that says how long it was.
func truncate(b []byte, from, limit, whole int) []byte {
	mark := "... [cut, " + strconv.Itoa(whole) + " bytes in all]"
	end := min(max(limit-len(mark), from), len(b))
	for back := 0; end > from && end < len(b) && back < utf8.UTFMax && !utf8.RuneStart(b[end]); back++ {
		end--
	}
	return append(b[:end], mark...)
}

// head returns what the messages of an origin share.
func (e *encoder) head(o *Origin) *head {
	if h, ok := e.known[o]; ok {
		return h
	}
	if len(e.known) >= manyKnown {
		clear(e.known)
	}
	h := &head{}
	if e.opts.Format == RFC3164 {
		h.fields = e.tag(o)
	} else {
		for _, f := range []string{field(e.opts.Host, maxHost), field(o.App, maxApp), field(o.ProcID, maxProcID), field(o.MsgID, maxMsgID)} {
			h.fields = append(append(h.fields, ' '), f...)
		}
		h.fields = append(h.fields, ' ')
		if len(o.Params) > 0 {
			h.data = append([]byte{'['}, field(e.opts.DataID, maxName)...)
			h.data = appendParams(h.data, o.Params)
		}
	}
	e.known[o] = h
	return h
}

// tag writes " host app[procid]: ", without the host on the same machine.
func (e *encoder) tag(o *Origin) []byte {
	var b []byte
	if !e.local {
		b = append(append(b, ' '), field(e.opts.Host, maxHost)...)
	}
	clean := strings.NewReplacer("[", "_", "]", "_", ":", "_")
	b = append(append(b, ' '), clean.Replace(field(o.App, maxTag))...)
	if o.ProcID != "" {
		b = append(append(append(b, '['), clean.Replace(field(o.ProcID, maxProcID))...), ']')
	}
	return append(b, ": "...)
}

// field makes a text fit into a header: printable ASCII, bounded, "-" for none.
func field(text string, most int) string {
	if text == "" {
		return "-"
	}
	clean := []byte(text[:min(len(text), most)])
	for i, c := range clean {
		if c < 33 || c > 126 {
			clean[i] = '_'
		}
	}
	return string(clean)
}

func appendParams(b []byte, params []Param) []byte {
	for _, p := range params {
		name := []byte(field(p.Name, maxName))
		for i, c := range name {
			if c == '=' || c == ']' || c == '"' {
				name[i] = '_'
			}
		}
		b = append(append(append(b, ' '), name...), `="`...)
		for _, c := range []byte(strings.ToValidUTF8(p.Value[:min(len(p.Value), maxValue)], "\uFFFD")) {
			switch c { // section 6.3.3
			case '"', '\\', ']':
				b = append(b, '\\', c)
			case 0, '\n', '\r':
				b = append(b, ' ')
			default:
				b = append(b, c)
			}
		}
		b = append(b, '"')
	}
	return b
}

func isASCII(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
