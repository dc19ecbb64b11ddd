package logstdout

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{requests(o), noFiles(o)}
}

// requests passes if every request was logged in time. A request that got no
// reply says nothing about the log.
func requests(o Observations) standard.Finding {
	f := standard.Finding{Claim: "log.stdout.requests", Outcome: standard.Pass}
	answered, logged, slowest, missing := 0, 0, 0.0, ""
	for _, r := range o.Requests {
		if r.Status == 0 {
			continue
		}
		answered++
		if r.Logged {
			logged++
			slowest = max(slowest, r.After)
		} else if missing == "" {
			missing = r.Target
		}
	}
	f.Did = fmt.Sprintf("sent %d requests, each with a nonce in path, query, user agent and X-Request-Id", len(o.Requests))
	f.Seen = fmt.Sprintf("%d of %d answered requests on standard output or error within 2 s, the slowest after %.0f ms", logged, answered, slowest*1000)
	switch {
	case answered == 0:
		f.Outcome, f.Why = standard.Unknown, "no request was answered"
	case logged < answered && o.Dropped > 0:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("it wrote too much to keep: %d lines were not searched", o.Dropped)
	case logged < answered:
		f.Outcome, f.Why = standard.Fail, "nothing was logged of "+missing
	}
	return f
}

func answered(o Observations) bool {
	for _, r := range o.Requests {
		if r.Status != 0 {
			return true
		}
	}
	return false
}

// noFiles fails on a file that holds the nonces of two reads. Sessions in files
// remember the last page: what each request overwrites is no log.
func noFiles(o Observations) standard.Finding {
	f := standard.Finding{Claim: "log.stdout.no-files", Outcome: standard.Pass}
	f.Seen = fmt.Sprintf("%d written files, deleted and anonymous ones too, none with a nonce", o.Searched)
	var holding, single, growing []string
	for _, file := range o.Files {
		switch {
		case file.Nonces == 1 && file.Newest:
			f.Seen = fmt.Sprintf("%d written files, deleted and anonymous ones too, none with the nonces of two requests", o.Searched)
		case file.Nonces == 1:
			single = append(single, fmt.Sprintf("%s (%s)", file.Path, file.Kind))
		case file.Nonces > 1:
			holding = append(holding, fmt.Sprintf("%s (%s) holds the nonces of %d requests", file.Path, file.Kind, file.Nonces))
		case file.Growing:
			growing = append(growing, file.Path)
		}
	}
	switch {
	case len(holding) > 0:
		f.Outcome, f.Seen = standard.Fail, strings.Join(holding, "; ")
		f.Why = "requests are logged to a file"
	case !answered(o):
		f.Outcome, f.Why = standard.Unknown, "no request was answered"
	case len(single) > 0:
		f.Outcome, f.Seen = standard.Unknown, strings.Join(single[:min(len(single), 8)], ", ")+" with the nonce of one request"
		f.Why = "a file holds the nonce of one request: a log would hold more, and a session that remembers a page would hold the last one"
	case len(growing) > 0:
		f.Outcome, f.Seen = standard.Unknown, strings.Join(growing, ", ")+" grew with every round of requests"
		f.Why = "a file grows with the requests, though no nonce can be read in it"
	case len(o.Partly) > 0:
		f.Outcome, f.Why = standard.Unknown, "not searched whole: "+strings.Join(o.Partly, ", ")
	}
	return f
}
