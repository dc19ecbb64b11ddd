package report

import (
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// sample is a realistic run that has every outcome.
func sample() Run {
	claims, verdicts := sampleVerdicts()
	seconds := map[string]time.Duration{}
	var probes []Timing
	for i, r := range standard.Requirements {
		seconds[r.ID] = time.Duration(i*i*37%5000+140) * time.Millisecond
		probes = append(probes, Timing{r.ID, Seconds(seconds[r.ID])})
	}
	return Run{
		Application: Application{
			Name: "guestbook", Digest: "sha256:77be0d4c2f1ab69e30c4d27a9518f6e3b0cc41d29e7f53a8816b2dd04e5a97c3",
			Commit: "3f2a91c7de5b80460d17cf9a2e6b34d8f1750ac9", Manifest: "roadworthy.yaml",
		},
		Tool: "v0.1.0", Started: time.Date(2026, 7, 9, 14, 2, 11, 0, time.UTC), Mode: Full, Repeats: 3,
		Took: Timings{
			Build: Seconds(6100 * time.Millisecond), Tests: Seconds(12400 * time.Millisecond),
			Sandbox: Seconds(11 * time.Millisecond), Check: Seconds(48300 * time.Millisecond), Probes: probes,
		},
		Host: Host{
			System: "linux/amd64", Kernel: "6.1.0", Processors: 2,
			Restrictions: []Restriction{{
				Refused: "unprivileged user namespaces are restricted, so nothing could watch which files are read",
				Allow:   "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
				Affects: []string{"dependencies"},
			}},
		},
		Requirements: Arrange(nil, claims, verdicts, seconds),
		Excerpts: []Excerpt{
			{"log.syslog.udp", "first frame at the collector", "<134>1 2026-07-09T14:02:31Z web guestbook 41 - - GET /entries 200\n"},
			{"log.syslog.udp", "standard output", "GET /entries?n=7f3c 200 1.2ms\nGET /entries?n=91ab 200 0.9ms\n"},
			{"error.mail.storm", "the last mail", "Subject: [guestbook] ValueError: bad entry (+1 more)\n\nTraceback (most recent call last):\n  File \"app.py\", line 41, in fault\n    raise ValueError(\"bad entry\")\nValueError: bad entry\n"},
		},
		Bundle: ".roadworthy/bundles/2026-07-09T140211-77be0d4c.tar",
		Next:   "roadworthy explain log.syslog.udp",
	}
}

func sampleVerdicts() ([]standard.Claim, []standard.Verdict) {
	var claims []standard.Claim
	var verdicts []standard.Verdict
	for _, c := range sampleClaims {
		claim := standard.Claim{
			ID: c[0], Requirement: standard.RequirementOf(c[0]), Says: c[1], Stimulus: c[2], PassRule: c[3],
			Strength: standard.Observed, Remedy: c[4], Blind: "what the session never reaches",
		}
		claims = append(claims, claim)
		verdicts = append(verdicts, sampleVerdict(claim))
	}
	return claims, verdicts
}

func sampleVerdict(c standard.Claim) standard.Verdict {
	v := standard.Verdict{
		Claim: c.ID, Outcome: standard.Pass, Strength: standard.Observed, By: standard.ByApplication,
		Did: c.Stimulus, Expected: c.PassRule, Seen: "exactly that, in 3 of 3 repeats",
	}
	switch c.ID {
	case "log.syslog.udp":
		v.Outcome = standard.Fail
		v.Did = "set SYSLOG_ADDRESS=udp://127.0.0.1:5514 and sent 20 requests with fresh nonces"
		v.Expected = "20 nonces in frames that parse as RFC 5424 or 3164, within 2 seconds of each reply"
		v.Seen = "14 of 20 nonces; 6 frames did not parse:\n<134>guestbook GET /entries?n=7f3c 200\n<134>guestbook GET /entries?n=91ab 200"
		v.Why = "6 records have no timestamp and no host name, so that a collector cannot tell where they come from"
		v.Remedy = "write the header of RFC 5424 section 6.2, or let `roadworthy run` send to syslog"
	case "log.syslog.stalled":
		v.Outcome = standard.Unknown
		v.Seen = "the collector was never connected to over TCP"
		v.Why = "a collector that is not connected to cannot be stalled"
		v.Remedy = c.Remedy
	case "error.mail.storm":
		v.Outcome = standard.Fail
		v.Did = "induced 300 exceptions in 10 seconds"
		v.Expected = "at most 10 mails, whose counts add up to 300"
		v.Seen = "300 mails"
		v.Why = "one mail is sent per error"
		v.Remedy = "collect errors of the same kind and send one mail for a growing span of time"
	case "error.mail.dead":
		v.Outcome = standard.Error
		v.Seen = ""
		v.Why = "the control failed: the mail sink that was to stall answered within 3 milliseconds"
		v.Remedy = "run the check again; if it stays, report it with the bundle"
	case "workers.replace":
		v.Outcome = standard.Error
		v.Seen = ""
		v.Why = "the control failed: killing a process of the bench's own had no effect"
		v.Remedy = "run the check again; if it stays, report it with the bundle"
	case "dependencies.declared":
		v.Outcome = standard.Unknown
		v.Did, v.Seen = "", ""
		v.Why = "the host does not let the bench watch which files are read"
	case "admin.runs":
		v.Outcome = standard.NotApplicable
		v.Did, v.Seen = "", ""
		v.Why = "the manifest declares no one-off command, and the policy does not ask for one"
	case "status.route.cut", "status.route.answers", "status.route.refuses", "status.route.rotate", "status.route.private":
		v.By = standard.ByRoadworthy
	}
	return v
}

// evil holds what a hostile application may put into any text.
var evil = strings.Join([]string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "\x1b[2J\x1b]0;owned\x07", "\u009b31m", "\xff\xfe\x9b",
	"\u202egnp.exe\u2066", "```\n# heading\n</details>", "a|b|c", "@everyone ![x](https://tracker.example/x.png)", "]]>", "{0} {{.}} [link](1)",
	"\x00\x0b\ufffe\U000e0041", "</style></title>", "\r\noverwrite\rline", "javascript:alert(1)", "&lt;b&gt;",
}, " ") + " "

// hostile is the sample with evil, a megabyte of it where it is longest, in
// every text that is not our own.
func hostile() Run {
	run := sample()
	run.Application.Name = evil
	run.Application.Digest = "sha256:" + evil
	run.Application.Commit = evil
	run.Application.Manifest = "../" + evil
	run.Bundle, run.Next, run.Tool = evil, evil, evil
	run.Host = Host{System: evil, Kernel: evil, Restrictions: []Restriction{{evil, evil, []string{evil, "log.syslog.stalled"}}}}
	huge := strings.Repeat(evil, 1<<20/len(evil)+1)
	for i := range run.Requirements {
		for j := range run.Requirements[i].Claims {
			v := &run.Requirements[i].Claims[j].Verdict
			v.Did, v.Expected, v.Seen, v.Why, v.Remedy, v.By = evil, evil, evil, evil, evil, evil
			if v.Claim == "log.syslog.udp" {
				v.Seen, v.Why = huge, strings.Repeat("e\u0301\u0301", 1<<19)
			}
		}
	}
	run.Excerpts = []Excerpt{{"log.syslog.udp", evil, huge}, {evil, evil, evil}}
	return run
}
