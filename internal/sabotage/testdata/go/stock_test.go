package stock

import (
	"fmt"
	"testing"
)

func exercise(check bool, t *testing.T) {
	same := func(got, want any) {
		if check && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	s := New()
	s.Add("pear", 3)
	s.Add("apple", 5)
	same(s.Names(), []string{"apple", "pear"})
	same(s.Seen(), []string{"pear", "apple"})
	left, err := s.Take("pear", 2)
	same(left, 1)
	same(err, nil)
	left, err = s.Take("pear", 2)
	same(left, 1)
	same(err, ErrShort)
	left, err = s.Take("pear", 0)
	same(left, 0)
	same(err, "take 0: out of range")
	_, err = s.Take("pear", 91)
	same(err, "take 91: out of range")
	left, _ = s.Take("apple", 1)
	same(left, 4)
	left, _ = s.Take("pear", 1)
	same(left, 0)
	same(s.Names(), []string{"apple"})
	same(Label("nut", 0), "nut (sold out)")
	same(Label("nut", 1), "Nut")
	same(Label("", 1), "1 × , 100%")
	same(Label("nut", 7), "7 × nut, 100%")
	same(IsLow(3, 2), true)
	same(IsLow(4, 2), false)
	same(Price(100, 2), 200)
	same(Price(100, 10), 900)
	s.Add("fig", 1)
	var seen []string
	s.Each(func(name string, n int) bool { seen = append(seen, fmt.Sprint(name, n)); return n < 1 })
	same(seen, []string{"apple0", "fig1"})
	first, ok := First(seen)
	same(first, "apple0")
	same(ok, true)
	_, ok = First([]int{})
	same(ok, false)
}

func TestStrict(t *testing.T) { exercise(true, t) }
func TestLoose(t *testing.T)  { exercise(false, t) }
