// Package archtest holds the tests of the structure itself: which room may
// import which, what a judge may import, how long functions and files may be,
// and that every package says what it is for.
//
// The invariant is the table of layers in arch_test.go: a room imports only
// rooms of lower layers. It is read from the sources, so that no comment can
// silence it. There is no code here, only tests. Read next: arch_test.go.
package archtest
