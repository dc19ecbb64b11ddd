// Package problem holds the one error that people read: a stable code, a
// plain sentence, where it is, what was got and wanted, and a command that
// mends it.
//
// Rooms return ordinary errors with %w to each other; whatever reaches a
// person as the result of wrong input is a [Problem]. The invariant: a Problem
// without a Fix does not exist, since an error that cannot be acted on is only
// half an error. The room formats; it prints nothing and exits nowhere.
// Codes are explained in catalog.go. Read next: internal/cli.
package problem

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is an error for people. It implements error.
type Problem struct {
	Code    string `json:"code"`           // stable, such as "RW-M02"; listed in Catalog
	Summary string `json:"summary"`        // one plain sentence, lower case, no full stop
	At      string `json:"at,omitempty"`   // file:line:column, or a key path
	Got     string `json:"got,omitempty"`  // what was there
	Want    string `json:"want,omitempty"` // what would be right
	Fix     string `json:"fix"`            // a runnable command or an edit
	Cause   error  `json:"-"`              // the error beneath, for errors.Is
}

// Error returns the problem as the block of lines that people see.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "error[%s]: %s", p.Code, p.Summary)
	for _, row := range [][2]string{
		{"at", p.At}, {"got", p.Got}, {"want", p.Want}, {"fix", p.Fix},
		{"see", "roadworthy explain " + p.Code},
	} {
		if row[1] != "" {
			fmt.Fprintf(&b, "\n  %-4s %s", row[0], strings.ReplaceAll(row[1], "\n", "\n       "))
		}
	}
	return b.String()
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Of returns the first Problem in err's chain.
func Of(err error) (*Problem, bool) { return errors.AsType[*Problem](err) }

// List is several problems of one input, in the order of their places.
type List []*Problem

// Error returns every problem, separated by an empty line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n\n")
}

// Unwrap returns the problems, so that Of finds the first.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}
