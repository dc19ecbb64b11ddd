package trace

import "bytes"

// keywordLength is the length of all keywords, of which the search skips up to
// one less at a time.
const keywordLength = 5

// keywords are in nearly every line that begins a trace, in any case of
// letters. What has none of them is known by its first or last bytes.
var keywords = newScreen(
	"error", "excep", "fatal", "panic", "criti", "sever", "trace", "gorou", "warni", "warn ", "warn]", "warn:", "emerg", "alert", "uncau", "unhan", "stack",
	":in `", ":in '", "thrown", "failu",
)

// screen searches a line for many words at once (Wu and Manber, 1994): the
// pair of bytes at the end of a place tells how far the next one can be.
type screen struct {
	skip  [1 << 10]uint8
	words [1 << 10][]string // by their last pair
}

// pair folds the case of letters; other bytes may meet, which costs a
// comparison and no hit.
func pair(a, b byte) int { return int(a&31) | int(b&31)<<5 }

func newScreen(words ...string) *screen {
	s := &screen{}
	for i := range s.skip {
		s.skip[i] = keywordLength - 1
	}
	for _, word := range words {
		word = word[:keywordLength]
		for end := 2; end <= keywordLength; end++ {
			p := pair(word[end-2], word[end-1])
			s.skip[p] = min(s.skip[p], uint8(keywordLength-end))
			if end == keywordLength {
				s.words[p] = append(s.words[p], word)
			}
		}
	}
	return s
}

func (s *screen) in(l []byte) bool {
	for i := keywordLength - 1; i < len(l); {
		p := int(l[i-1]&31) | int(l[i]&31)<<5
		skip := s.skip[p]
		if skip > 0 {
			i += int(skip)
			continue
		}
		for _, word := range s.words[p] {
			if foldedAt(l[i-keywordLength+1:i+1], word) {
				return true
			}
		}
		i++
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
