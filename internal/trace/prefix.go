package trace

import "bytes"

// matchPrefix reports whether a line begins as another one does, and how long
// that beginning is in the line. Digits in words that look like a date or a
// time may differ; all else, the process and the thread above all, must be
// the same.
func matchPrefix(prefix, line []byte) (length int, ok bool) { return match(prefix, line, false) }

// matchAnyNumbers is as matchPrefix, but all numbers may differ, so that other
// threads match too.
func matchAnyNumbers(prefix, line []byte) (length int, ok bool) { return match(prefix, line, true) }

func match(prefix, line []byte, free bool) (length int, ok bool) {
	for len(prefix) > 0 {
		end := wordEnd(prefix, 0)
		n := end
		if free || isTimeWord(prefix[:end]) {
			n, ok = matchNumbers(prefix[:end], line[length:])
		} else {
			ok = bytes.HasPrefix(line[length:], prefix[:end])
		}
		if !ok {
			return 0, false
		}
		prefix, length = prefix[end:], length+n
	}
	return length, true
}

// matchNumbers matches a word byte by byte, but for the numbers in it.
func matchNumbers(word, line []byte) (length int, ok bool) {
	j := 0
	for i := 0; i < len(word); {
		if j >= len(line) {
			return 0, false
		}
		if !isDigit(word[i]) {
			if line[j] != word[i] {
				return 0, false
			}
			i, j = i+1, j+1
			continue
		}
		n := digits(line[j:])
		if n == 0 {
			return 0, false
		}
		i, j = i+digits(word[i:]), j+n
	}
	return j, true
}

// digits counts the digits at the start of a text.
func digits(text []byte) (n int) {
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return n
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
	count, joints := 0, 0
	for _, c := range word {
		switch {
		case isDigit(c):
			count++
		case c == ':' || c == '-' || c == '/':
			joints++
		case c == '.' || c == ',' || c == 'T' || c == 'Z' || c == '+' || c == '[' || c == ']' || c == '(' || c == ')' || c == ' ':
		default:
			return false
		}
	}
	return count >= 4 && joints > 0
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }
