package peer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limit is a goal: a sign and a number.
type Limit struct {
	Sign string // "≤" or "≥"
	Than float64
	Unit string // such as "× nginx"
}

// AtMost and AtLeast are the two kinds of goals.
func AtMost(than float64, unit string) *Limit { return &Limit{"≤", than, unit} }

// AtLeast is a goal that larger numbers meet.
func AtLeast(than float64, unit string) *Limit { return &Limit{"≥", than, unit} }

// Row is one line of the table. Without a goal it is there to be known.
type Row struct {
	ID, What    string
	Ours, Peers string
	Ratio       float64 // 0 for none
	Measured    float64 // what the goal is about; 0 for the ratio
	Zero        bool    // Measured is 0 and means it
	Goal        *Limit
	Rounds      int
}

// Row prints a line of the table.
func (b *Bench) Row(r Row) {
	ratio := "–"
	if r.Ratio != 0 {
		ratio = Number(r.Ratio)
	}
	want, result := "–", "–"
	if r.Goal != nil {
		want, result = r.Goal.Sign+" "+strconv.FormatFloat(r.Goal.Than, 'f', -1, 64)+r.Goal.Unit, r.result()
	}
	words := []string{r.ID, r.What, r.Ours, r.Peers, ratio, want, result, b.load, strconv.Itoa(r.Rounds)}
	fmt.Fprintln(b.out, "| "+strings.Join(words, " | ")+" |")
}

// result compares with the goal.
func (r Row) result() string {
	measured := r.Measured
	if measured == 0 && !r.Zero {
		measured = r.Ratio
	}
	if (measured == 0 && !r.Zero) || math.IsNaN(measured) || math.IsInf(measured, 0) {
		return "not measured"
	}
	over := measured - r.Goal.Than
	if r.Goal.Sign == "≥" {
		over = -over
	}
	if over <= 0 {
		return "met"
	}
	return "**missed by " + Number(over) + r.Goal.Unit + "**"
}

// Number writes a number with three digits that count.
func Number(v float64) string {
	switch size := math.Abs(v); {
	case size >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
