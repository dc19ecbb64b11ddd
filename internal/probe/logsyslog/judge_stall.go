package logsyslog

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	allowance = 0.5 // seconds above the slowest request of the healthy run
	// inSockets is how many records the connections of a few workers may hold
	// when they break: those losses nobody can count.
	inSockets = 20
	// fewest is how many requests of a silence over TCP could fill a queue.
	fewest = 250
)

// stalled passes if over each transport a round was without harm. Only slow
// rounds are repeated.
func (o Observations) stalled() standard.Finding {
	f := standard.Finding{Claim: "log.syslog.stalled", Outcome: standard.Pass}
	if !o.Collector {
		f.Outcome, f.Seen, f.Why = standard.Fail, "no collector to stall", noCollector
		return f
	}
	last := map[string]Stall{}
	for _, s := range o.Stalls {
		last[s.Transport] = s
	}
	tcp, tried := last["tcp"]
	switch {
	case !tried && !o.works("tcp"):
		f.Outcome, f.Seen, f.Why = standard.Fail, "no record over TCP while the collector was healthy", "what does not arrive cannot arrive again"
		return f
	case !tried:
		f.Outcome, f.Why = standard.Unknown, "the collector was not stalled"
		return f
	}
	f.Seen = tcp.describe()
	for _, transport := range []string{"tcp", "unix"} {
		s, tried := last[transport]
		if !tried {
			continue
		}
		outcome, why := s.harm()
		if outcome != standard.Pass && f.Outcome == standard.Pass {
			f.Outcome, f.Seen, f.Why = outcome, s.describe(), why
		}
	}
	return f
}

// works reports whether records arrived by a transport.
func (o Observations) works(transport string) bool {
	boot, tried := o.first(transport)
	return tried && boot.Frames > 0
}

func (s Stall) describe() string {
	return fmt.Sprintf("over %s the slowest request took %.0f ms with a healthy collector, %.0f ms with a silent, %.0f ms with a dead one; %d of %d records lost in the silence, %s",
		s.Transport, s.Healthy.Slowest*1000, s.Silent.Slowest*1000, s.Dead.Slowest*1000, s.Lost, s.Silent.Sent, s.tellings())
}

func (s Stall) tellings() string {
	if len(s.Told) == 0 {
		return "no word of a loss"
	}
	return fmt.Sprintf("%d words of a loss such as %q", len(s.Told), s.Told[0].Text)
}

// harm says what a stall did to the application.
func (s Stall) harm() (standard.Outcome, string) {
	switch {
	case s.Healthy.Sent == 0 || s.Silent.Sent == 0:
		return standard.Unknown, "no request was sent"
	case s.Healthy.Failed > 0:
		return standard.Unknown, "requests failed while the collector was healthy: " + s.Healthy.Failure
	case s.Silent.Failed > 0:
		return standard.Fail, fmt.Sprintf("%d of %d requests failed while the collector was silent: %s", s.Silent.Failed, s.Silent.Sent, s.Silent.Failure)
	case s.delayed() != "":
		return standard.Fail, s.delayed()
	case s.AfterStall < 0:
		return standard.Fail, "no record arrived within 10 s after the collector read again"
	case s.Dead.Sent == 0:
		return standard.Unknown, "no request was sent while the collector was gone"
	case s.Dead.Failed > 0:
		return standard.Fail, fmt.Sprintf("%d of %d requests failed while the collector was gone: %s", s.Dead.Failed, s.Dead.Sent, s.Dead.Failure)
	case s.AfterDeath < 0:
		return standard.Fail, "no record arrived within 10 s after the collector was there again"
	case s.miscounted() != "" && s.Dropped > 0:
		return standard.Unknown, fmt.Sprintf("it wrote too much to keep: %d lines were not searched", s.Dropped)
	case s.miscounted() != "":
		return standard.Fail, s.miscounted()
	case s.Transport == "tcp" && s.Silent.Sent < fewest && s.Lost == 0:
		return standard.Unknown, fmt.Sprintf("only %d requests were answered while the collector was silent, too few to fill a queue: check again when less runs beside it", s.Silent.Sent)
	}
	return standard.Pass, ""
}

// delayed says which load was slower than the healthy run allows; "" if none.
func (s Stall) delayed() string {
	limit := s.Healthy.Slowest + allowance
	for _, l := range []struct {
		how string
		Load
	}{{"silent", s.Silent}, {"gone", s.Dead}} {
		if l.Slowest > limit {
			return fmt.Sprintf("a request took %.0f ms while the collector was %s, more than 500 ms above the %.0f ms of the healthy run",
				l.Slowest*1000, l.how, s.Healthy.Slowest*1000)
		}
	}
	return ""
}

var (
	// numberBefore reads "12 records lost", numberAfter "dropped 12 records", "lost=12".
	numberBefore = regexp.MustCompile(`(?i)\b([0-9]+)(?:\s+[a-z-]+){0,4}?\s+(?:lost|dropped|discarded|suppressed|missed|skipped|undelivered|not sent)`)
	numberAfter  = regexp.MustCompile(`(?i)(?:lost|lose|drop(?:ped|s|ping)?|discard(?:ed|s|ing)?|suppress(?:ed)?|overflow(?:ed)?|missed|skipped|undelivered|not sent)[^0-9\n]{0,24}([0-9]+)`)
)

// miscounted says how the losses that were told differ from those that
// happened; "" if they fit. Each worker may tell its own, a number may be that
// of all so far, and one request may make several records.
func (s Stall) miscounted() string {
	if s.Lost <= inSockets {
		return ""
	}
	low := max(1, s.Lost-s.Lost/10-inSockets)
	high := int(2*float64(s.Lost)*max(s.PerRequest, 1)) + 5*inSockets
	sums, most := map[string]int{}, 0
	for _, told := range s.Told {
		n := numberOf(told.Text)
		sums[told.Stream] += n
		most = max(most, n)
	}
	best := most
	for _, total := range append([]int{most}, sums["stdout"], sums["stderr"], sums["syslog"]) {
		if total >= low && total <= high {
			return ""
		}
		best = max(best, total)
	}
	if best == 0 {
		return fmt.Sprintf("%d of %d records were lost and nothing says how many", s.Lost, s.Silent.Sent)
	}
	return fmt.Sprintf("%d of %d records were lost, but it speaks of %d", s.Lost, s.Silent.Sent, best)
}

// numberOf reads the number of lost records; 0 where the text has none.
func numberOf(text string) int {
	for _, form := range []*regexp.Regexp{numberBefore, numberAfter} {
		if m := form.FindStringSubmatch(text); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				return n
			}
		}
	}
	return 0
}
