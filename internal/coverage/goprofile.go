package coverage

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// goBlock is one line of a Go cover profile:
// "name.go:line.column,line.column statements count".
type goBlock struct {
	file              string
	start, end        int
	statements, count int
}

func decodeGo(data []byte, into *builder) error {
	number, mode := 0, ""
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimSpace(string(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
		switch {
		case line == "":
		case mode == "":
			found, ok := strings.CutPrefix(line, "mode: ")
			if !ok || (found != "set" && found != "count" && found != "atomic") {
				return syntax(number, "%q is not a mode; it is set, count or atomic", line)
			}
			mode = found
		default:
			block, says := parseGoBlock(line)
			if says != "" {
				return syntax(number, "%s", says)
			}
			if err := addGoBlock(into, block, mode); err != nil {
				return err
			}
		}
	}
	return nil
}

// addGoBlock spreads a block over its lines. A line that belongs to several
// blocks has run as often as the one that ran most; the same block seen again
// (as -coverpkg writes it) adds up by that rule as well.
func addGoBlock(into *builder, b goBlock, mode string) error {
	lines := into.file(b.file)
	if b.statements == 0 {
		return nil
	}
	if mode == "set" {
		b.count = min(b.count, 1)
	}
	if err := into.spend(b.end - b.start + 1); err != nil {
		return err
	}
	before := len(lines)
	for n := b.start; n <= b.end; n++ {
		if hits, seen := lines[n]; !seen || hits < b.count {
			lines[n] = b.count
		}
	}
	if into.spanned += len(lines) - before; into.spanned > maxLines {
		return fmt.Errorf("%w: its blocks span more than %d lines", ErrTooLarge, maxLines)
	}
	return nil
}

func parseGoBlock(line string) (block goBlock, says string) {
	colon := strings.LastIndexByte(line, ':')
	if colon <= 0 {
		return block, "a block is \"file:line.column,line.column statements count\""
	}
	block.file = line[:colon]
	fields := strings.Fields(line[colon+1:])
	if len(fields) != 3 {
		return block, "a block ends with a range and two numbers"
	}
	from, to, ok := strings.Cut(fields[0], ",")
	if !ok {
		return block, "the range has no comma"
	}
	var valid [4]bool
	block.start, valid[0] = positionLine(from)
	block.end, valid[1] = positionLine(to)
	block.statements, valid[2] = natural(fields[1])
	block.count, valid[3] = natural(fields[2])
	if valid != [4]bool{true, true, true, true} || block.end < block.start {
		return block, "the numbers of the block \"" + line[colon+1:] + "\" are out of range"
	}
	return block, ""
}

// positionLine returns the line of a "line.column" position.
func positionLine(position string) (int, bool) {
	line, column, ok := strings.Cut(position, ".")
	n, valid := natural(line)
	if _, alsoValid := natural(column); !ok || !valid || !alsoValid || n < 1 || n > maxLine {
		return 0, false
	}
	return n, true
}

// natural reads a number that is not negative. One too large for an int is
// the largest int: counters of long runs do get there.
func natural(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		isFull := strings.Trim(text, "0123456789") == "" && text != ""
		return int(^uint(0) >> 1), isFull
	}
	return int(n), true
}
