package syslog

// batch is a run of frames.
type batch struct {
	buf   []byte
	ends  []int // of each frame in buf
	lines []uint64
}

func (b *batch) reset() { b.buf, b.ends, b.lines = b.buf[:0], b.ends[:0], b.lines[:0] }

// closes ends the frame that was appended to buf.
func (b *batch) closes(lines uint64) {
	b.ends = append(b.ends, len(b.buf))
	b.lines = append(b.lines, lines)
}

// whole returns how many frames lie within the first n bytes.
func (b *batch) whole(n int) int {
	i := len(b.ends)
	for i > 0 && b.ends[i-1] > n {
		i--
	}
	return i
}

// add appends the frames from to to of another batch.
func (b *batch) add(other *batch, from, to int) {
	start := 0
	if from > 0 {
		start = other.ends[from-1]
	}
	if from == to {
		return
	}
	shift := len(b.buf) - start
	b.buf = append(b.buf, other.buf[start:other.ends[to-1]]...)
	for i := from; i < to; i++ {
		b.ends = append(b.ends, other.ends[i]+shift)
		b.lines = append(b.lines, other.lines[i])
	}
}

// keep drops frames from the front until at most limit bytes are left.
func (b *batch) keep(limit int) {
	i := 0
	for i < len(b.ends) && len(b.buf)-b.start(i) > limit {
		i++
	}
	b.drop(i)
}

func (b *batch) start(i int) int {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

// drop removes the first n frames.
func (b *batch) drop(n int) {
	start := b.start(n)
	b.buf = b.buf[:copy(b.buf, b.buf[start:])]
	b.ends = b.ends[:copy(b.ends, b.ends[n:])]
	b.lines = b.lines[:copy(b.lines, b.lines[n:])]
	for i := range b.ends {
		b.ends[i] -= start
	}
}

// tail removes all frames but those that the last n bytes belong to.
func (b *batch) tail(n int) {
	i := len(b.ends)
	for i > 0 && len(b.buf)-b.ends[i-1] < n {
		i--
	}
	b.drop(i)
}
