package coverage

import (
	"bytes"
	"encoding/json"
	"errors"
)

// coveragePy is the part of `coverage json` that tells about lines.
type coveragePy struct {
	Meta  *struct{ Version string } `json:"meta"`
	Files map[string]*struct {
		Executed []int `json:"executed_lines"`
		Missing  []int `json:"missing_lines"`
	} `json:"files"`
}

func decodeCoveragePy(data []byte, into *builder) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var report coveragePy
	if err := json.Unmarshal(data, &report); err != nil {
		return jsonError(data, err)
	}
	if report.Meta == nil || report.Files == nil {
		return syntax(0, "a report of `coverage json` has \"meta\" and \"files\"; this JSON has not")
	}
	for path, file := range report.Files {
		if file == nil || path == "" {
			return syntax(0, "the file %q has no lines object", path)
		}
		lines := into.file(path)
		if err := into.spend(len(file.Executed) + len(file.Missing)); err != nil {
			return err
		}
		if err := addPyLines(lines, file.Missing, 0, path); err != nil {
			return err
		}
		if err := addPyLines(lines, file.Executed, 1, path); err != nil {
			return err
		}
	}
	return nil
}

func addPyLines(lines map[int]int, numbers []int, hits int, path string) error {
	for _, n := range numbers {
		// Line 0 is how coverage.py speaks of an empty module.
		if n < 0 || n > maxLine {
			return syntax(0, "line %d of %s is out of range", n, path)
		}
		if n > 0 {
			lines[n] = hits
		}
	}
	return nil
}

// jsonError gives a decoding error the line that its offset lies on.
func jsonError(data []byte, err error) error {
	offset := int64(0)
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = bad.Offset
	} else if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = bad.Offset
	}
	offset = min(max(offset, 0), int64(len(data)))
	return syntax(bytes.Count(data[:offset], []byte("\n"))+1, "%s", err)
}
