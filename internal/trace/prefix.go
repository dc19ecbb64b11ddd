package trace

// matchPrefix reports whether a line begins as another one does, and how long
// that beginning is in the line. Digits in words that look like a date or a
// time may differ; all else, the process and the thread above all, must be
// the same.
func matchPrefix(prefix, line []byte) (length int, ok bool) { return match(prefix, line, false) }

// matchAnyNumbers is as matchPrefix, but all numbers may differ, so that other
// threads match too.
func matchAnyNumbers(prefix, line []byte) (length int, ok bool) { return match(prefix, line, true) }

func match(prefix, line []byte, free bool) (length int, ok bool) {
	i, j := 0, 0
	for i < len(prefix) {
		end := wordEnd(prefix, i)
		if !free && !isTimeWord(prefix[i:end]) {
			if len(line)-j < end-i || string(line[j:j+end-i]) != string(prefix[i:end]) {
				return 0, false
			}
			i, j = end, j+end-i
			continue
		}
		for i < end {
			if !isDigit(prefix[i]) {
				if j >= len(line) || line[j] != prefix[i] {
					return 0, false
				}
				i, j = i+1, j+1
				continue
			}
			before := j
			for i < end && isDigit(prefix[i]) {
				i++
			}
			for j < len(line) && isDigit(line[j]) {
				j++
			}
			if j == before {
				return 0, false
			}
		}
	}
	return j, true
}

// wordEnd returns the end of the word at i with the spaces behind it.
func wordEnd(text []byte, i int) int {
	for i < len(text) && text[i] != ' ' {
		i++
	}
	for i < len(text) && text[i] == ' ' {
		i++
	}
	return i
}

// isTimeWord reports whether a word is made of numbers that are joined as
// those of dates and times.
func isTimeWord(word []byte) bool {
	digits, joints := 0, 0
	for _, c := range word {
		switch {
		case isDigit(c):
			digits++
		case c == ':' || c == '-' || c == '/':
			joints++
		case c == '.' || c == ',' || c == 'T' || c == 'Z' || c == '+' || c == '[' || c == ']' || c == '(' || c == ')' || c == ' ':
		default:
			return false
		}
	}
	return digits >= 4 && joints > 0
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }
