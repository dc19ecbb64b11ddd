package errormail

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	bound      = 20  // mails to one recipient
	stormFewer = 200 // fewer exceptions are no storm
	unsure     = 5   // requests whose end is not known
)

// storm passes if each recipient got few mails and they tell the exact count.
func (o Observations) storm() standard.Finding {
	f := standard.Finding{Claim: "error.mail.storm", Outcome: standard.Pass}
	s := o.Storm
	f.Did = fmt.Sprintf("induced %d exceptions within %.1f s, waited for the end of the window, and stopped it", s.Raised, s.Seconds)
	f.Seen = s.describe()
	many := s.Total > bound*max(len(s.Recipients), 1) ||
		slices.ContainsFunc(s.Recipients, func(recipient string) bool { return len(s.to(recipient)) > bound })
	switch {
	case s.Raised < stormFewer:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("%d of %d requests raised an exception, which is no storm", s.Raised, s.Sent)
	case many:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%d mails for %d exceptions", s.Total, s.Raised)
	case s.forgotten() != "":
		f.Outcome, f.Why = standard.Fail, "no mail at all to "+s.forgotten()
	case s.Sent-s.Raised > unsure:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("%d of %d requests did not end with a status of 500, so the count is not known", s.Sent-s.Raised, s.Sent)
	case !s.exact() && !s.Stopped:
		f.Outcome, f.Why = standard.Unknown, "it was not stopped, so a last mail may be missing"
	case !s.exact():
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("no mail states %d errors, and the counts do not add up to it", s.Raised)
	}
	return f
}

func (s Storm) describe() string {
	var said []string
	for _, mail := range s.Mails {
		said = append(said, mail.Counts...)
	}
	if len(said) == 0 {
		return fmt.Sprintf("%d mails, none with a count", s.Total)
	}
	return fmt.Sprintf("%d mails with the counts %q", s.Total, strings.Join(said[:min(len(said), 6)], "; "))
}

// to lists the mails to one recipient.
func (s Storm) to(recipient string) (list []Mail) {
	for _, mail := range s.Mails {
		if contains(mail.To, recipient) {
			list = append(list, mail)
		}
	}
	return list
}

// forgotten returns a recipient without any mail; "" if there is none.
func (s Storm) forgotten() string {
	for _, recipient := range s.Recipients {
		if len(s.to(recipient)) == 0 {
			return recipient
		}
	}
	return ""
}

// exact reports whether the mails to each recipient tell how many errors there were.
func (s Storm) exact() bool {
	for _, recipient := range s.Recipients {
		if !s.told(s.to(recipient)) {
			return false
		}
	}
	return len(s.Recipients) > 0
}

// told adds up what mails say. Each worker may send its own first mail and its
// own summary; a summary may tell those without a mail of their own, or all,
// or both.
func (s Storm) told(mails []Mail) bool {
	right := func(n int) bool { return n >= s.Raised && n <= s.Sent }
	single, low, high := 0, 0, 0
	for _, mail := range mails {
		numbers := mail.numbers()
		if len(numbers) == 0 {
			if len(mail.Traces) > 0 {
				single++
			}
			continue
		}
		smallest, largest := numbers[0], numbers[0]
		for _, n := range numbers {
			if right(n) || right(n+single) {
				return true
			}
			smallest, largest = min(smallest, n), max(largest, n)
		}
		low, high = low+smallest, high+largest
	}
	return low > 0 && (right(low+single) || right(high) || right(high+single))
}

var digits = regexp.MustCompile(`[0-9]+(?:,[0-9]{3})*`)

// numbers lists the counts above one that a mail states. A mail that speaks of
// one error speaks of itself.
func (m Mail) numbers() (list []int) {
	for _, said := range m.Counts {
		for _, text := range digits.FindAllString(said, -1) {
			if n, err := strconv.Atoi(strings.ReplaceAll(text, ",", "")); err == nil && n > 1 {
				list = append(list, n)
			}
		}
	}
	return list
}
