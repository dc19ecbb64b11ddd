package problem

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"processes", "release", "status", "system"}
	for got, want := range map[string]string{
		"proceses": "processes", "prcoesses": "processes", "relase": "release", "Status": "status",
		"qqqqqq": "", strings.Repeat("status", 40): "",
	} {
		if near, _ := Nearest(got, known); near != want {
			t.Errorf("nearest to %q is %q, want %q", got, near, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"", "abc", 3}, {"é", "e", 1}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance %q to %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
