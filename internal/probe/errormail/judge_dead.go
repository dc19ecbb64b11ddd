package errormail

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	allowance      = 0.5 // seconds of an ordinary request above the slowest of the healthy run
	failingSeconds = 2.0 // for a failing request
)

// dead passes if no way to fail harmed a request although mails were tried.
// Only slow rounds are repeated; the last round of each mode counts.
func (o Observations) dead() standard.Finding {
	f := standard.Finding{Claim: "error.mail.dead", Outcome: standard.Pass}
	last := map[string]Harm{}
	var order []string
	for _, h := range o.Dead {
		if _, known := last[h.Mode]; !known {
			order = append(order, h.Mode)
		}
		last[h.Mode] = h
	}
	if len(order) == 0 {
		f.Outcome, f.Why = standard.Unknown, "no mail server failed"
		return f
	}
	var worst Harm
	for _, mode := range order {
		h := last[mode]
		if h.Failing.Slowest >= worst.Failing.Slowest {
			worst = h
		}
		outcome, why := h.judge()
		if standard.Worst(f.Outcome, outcome) != f.Outcome {
			f.Outcome, f.Why, f.Seen = outcome, why, h.describe()
		}
	}
	f.Did = "induced exceptions while the mail server failed in these ways: " + strings.Join(order, ", ")
	if f.Outcome == standard.Pass {
		f.Seen = "at worst, " + worst.describe()
	}
	return f
}

func (h Harm) describe() string {
	return fmt.Sprintf("with a mail server in mode %s ordinary requests took %.0f ms at most (%.0f ms before) and failing ones %.0f ms, while mails were tried %d times",
		h.Mode, h.Ordinary.Slowest*1000, h.Healthy.Slowest*1000, h.Failing.Slowest*1000, h.Attempts)
}

func (h Harm) judge() (standard.Outcome, string) {
	switch {
	case h.Healthy.Sent == 0 || h.Healthy.Failed > 0:
		return standard.Unknown, "requests failed before the mail server did: " + h.Healthy.Failure
	case h.Ended != "":
		return standard.Fail, "it ended when the mail server failed by " + h.Mode + ": " + h.Ended
	case h.Ordinary.Failed > 0:
		return standard.Fail, fmt.Sprintf("%d of %d ordinary requests failed under %s: %s", h.Ordinary.Failed, h.Ordinary.Sent, h.Mode, h.Ordinary.Failure)
	case h.Failing.Failed > 0:
		return standard.Fail, fmt.Sprintf("%d of %d failing requests got no reply under %s: %s", h.Failing.Failed, h.Failing.Sent, h.Mode, h.Failing.Failure)
	case h.delayed() != "" && h.crowded():
		return standard.Unknown, fmt.Sprintf("%s, but threads of the application waited %.1f s for a processor meanwhile: check again when less runs beside it", h.delayed(), h.Delayed)
	case h.delayed() != "":
		return standard.Fail, h.delayed()
	case h.Ordinary.Sent == 0 || h.Failing.Sent == 0:
		return standard.Unknown, "no request was sent under " + h.Mode
	case h.Attempts == 0:
		return standard.Unknown, "no mail was tried under " + h.Mode + ", so nothing was put to the test"
	}
	return standard.Pass, ""
}

// crowded reports that the application was kept from running for so long that
// this alone explains how slow it was.
func (h Harm) crowded() bool {
	return h.Delayed > max(h.Ordinary.Slowest, h.Failing.Slowest)-h.Healthy.Slowest
}

// delayed says which request waited for the mail server; "" if none did.
func (h Harm) delayed() string {
	switch {
	case h.Ordinary.Slowest > h.Healthy.Slowest+allowance:
		return fmt.Sprintf("under %s an ordinary request took %.0f ms, more than 500 ms above the %.0f ms before", h.Mode, h.Ordinary.Slowest*1000, h.Healthy.Slowest*1000)
	case h.Failing.Slowest > failingSeconds:
		return fmt.Sprintf("under %s a failing request took %.0f ms", h.Mode, h.Failing.Slowest*1000)
	}
	return ""
}
