package logsyslog

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

// header is the beginning of a record of RFC 5424; within a message it means
// that two records share a frame.
var header = regexp.MustCompile(`(?s).<\d{1,3}>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)

// maxSeverities bounds what is kept of one request.
const maxSeverities = 20

// allArrived reports whether every request has a frame.
func allArrived(requests []sent, frames []syslogsink.Frame, transport string) bool {
	for _, r := range requests {
		if len(r.frames(frames, transport)) == 0 {
			return false
		}
	}
	return true
}

// frames returns the frames that belong to a request: those that hold its
// nonce and, for an induced error, a stack trace that came after it.
func (r sent) frames(all []syslogsink.Frame, transport string) []syslogsink.Frame {
	var own []syslogsink.Frame
	for _, f := range all {
		if f.Transport != transport {
			continue
		}
		if strings.Contains(string(f.Raw), r.nonce) || r.kind == Induced && f.Received.After(r.started) && holdsTrace(f) {
			own = append(own, f)
		}
	}
	return own
}

// holdsTrace looks for a stack trace; syslog writes a line feed as "#012".
func holdsTrace(f syslogsink.Frame) bool {
	return len(trace.FindAnywhere(strings.ReplaceAll(string(f.Raw), "#012", "\n"))) > 0
}

// read turns the frames of a boot into plain data.
func (b *Boot) read(boot *bench.Boot, requests []sent) {
	all := boot.Syslog.Frames()
	b.Unrecorded, b.Elsewhere, b.Facilities = boot.Syslog.Unrecorded(), map[string]int{}, map[int]int{}
	for _, r := range requests {
		b.Requests = append(b.Requests, r.request(all, b.Transport))
	}
	for _, f := range all {
		if f.Transport != b.Transport {
			b.Elsewhere[f.Transport]++
			continue
		}
		b.Frames++
		b.Facilities[f.Parsed.Facility]++
		if f.Parsed.Format == "" {
			if b.Unparsed++; b.Unparsed == 1 {
				b.Bad = fmt.Sprintf("%s: %q", f.Parsed.Error, boot.Excerpt(string(f.Raw)))
			}
		}
		if merged(f, requests) {
			b.Merged++
		}
	}
}

// merged reports whether a frame holds several records.
func merged(f syslogsink.Frame, requests []sent) bool {
	holding := 0
	for _, r := range requests {
		if strings.Contains(string(f.Raw), r.nonce) {
			holding++
		}
	}
	return holding > 1 || header.Match(f.Raw)
}

func (r sent) request(all []syslogsink.Frame, transport string) Request {
	request := Request{Kind: r.kind, Target: r.target, Status: r.status}
	for i, f := range r.frames(all, transport) {
		if i == 0 {
			request.Arrived, request.After = true, f.Received.Sub(r.ended).Seconds()
		}
		if i < maxSeverities {
			request.Severities = append(request.Severities, f.Parsed.Severity)
		}
	}
	return request
}
