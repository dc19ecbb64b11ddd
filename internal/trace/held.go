package trace

// Owners of held lines that are no machines.
const (
	gone     int32 = -1 - iota // was emitted
	ordinary                   // belongs to no trace
	pending                    // in the window, or on its way to an owner
)

// entry is one held line.
type entry struct {
	from, to int // in the text; a newline follows
	body     int // where the text begins behind the head of its lane
	owner    int32
}

// held keeps the lines that cannot be emitted yet, in their order. A line is
// named by its number, which stays the same while lines before it leave.
type held struct {
	text  []byte
	lines []entry
	first int // the first that was not emitted
	base  int // number of lines[0]
}

func (h *held) empty() bool { return h.first == len(h.lines) }

// add copies a line and returns its number.
func (h *held) add(line []byte) int {
	from := len(h.text)
	h.text = append(append(h.text, line...), '\n')
	h.lines = append(h.lines, entry{from: from, to: from + len(line), owner: pending})
	return h.base + len(h.lines) - 1
}

func (h *held) line(n int) []byte {
	e := h.lines[n-h.base]
	return h.text[e.from:e.to]
}

// body returns a line without the head of its lane.
func (h *held) body(n int) []byte {
	e := h.lines[n-h.base]
	return h.text[e.from+e.body : e.to]
}

func (h *held) setBody(n, at int) { h.lines[n-h.base].body = at }

func (h *held) own(n int, owner int32) { h.lines[n-h.base].owner = owner }

func (h *held) owner(n int) int32 { return h.lines[n-h.base].owner }

// next returns the number that the next line will get.
func (h *held) next() int { return h.base + len(h.lines) }

// dropGone takes back the last lines that are gone, from a number on.
func (h *held) dropGone(from int) {
	last := len(h.lines) - 1
	for ; last >= from-h.base && h.lines[last].owner == gone; last-- {
		h.text = h.text[:h.lines[last].from]
	}
	h.lines = h.lines[:last+1]
}

// disown marks the lines of a machine as emitted.
func (h *held) disown(m *machine) {
	for n := m.first; n <= m.sure && n < h.next(); n++ {
		if h.owner(n) == m.id {
			h.own(n, gone)
		}
	}
}

// keep bounds the memory that stays with an empty grouper.
const keep = 1 << 20

// reset forgets the lines that were emitted, when all were or half of a lot.
func (h *held) reset() {
	switch {
	case h.empty():
		h.base += len(h.lines)
		h.lines, h.text, h.first = h.lines[:0], h.text[:0], 0
		if cap(h.text) > keep {
			h.text, h.lines = nil, nil
		}
	case h.first > 256 && h.first > len(h.lines)/2:
		cut := h.lines[h.first].from
		h.text = h.text[:copy(h.text, h.text[cut:])]
		h.lines = h.lines[:copy(h.lines, h.lines[h.first:])]
		for i := range h.lines {
			h.lines[i].from -= cut
			h.lines[i].to -= cut
		}
		h.base += h.first
		h.first = 0
	}
}
