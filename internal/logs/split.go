package logs

import (
	"bytes"
	"log/slog"
	"time"
)

// scan cuts the buffer into lines, and keeps the unfinished one at its front.
func (c *Capture) scan() {
	start := 0
	for {
		end := bytes.IndexByte(c.buf[start+c.scanned:], '\n')
		if end < 0 {
			break
		}
		end += start + c.scanned
		c.scanned = 0
		start = c.long(start, end)
		if c.part > 0 {
			c.addPart(c.buf[start:end], false, 1)
		} else {
			c.add(c.buf[start:end])
		}
		start = end + 1
		if len(c.records) >= batchSize {
			c.publish()
		}
	}
	c.scanned = 0
	start = c.long(start, len(c.buf))
	c.publish() // before the bytes move
	n := copy(c.buf, c.buf[start:])
	c.buf = c.buf[:n]
	c.scanned = n
}

// long takes parts off a line that is longer than allowed, and returns where
// its rest begins.
func (c *Capture) long(start, end int) int {
	for end-start > c.opts.MaxLine {
		c.drain()
		c.addPart(c.buf[start:start+c.opts.MaxLine], true, 0)
		start += c.opts.MaxLine
	}
	return start
}

// add takes one whole line.
func (c *Capture) add(line []byte) {
	if c.grouping == nil {
		c.group(Group{Text: line, Lines: 1})
		return
	}
	if last := len(c.times) - 1; last >= 0 && c.times[last].at.Equal(c.now) {
		c.times[last].lines++
	} else {
		c.times = append(c.times, arrival{c.now, 1})
	}
	c.line = line
	c.grouping.Add(line, c.now)
}

// arrived returns when the first of the next lines was read, and takes them off.
func (c *Capture) arrived(lines int) time.Time {
	if len(c.times) == 0 {
		return c.now
	}
	at := c.times[0].at
	for lines > 0 && len(c.times) > 0 {
		if c.times[0].lines > lines {
			c.times[0].lines -= lines
			break
		}
		lines -= c.times[0].lines
		c.times = c.times[:copy(c.times, c.times[1:])]
	}
	return at
}

// addPart takes one part of a long line. Its parts share the level of the first.
func (c *Capture) addPart(text []byte, open bool, lines uint32) {
	if c.part == 0 {
		c.level, c.found = c.levelOf(text, "")
	}
	c.part++
	c.records = append(c.records, Record{
		Time: c.now, Source: c.source, Text: text, Level: c.level, Found: c.found, Open: open, Part: c.part, Lines: lines,
	})
	if lines > 0 {
		c.part = 0
	}
}

// group turns a group into a record.
func (c *Capture) group(g Group) {
	text := g.Text
	own := len(text) == len(c.line) && (len(text) == 0 || &text[0] == &c.line[0])
	if c.grouping != nil && !own {
		start := len(c.extra)
		c.extra = append(c.extra, text...)
		text = c.extra[start:len(c.extra):len(c.extra)]
	}
	c.records = append(c.records, Record{Time: c.arrived(g.Lines), Source: c.source, Text: text, Lines: uint32(g.Lines), Language: g.Language})
	r := &c.records[len(c.records)-1]
	r.Level, r.Found = c.levelOf(text, g.Language)
	if c.opts.RequestIDs {
		r.RequestID = findRequestID(text)
	}
}

func (c *Capture) levelOf(text []byte, language string) (slog.Level, bool) {
	level, found := FindLevel(text)
	switch {
	case found:
		return level, true
	case language != "":
		return slog.LevelError, false
	}
	return c.source.assumed(), false
}
