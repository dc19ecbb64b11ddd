// Package coverage reads the reports that test suites write about themselves:
// which lines ran, and how many tests did.
//
// Five formats are known, told from the content and never from the name: Go
// cover profiles, Cobertura XML, LCOV, JaCoCo XML and the JSON of coverage.py.
// All of them become a [Report], line by line. Paths in reports differ as the
// tools do (import paths, absolute paths, package folders); [Report.Relative]
// and [Report.Resolve] turn them into paths of the checkout.
//
// The invariant: a report is read whole or not at all. A truncated file, an
// unknown record or a number out of range is an error that names the line
// where that can be known; nothing is guessed from half a report. Reports are
// made by the code under test, so they are hostile input: size, depth and the
// number of lines are bounded.
//
// A report claims what ran, it proves nothing about what was asserted; that is
// the business of internal/sabotage. [TestCount] reads what a suite printed.
// The room opens no file and runs nothing. Read next: internal/sabotage.
package coverage

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The names of the formats, as [Report.Format] gives them.
const (
	FormatGo         = "go"          // https://pkg.go.dev/cmd/cover, "mode: set|count|atomic"
	FormatCobertura  = "cobertura"   // coverage-04.dtd of Cobertura
	FormatLCOV       = "lcov"        // geninfo(1), tracefile format
	FormatJaCoCo     = "jacoco"      // report.dtd 1.1 of JaCoCo
	FormatCoveragePy = "coverage.py" // `coverage json`, formats 1 to 3
)

// Bounds of a report.
const (
	MaxBytes = 64 << 20   // size of a report, in bytes
	maxLine  = 1_000_000  // the highest line number that a source file may have
	maxWork  = 20_000_000 // line entries in one report; -coverpkg repeats each per package
	maxLines = 5_000_000  // different lines that the blocks of one report span
)

// ErrFormat is returned for content that is in none of the known formats.
var ErrFormat = errors.New("not a coverage report of a known format (go, cobertura, lcov, jacoco, coverage.py)")

// ErrTooLarge is returned for a report beyond the bounds.
var ErrTooLarge = errors.New("the coverage report is too large")

// Report is what one coverage report says. Files are sorted by path, and each
// path occurs once.
type Report struct {
	Format string // one of the Format constants
	Files  []File
}

// File is one source file of a report.
type File struct {
	Path  string      // with forward slashes; as the tool wrote it until Relative and Resolve
	Lines map[int]int // line, from 1, to how often it ran; lines that cannot run are absent
}

// Covered returns how many lines of the file ran at least once.
func (f File) Covered() int {
	covered := 0
	for _, hits := range f.Lines {
		if hits > 0 {
			covered++
		}
	}
	return covered
}

// Total returns how many lines of the file can run.
func (f File) Total() int { return len(f.Lines) }

// Share returns the share of lines that ran, from 0 to 1; 0 of no lines.
func (f File) Share() float64 { return share(f.Covered(), f.Total()) }

// Covered returns how many lines of all files ran at least once.
func (r Report) Covered() int {
	covered := 0
	for _, f := range r.Files {
		covered += f.Covered()
	}
	return covered
}

// Total returns how many lines of all files can run.
func (r Report) Total() int {
	total := 0
	for _, f := range r.Files {
		total += f.Total()
	}
	return total
}

// Share returns the share of all lines that ran, from 0 to 1; 0 of no lines.
// Go's own percentage counts statements, so that it differs by a little.
func (r Report) Share() float64 { return share(r.Covered(), r.Total()) }

// File returns the file with the given path.
func (r Report) File(path string) (File, bool) {
	i, found := slices.BinarySearchFunc(r.Files, path, func(f File, p string) int {
		return strings.Compare(f.Path, p)
	})
	if !found {
		return File{}, false
	}
	return r.Files[i], true
}

func share(covered, total int) float64 {
	if total == 0 {
		return 0
	}
	return float64(covered) / float64(total)
}

// Read decodes a report. The name stands in messages only. Errors wrap
// [ErrFormat] or [ErrTooLarge], or are a [SyntaxError].
func Read(name string, data []byte) (Report, error) {
	if len(data) > MaxBytes {
		return Report{}, fmt.Errorf("read %s: %w: %d bytes, at most %d", name, ErrTooLarge, len(data), MaxBytes)
	}
	format, decode, err := detect(data)
	if err != nil {
		return Report{}, fmt.Errorf("read %s: %w", name, err)
	}
	b := newBuilder()
	if err := decode(data, b); err != nil {
		return Report{}, fmt.Errorf("read %s as %s: %w", name, format, err)
	}
	return b.report(format), nil
}

// SyntaxError says where a report is not what its format asks for.
type SyntaxError struct {
	Line int    // from 1; 0 where it cannot be known
	Says string // what is wrong
}

// Error returns the message with its line.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Says
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Says)
}

func syntax(line int, format string, args ...any) error {
	return &SyntaxError{line, fmt.Sprintf(format, args...)}
}

// builder collects lines under the bounds.
type builder struct {
	files   map[string]map[int]int
	work    int
	spanned int
}

func newBuilder() *builder { return &builder{files: map[string]map[int]int{}} }

// file returns the lines of a path, and creates them where they are missing.
func (b *builder) file(path string) map[int]int {
	path = slashed(path)
	lines := b.files[path]
	if lines == nil {
		lines = map[int]int{}
		b.files[path] = lines
	}
	return lines
}

// spend counts n line entries against the bound.
func (b *builder) spend(n int) error {
	if b.work += n; b.work > maxWork {
		return fmt.Errorf("%w: more than %d line entries", ErrTooLarge, maxWork)
	}
	return nil
}

func (b *builder) report(format string) Report {
	r := Report{Format: format}
	for path, lines := range b.files {
		r.Files = append(r.Files, File{path, lines})
	}
	return r.sorted()
}

func (r Report) sorted() Report {
	slices.SortFunc(r.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return r
}

// addHits adds without overflow: a counter that is full stays full.
func addHits(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}
