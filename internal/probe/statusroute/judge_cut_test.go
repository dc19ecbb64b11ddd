package statusroute

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestCut(t *testing.T) {
	first := func(edit func(*Cut)) func(*Observations) { return func(o *Observations) { edit(&o.Cuts[0]) } }
	unwellAs := func(p Poll) func(*Observations) {
		return first(func(c *Cut) { c.Unwell = &p; c.Confirm = []Poll{p} })
	}
	late := func(p Poll, at float64) *Poll { p.At = at; return &p }
	verify(t, map[string]example{
		"false alarm":       {"cut", func(o *Observations) { o.Clean = []Poll{health(503, "fail", "pass")} }, standard.Fail, "false alarm while"},
		"no peace":          {"cut", func(o *Observations) { o.Polls = 0 }, standard.Unknown, "not every service"},
		"never well":        {"cut", first(func(c *Cut) { c.Healthy = nil }), standard.Fail, "never well"},
		"too few before":    {"cut", first(func(c *Cut) { c.Healthy = c.Healthy[:2] }), standard.Fail, "never well"},
		"alarm before":      {"cut", first(func(c *Cut) { c.Healthy[1] = health(503, "fail", "pass") }), standard.Fail, "before the cut"},
		"not asked":         {"cut", first(func(c *Cut) { c.Unwell = nil }), standard.Fail, "nothing was asked"},
		"always 200":        {"cut", unwellAs(fine()), standard.Fail, "did not say that redis fails"},
		"unnamed":           {"cut", unwellAs(body(503, `{"status":"fail"}`)), standard.Fail, "did not say"},
		"named as well":     {"cut", unwellAs(body(503, `{"status":"fail","checks":{"redis":{"status":"pass"},"db":{"status":"pass"}}}`)), standard.Fail, "did not say"},
		"contradicts":       {"cut", unwellAs(body(200, `{"status":"pass","checks":{"redis":{"status":"fail"},"db":{"status":"pass"}}}`)), standard.Fail, "did not say"},
		"top alone":         {"cut", unwellAs(body(200, `{"status":"fail","checks":{"redis":{"status":"fail"},"db":{"status":"pass"}}}`)), standard.Pass, ""},
		"499":               {"cut", unwellAs(body(499, `{"status":"pass","checks":{"redis":{"status":"fail"},"db":{"status":"pass"}}}`)), standard.Fail, "did not say"},
		"500 alone":         {"cut", unwellAs(body(500, `{"status":"pass","checks":{"redis":{"status":"fail"},"db":{"status":"pass"}}}`)), standard.Pass, ""},
		"no top":            {"cut", unwellAs(body(200, `{"redis":"down","db":"up"}`)), standard.Pass, ""},
		"error page":        {"cut", unwellAs(body(503, "Service Unavailable, sorry\n")), standard.Fail, "no machine"},
		"other blamed":      {"cut", unwellAs(health(503, "fail", "fail")), standard.Fail, "marked db as well"},
		"only other blamed": {"cut", unwellAs(health(503, "pass", "fail")), standard.Fail, "did not say that redis"},
		"blamed later": {"cut", first(func(c *Cut) {
			c.Confirm[1] = health(503, "fail", "fail")
		}), standard.Fail, "marked db as well"},
		"hangs": {"cut", first(func(c *Cut) { c.Unwell, c.Polls, c.Silent = &Poll{Err: "deadline"}, 2, 2 }), standard.Fail, "did not answer within"},
		"hangs at the end": {"cut", first(func(c *Cut) {
			c.Unwell, c.Polls, c.Silent = &Poll{Err: "deadline"}, 3, 2
		}), standard.Fail, "did not say that redis fails: no answer (deadline)"},
		"told late":       {"cut", first(func(c *Cut) { c.Unwell = late(*c.Unwell, 11.1) }), standard.Fail, "told only after 11.1 s"},
		"told in time":    {"cut", first(func(c *Cut) { c.Unwell = late(*c.Unwell, 11) }), standard.Pass, ""},
		"declared less":   {"cut", func(o *Observations) { o.Services[0].Within = 2; o.Cuts[0].Unwell.At = 3.1 }, standard.Fail, "2 s are declared"},
		"told once":       {"cut", first(func(c *Cut) { c.Confirm = []Poll{fine(), fine(), *c.Unwell} }), standard.Fail, "2 of 3 further polls"},
		"told mostly":     {"cut", first(func(c *Cut) { c.Confirm = []Poll{fine(), *c.Unwell, *c.Unwell} }), standard.Pass, ""},
		"told half":       {"cut", first(func(c *Cut) { c.Confirm = []Poll{fine(), *c.Unwell} }), standard.Pass, ""},
		"not confirmed":   {"cut", first(func(c *Cut) { c.Confirm = nil }), standard.Fail, "told once"},
		"died":            {"cut", first(func(c *Cut) { c.Ended = true }), standard.Fail, "ended"},
		"never healed":    {"cut", first(func(c *Cut) { c.Back = c.Unwell }), standard.Fail, "not well again"},
		"not asked again": {"cut", first(func(c *Cut) { c.Back = nil }), standard.Fail, "not well again"},
		"healed late":     {"cut", first(func(c *Cut) { c.Back = late(fine(), 11.1) }), standard.Fail, "only 11.1 s after"},
		"healed in time":  {"cut", first(func(c *Cut) { c.Back = late(fine(), 11) }), standard.Pass, ""},
		"skipped":         {"cut", first(func(c *Cut) { *c = Cut{Service: "redis", Mode: "refused", Skipped: true} }), standard.Unknown, "not every service"},
		"skipped after a fail": {"cut", func(o *Observations) {
			o.Cuts[0].Back, o.Cuts[1] = nil, Cut{Service: "redis", Mode: "hung", Skipped: true}
		}, standard.Fail, "not well again"},
		"a mode left out": {"cut", func(o *Observations) { o.Cuts = o.Cuts[1:] }, standard.Unknown, "not every service"},
		"a service left out": {"cut", func(o *Observations) {
			o.Cuts = o.Cuts[:len(o.Cuts)-1]
		}, standard.Unknown, "not every service"},
		"nothing to cut": {"cut", func(o *Observations) { o.Services, o.Cuts = o.Services[2:], nil }, standard.NotApplicable, "no backing service"},
	})
}

// TestSkippedModesAreNotSaidToBeTried looks at what a verdict says was done.
func TestSkippedModesAreNotSaidToBeTried(t *testing.T) {
	o := honest()
	if did := cut(o).Did; !strings.Contains(did, "cut redis, db in 7 ways: refused, hung, black-holed, reset, truncated, its name removed, corrupted") {
		t.Errorf("did: %s", did)
	}
	o.Cuts[1].Skipped = true
	if did := cut(o).Did; !strings.Contains(did, "in 6 ways: refused, black-holed") {
		t.Errorf("did: %s", did)
	}
}

// TestWordsOfOthers shows that a state which no list knows is told by its change.
func TestWordsOfOthers(t *testing.T) {
	names := []string{"redis"}
	healthy := []Poll{body(200, `{"redis":{"state":"s1"}}`), body(200, `{"redis":{"state":"s1"}}`), body(200, `{"redis":{"state":"s1"}}`)}
	changed, same := body(200, `{"redis":{"state":"s2"}}`), healthy[0]
	if !unwell(changed, healthy, "redis", names) || unwell(same, healthy, "redis", names) {
		t.Error("a constant value that changes is not taken for a change of state")
	}
	if well(changed, healthy, names) || !well(same, healthy, names) {
		t.Error("a service is well again only with the value that it had")
	}
	restless := []Poll{body(200, `{"redis":{"state":"s1"}}`), body(200, `{"redis":{"state":"s3"}}`), body(200, `{"redis":{"state":"s1"}}`)}
	if unwell(changed, restless, "redis", names) {
		t.Error("a value that always changes tells nothing")
	}
	if unwell(changed, healthy[:1], "redis", names) || unwell(changed, nil, "redis", names) {
		t.Error("one poll shows no constant")
	}
	if number := body(200, `{"redis":{"latency":7}}`); unwell(number, []Poll{body(200, `{"redis":{"latency":3}}`), body(200, `{"redis":{"latency":3}}`)}, "redis", names) {
		t.Error("a latency is no state")
	}
	top := body(200, `{"status":"ok","redis":{"state":"s2"}}`)
	if unwell(top, healthy, "redis", names) {
		t.Error("the top says ok")
	}
}
