package trace

import (
	"bytes"
	"encoding/binary"
)

// keywordLength is the length of all keywords: of three bytes at each third
// place of a line, one lies within any keyword that the line has.
const keywordLength, stride = 5, 3

// keywords are in nearly every line that begins a trace, in any case of
// letters. What has none of them is known by its first or last bytes.
var keywords = newScreen(
	"error", "excep", "fatal", "panic", "criti", "sever", "trace", "gorou", "warni", "warn ", "warn]", "warn:", "emerg", "alert", "uncau", "unhan", "stack",
	":in `", ":in '", "thrown", "failu",
)

// screen searches a line for many words at once. It looks at three bytes of
// each three places, which do not depend on one another, so that a processor
// does several at a time; hardly any of ordinary lines are of a word.
type screen struct {
	marks  [1 << hashBits]uint8 // by the hash of three bytes: a number of places, or 0
	places [][]place
}

// place is where in a word three bytes are.
type place struct {
	word string
	at   int
}

const hashBits = 12

// threes are the bits of three bytes that are the same for both cases of a
// letter. Other bytes may meet, which costs a comparison and no hit.
const threes = 0x1f1f1f

func hash(three uint32) uint32 { return three & threes * 0x9e3779b1 >> (32 - hashBits) }

func newScreen(words ...string) *screen {
	s := &screen{places: make([][]place, 1)}
	for _, word := range words {
		word = word[:keywordLength]
		for at := range stride {
			h := hash(uint32(word[at]) | uint32(word[at+1])<<8 | uint32(word[at+2])<<16)
			if s.marks[h] == 0 {
				s.marks[h] = uint8(len(s.places))
				s.places = append(s.places, nil)
			}
			s.places[s.marks[h]] = append(s.places[s.marks[h]], place{word, at})
		}
	}
	return s
}

// in reports whether a line has one of the words.
func (s *screen) in(l []byte) bool {
	i := 0
	for ; i+16 <= len(l); i += 4 * stride {
		v, w := binary.LittleEndian.Uint64(l[i:]), binary.LittleEndian.Uint64(l[i+2*stride:])
		a, b := s.marks[hash(uint32(v))], s.marks[hash(uint32(v>>24))]
		c, d := s.marks[hash(uint32(w))], s.marks[hash(uint32(w>>24))]
		if a|b|c|d != 0 && (s.at(l, i, a) || s.at(l, i+stride, b) || s.at(l, i+2*stride, c) || s.at(l, i+3*stride, d)) {
			return true
		}
	}
	for ; i+stride <= len(l); i += stride {
		if s.at(l, i, s.marks[hash(uint32(l[i])|uint32(l[i+1])<<8|uint32(l[i+2])<<16)]) {
			return true
		}
	}
	return false
}

// at reports whether one of the words that have a mark is around a place.
func (s *screen) at(l []byte, i int, mark uint8) bool {
	for _, p := range s.places[mark] {
		if from := i - p.at; from >= 0 && from+keywordLength <= len(l) && foldedAt(l[from:], p.word) {
			return true
		}
	}
	return false
}

// foldedAt compares with a word in lower case.
func foldedAt(l []byte, word string) bool {
	for i := range keywordLength {
		c := l[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// mayBegin reports whether a line may be of the beginning of a trace, its
// record's head included. It says yes to many that are not.
func mayBegin(l []byte) bool {
	if len(l) < 2 {
		return false
	}
	switch c := l[0]; {
	case c == ' ':
		if bytes.HasPrefix(l, []byte(`  File "`)) {
			return true
		}
	case c == '/' || c == '<':
		if isPlaceLine(l) {
			return true
		}
	case isLetter(c):
		if mayBeginWord(l) {
			return true
		}
	}
	return l[len(l)-1] == '{' || keywords.in(l)
}

func mayBeginWord(l []byte) bool {
	switch l[0] {
	case 'S':
		if bytes.HasPrefix(l, []byte("SIG")) {
			return true
		}
	case 'u', 'e', 'f', 'n':
		if bytes.HasPrefix(l, []byte("unexpected fault address")) {
			return true
		}
		if bytes.HasPrefix(l, []byte("fail:")) || isPlaceLine(l) {
			return true
		}
	case 'E', 'F':
		if len(l) > 4 && (l[1] == ',' || isDigit(l[1]) && isDigit(l[2])) {
			return true
		}
	}
	return isDateLine(l) || startsTyped(l)
}

// isPlaceLine matches the first line of Node's banner: "/srv/app.js:12".
func isPlaceLine(l []byte) bool {
	i := len(l)
	for i > 0 && isDigit(l[i-1]) {
		i--
	}
	if i == len(l) || i < 3 || l[i-1] != ':' {
		return false
	}
	return l[0] == '/' || hasAnyPrefix(l, "file://", "node:", "undefined:", "evalmachine.", "<anonymous")
}

// startsTyped reports whether a line is "Type: message" or "Type" with a type
// that is in a package or in mixed case.
func startsTyped(l []byte) bool {
	if !isLetter(l[0]) {
		return false
	}
	dots, humps := 0, 0
	for i := 1; i < len(l); i++ {
		switch c := l[i]; {
		case c-'A' < 26:
			if l[i-1]-'a' < 26 {
				humps++
			}
		case c-'a' < 26 || isDigit(c) || c == '_':
		case c == '$' || (c == '.' || c == '\\') && i+1 < len(l) && isLetter(l[i+1]):
			dots++
		case c == ':' && i+1 < len(l) && l[i+1] == ':':
			dots++
			i++
		default:
			return c == ':' && dots+humps > 0 && (i+1 == len(l) || l[i+1] == ' ')
		}
	}
	return dots > 1 || dots+humps > 0 && l[0]-'A' < 26
}

// isTyped reports whether a line names a type of error before a message.
func isTyped(l []byte) bool {
	if len(l) == 0 {
		return false
	}
	if startsTyped(l) || hasAnyPrefix(l, "Exception in thread ", "Exception ignored ", "#<Thread:", "Unhandled exception.", "panic: ", "fatal error: ") {
		return true
	}
	_, ok := errorHead(string(l[:min(len(l), 1024)]), false)
	return ok || bytes.Contains(l, []byte("Uncaught ")) || endsWithPlace(l)
}

// endsWithPlace matches an exception of PHP without a message: "Exception in
// /srv/shop.php:3".
func endsWithPlace(l []byte) bool {
	at := bytes.LastIndex(l, []byte(" in /"))
	if at < 0 {
		return false
	}
	word := l[bytes.LastIndexByte(l[:at], ' ')+1 : at]
	_, _, ok := fileLine(string(l[at+4:]))
	return ok && (isTypeWord(word) || bytes.IndexByte(word, '\\') > 0)
}

// isTypeWord reports whether a word names an error.
func isTypeWord(word []byte) bool {
	return bytes.HasSuffix(word, []byte("Error")) || bytes.HasSuffix(word, []byte("Exception"))
}

func isIndented(l []byte) bool { return len(l) > 0 && (l[0] == ' ' || l[0] == '\t') }

// endsOpen reports whether a line ends with an open brace or bracket.
func endsOpen(l []byte) bool {
	return len(l) > 0 && (l[len(l)-1] == '{' || l[len(l)-1] == '[')
}
