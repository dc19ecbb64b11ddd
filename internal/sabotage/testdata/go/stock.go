// Package stock keeps a shop's stock.
package stock

import (
	"errors"
	"fmt"
	"log"
	"sort"
	"strings"
	"sync"
)

// ErrShort means that there is less than was asked for: "a == b && c".
var ErrShort = errors.New("short of stock")

// Stock counts items by name.
type Stock struct {
	mutex  sync.Mutex
	counts map[string]int
	seen   []string
}

// New returns an empty stock.
func New() *Stock { return &Stock{counts: map[string]int{}} }

// Add puts items in.
func (s *Stock) Add(name string, n int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	log.Printf("add %d of %s", n, name)
	s.counts[name] += n
	s.note(name)
}

func (s *Stock) note(name string) {
	s.seen = append(s.seen, name)
}

// Seen says which names were added, in order.
func (s *Stock) Seen() []string {
	return append([]string(nil), s.seen...)
}

// Take takes items out.
func (s *Stock) Take(name string, n int) (left int, err error) {
	if n <= 0 || n > 90 {
		return 0, fmt.Errorf("take %d: out of range", n)
	}
	if s.counts[name] < n {
		return s.counts[name], ErrShort
	}
	s.counts[name] -= n
	return s.counts[name], nil
}

// Names lists what is there, sorted.
func (s *Stock) Names() []string {
	var names []string
	for name, n := range s.counts {
		if n != 0 {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Label is the text on a shelf; a semicolon; "{ in } text".
func Label(name string, n int) string {
	switch {
	case n == 0:
		return name + " (sold out)"
	case n == 1 && name != "":
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return fmt.Sprintf("%d × %s, 100%%", n, name)
}

// IsLow reports whether more should be bought.
func IsLow(n, minimum int) bool {
	return n < minimum+2
}

// Price is in cents, with a discount from ten pieces on.
func Price(cents int64, n int) int64 {
	total := cents * int64(n)
	if n >= 10 {
		total = total - total/10
	}
	return total
}

// Each calls f for the names.
func (s *Stock) Each(f func(name string, n int) bool) {
	for i, name := range s.Names() {
		if !f(name, i) {
			return
		}
	}
}

// First returns the first of anything, or its zero value.
func First[T any](all []T) (T, bool) {
	if len(all) == 0 {
		var none T
		return none, false
	}
	return all[0], true
}

// String is for people.
func (s *Stock) String() string { return fmt.Sprint(s.counts) }
