package logsyslog

import (
	"slices"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func arrived(transport string, after time.Duration, raw string) syslogsink.Frame {
	return syslogsink.Frame{Received: began.Add(after), Transport: transport, Raw: []byte(raw), Parsed: syslogsink.Parse([]byte(raw))}
}

const prefix = "<131>1 2026-01-02T03:04:05Z web app 1 - - "

func TestFramesBelongToARequest(t *testing.T) {
	frames := []syslogsink.Frame{
		arrived("udp", time.Second, prefix+"GET /?q=nonce-a"),
		arrived("tcp", time.Second, prefix+"GET /?q=nonce-a"),
		arrived("udp", -time.Second, prefix+`Traceback (most recent call last):#012  File "/app/web.py", line 3, in f#012    g()#012ValueError: early`),
		arrived("udp", 2*time.Second, prefix+`Traceback (most recent call last):#012  File "/app/web.py", line 3, in f#012    g()#012ValueError: late`),
	}
	ordinary := sent{kind: Ordinary, nonce: "nonce-a", started: began, ended: began}
	induced := sent{kind: Induced, nonce: "nonce-b", started: began, ended: began}
	if got := ordinary.request(frames, "udp"); !got.Arrived || got.After != 1 || !slices.Equal(got.Severities, []int{3}) {
		t.Errorf("ordinary: %+v", got)
	}
	if got := induced.request(frames, "udp"); !got.Arrived || got.After != 2 || len(got.Severities) != 1 {
		t.Errorf("induced: %+v", got)
	}
	if got := induced.request(frames, "tcp"); got.Arrived {
		t.Errorf("by another transport: %+v", got)
	}
	if allArrived([]sent{ordinary, induced}, frames, "tcp") || !allArrived([]sent{ordinary, induced}, frames, "udp") {
		t.Error("wrong about all of them")
	}
}

func TestMergedRecordsAreFound(t *testing.T) {
	requests := []sent{{nonce: "nonce-a"}, {nonce: "nonce-b"}}
	for raw, want := range map[string]bool{
		prefix + "nonce-a":                      false,
		prefix + "nonce-a again nonce-a":        false,
		prefix + "nonce-a and nonce-b":          true,
		prefix + "nonce-a" + prefix + "started": true,
		prefix + "a\n" + prefix + "b":           true,
	} {
		if got := merged(arrived("udp", 0, raw), requests); got != want {
			t.Errorf("%q: got %t", raw, got)
		}
	}
}

func TestBatchCountsFramesOnce(t *testing.T) {
	l := &batch{word: "abc", number: batchNumber("abc"), transport: "tcp", counts: map[int]int{}}
	frames := []syslogsink.Frame{arrived("tcp", 0, "GET /?q=abcx1&n=abcx1"), arrived("udp", 0, "abcx2"), arrived("tcp", 0, "abcx12"), arrived("tcp", 0, "nothing")}
	if got := l.take(frames); got != 2 {
		t.Errorf("%d requests", got)
	}
	frames = append(frames, arrived("tcp", 0, "abcx1"))
	if got := l.take(frames); got != 2 || l.counts[1] != 2 || l.counts[12] != 1 {
		t.Errorf("%d requests, %v", got, l.counts)
	}
}
