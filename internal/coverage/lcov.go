package coverage

import (
	"bytes"
	"strings"
)

// lcovIgnored are the records of geninfo(1) that say nothing about lines.
const lcovIgnored = " TN VER FN FNDA FNL FNA FNF FNH BRDA BRF BRH MCDC MCF MCH LF LH "

func decodeLCOV(data []byte, into *builder) error {
	var lines map[int]int
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))), "\r\n \t")
		key, value, hasColon := strings.Cut(line, ":")
		switch {
		case line == "" || line[0] == '#':
		case line == "end_of_record":
			if lines == nil {
				return syntax(number, "end_of_record without SF")
			}
			lines = nil
		case !hasColon:
			return syntax(number, "%q is not a record", line)
		case key == "SF":
			if lines != nil {
				return syntax(number, "SF before end_of_record of the file before it")
			}
			if value == "" {
				return syntax(number, "SF without a path")
			}
			lines = into.file(value)
		case key == "DA":
			if err := addLCOVLine(lines, value, number); err != nil {
				return err
			}
			if err := into.spend(1); err != nil {
				return err
			}
		case !strings.Contains(lcovIgnored, " "+key+" "):
			return syntax(number, "%q is not a record of LCOV", key)
		}
	}
	if lines != nil {
		return syntax(number, "the report ends before end_of_record: it is cut off")
	}
	return nil
}

// addLCOVLine reads "line,hits" with an optional checksum. The same line of
// another test adds up.
func addLCOVLine(lines map[int]int, value string, number int) error {
	if lines == nil {
		return syntax(number, "DA before SF")
	}
	fields := strings.Split(value, ",")
	if len(fields) != 2 && len(fields) != 3 {
		return syntax(number, "DA is \"line,hits\", not %q", value)
	}
	line, valid := natural(fields[0])
	hits, alsoValid := natural(fields[1])
	if !valid || !alsoValid || line < 1 || line > maxLine {
		return syntax(number, "DA:%s is out of range", value)
	}
	lines[line] = addHits(lines[line], hits)
	return nil
}
