package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// The codes of this room; problem.Catalog explains them.
const (
	codeSyntax    = "RW-M01"
	codeUnknown   = "RW-M02"
	codeType      = "RW-M03"
	codeReference = "RW-M04"
	codeMissing   = "RW-M05"
	codeSize      = "RW-M06"
	codeNoFile    = "RW-M07"
	codeEnum      = "RW-M08"
)

// report collects everything that is wrong with one file.
type report struct {
	path     string
	findings []finding
}

type finding struct {
	at      document.Place
	problem *problem.Problem
}

// add notes a problem at a place; its At is filled in.
func (r *report) add(at document.Place, p problem.Problem) {
	p.At = fmt.Sprintf("%s:%d:%d", r.path, at.Line, at.Column)
	r.findings = append(r.findings, finding{at, &p})
}

// err returns the problems in the order of their places, nil if there are none.
func (r *report) err() error {
	if len(r.findings) == 0 {
		return nil
	}
	slices.SortStableFunc(r.findings, func(a, b finding) int {
		switch {
		case a.at.Before(b.at):
			return -1
		case b.at.Before(a.at):
			return 1
		}
		return 0
	})
	list := make(problem.List, len(r.findings))
	for i, f := range r.findings {
		list[i] = f.problem
	}
	return list
}

// undeclared notes a reference to something that is not there. declare is the
// edit that would declare it; known are the names that could be meant.
func (r *report) undeclared(at document.Place, what, name, declare string, known []string) {
	p := problem.Problem{
		Code:    codeReference,
		Summary: fmt.Sprintf("%s %s is not declared", what, problem.Quote(name)),
		Got:     problem.Clip(name),
		Want:    "a declared " + what,
		Fix:     declare,
	}
	if len(known) > 0 {
		slices.Sort(known)
		p.Want = "one of " + strings.Join(known, ", ")
	}
	if near, ok := problem.Nearest(name, known); ok {
		p.Fix = fmt.Sprintf("on line %d change %s to %s, or %s", at.Line, problem.Clip(name), near, declare)
	}
	r.add(at, p)
}
