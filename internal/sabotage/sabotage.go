// Package sabotage injects faults into source files, so that a test suite can
// be asked whether it notices: a suite that stays green while covered code
// returns nonsense asserts nothing.
//
// [Plan] chooses mutants on lines that a coverage report calls covered, spread
// over files and functions. A mutant is one replaced stretch of bytes that
// still compiles and changes what the function does; [Mutant.Apply] refuses a
// file that is not the one it was planned on. Faults that no test could notice
// (log lines, texts for people, comments) are not offered.
//
// The invariant: no edit touches the inside of a string, a comment, a regular
// expression, a template or a decorator, unless changing that very literal is
// the fault. Go is read by go/parser; Python, JavaScript, TypeScript and Java
// by tokenizers that give up on a file (no mutants) rather than guess.
//
// A crash is noticed by any suite, so that a mutant which returns a wrong
// value in peace is preferred over one that breaks its caller. The room edits
// bytes in memory; it runs no compiler and no test. Read next:
// internal/coverage.
package sabotage

import (
	"bytes"
	"fmt"
	"slices"
)

// Kind is a kind of fault.
type Kind string

// The kinds, strongest first.
const (
	Body       Kind = "body"       // the function returns at once, with a zero value
	Return     Kind = "return"     // another value is returned
	Negate     Kind = "negate"     // an if goes the other way
	Compare    Kind = "compare"    // == and !=, < and >=, > and <= are swapped
	Logic      Kind = "logic"      // "and" and "or" are swapped
	Arithmetic Kind = "arithmetic" // + and - are swapped
	Number     Kind = "number"     // a number literal is one more
	Text       Kind = "text"       // a string literal has other content
	Call       Kind = "call"       // a call made for its effect is not made
)

// Source is one file of the checkout.
type Source struct {
	Path string // as the coverage report has it: relative, with forward slashes
	Data []byte
}

// Mutant is one fault in one file.
type Mutant struct {
	File     string `json:"file"`
	Line     int    `json:"line"`     // of the covered statement, from 1
	Function string `json:"function"` // the function that the fault is in
	Kind     Kind   `json:"kind"`
	Offset   int    `json:"offset"` // where Before begins, in bytes
	Before   string `json:"before"` // what stands there
	After    string `json:"after"`  // what stands there then
	Calm     bool   `json:"calm"`   // gives a wrong value, and is not known to crash anything
}

// Apply returns a copy of the file with the fault in it. It is an error if
// the data is not what the mutant was planned on.
func (m Mutant) Apply(data []byte) ([]byte, error) {
	end := m.Offset + len(m.Before)
	if m.Offset < 0 || end > len(data) || string(data[m.Offset:end]) != m.Before {
		return nil, fmt.Errorf("apply %s fault to %s:%d: the file is not the one it was planned on", m.Kind, m.File, m.Line)
	}
	return slices.Concat(data[:m.Offset], []byte(m.After), data[end:]), nil
}

// String describes the fault in one line.
func (m Mutant) String() string {
	return fmt.Sprintf("%s:%d %s in %s: %q instead of %q", m.File, m.Line, m.Kind, m.Function, m.After, m.Before)
}

// Ranks of candidates: what is preferred within one function.
const (
	strong = iota // a wrong value, no crash
	fair          // likely noticed
	weak          // noticed if the test looks closely
	rough         // may crash, which proves little
)

// fault is a candidate: bytes [start, end) are replaced by after.
type fault struct {
	start, end int
	after      string
	line       int // that must be covered
	kind       Kind
	rank       int
	function   function
}

// function names the function that a fault is in.
type function struct {
	name  string
	start int // tells functions of one name apart
}

func (f fault) mutant(s Source) Mutant {
	return Mutant{
		File: s.Path, Line: f.line, Function: f.function.name, Kind: f.kind,
		Offset: f.start, Before: string(s.Data[f.start:f.end]), After: f.after, Calm: f.rank == strong,
	}
}

// lineOf returns the line of an offset, from 1.
func lineOf(data []byte, offset int) int {
	return bytes.Count(data[:offset], []byte("\n")) + 1
}
