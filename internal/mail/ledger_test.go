package mail

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func testRules() rules { return rules{perHour: 10, burst: 10, maxKinds: 8, quiet: 24 * time.Hour} }

// start is when every test begins.
func start() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

func event(kind string, at time.Time) Event {
	return Event{Fingerprint: kind, Title: "Error: " + kind, Time: at}
}

// Whatever happens in whatever order: of all errors, those told in delivered
// letters and those pending are exactly those reported, for every kind.
func TestNoCountIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := start()
		l := newLedger(testRules(), now)
		reported, told := map[string]uint64{}, map[string]uint64{}
		var all, allTold uint64
		var single []time.Time
		var flying *letter
		t.Repeat(map[string]func(*rapid.T){
			"note": func(t *rapid.T) {
				kind := fmt.Sprint("k", rapid.IntRange(0, 12).Draw(t, "kind"))
				e := event(kind, now)
				e.Release = rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "release")
				l.note(e, now)
				reported[kind]++
				all++
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(1, int64(36*time.Hour)).Draw(t, "how long")))
			},
			"wait a little": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(1, int64(3*time.Minute)).Draw(t, "how long")))
			},
			"begin": func(t *rapid.T) {
				if flying == nil {
					flying, _ = l.next(now)
				}
			},
			"close": func(t *rapid.T) {
				if flying == nil {
					flying = l.last(now, time.Hour)
				}
			},
			"end": func(t *rapid.T) {
				if flying == nil {
					t.Skip()
				}
				switch rapid.IntRange(0, 2).Draw(t, "how") {
				case 0:
					l.delivered(flying)
					allTold += flying.count()
					for _, p := range flying.parts {
						told[p.group.Fingerprint] += p.count
					}
					if !flying.digest {
						single = append(single, flying.at)
					}
				case 1:
					l.failed(flying)
				case 2:
					l.refused(flying)
				}
				flying = nil
			},
			"die": func(t *rapid.T) {
				data, err := json.Marshal(l.snapshot())
				var s state
				if err != nil || json.Unmarshal(data, &s) != nil || s.check() != nil {
					t.Fatalf("the state cannot be read: %v %s", err, data)
				}
				flying, l = nil, newLedger(testRules(), now)
				l.restore(s, now)
			},
			"mute": func(t *rapid.T) {
				for _, g := range l.groups {
					g.MutedUntil = now.Add(time.Hour)
					break
				}
			},
			"": func(t *rapid.T) {
				if all != allTold+l.pending() || l.total.Reported != all || l.total.Told != allTold {
					t.Fatalf("%d reported, %d told, %d pending; the ledger says %+v", all, allTold, l.pending(), l.total)
				}
				for kind, g := range l.groups {
					if g.Sending > g.Total-g.Told || kind != otherKinds && g.Total > reported[kind] {
						t.Fatalf("%s: %+v, %d reported, %d told", kind, g, reported[kind], told[kind])
					}
				}
				if len(l.groups) > testRules().maxKinds+1 {
					t.Fatalf("%d kinds are kept", len(l.groups))
				}
				for i := range single { // more than the bucket held and gained
					if j := i + 20; j < len(single) && single[j].Sub(single[i]) < time.Hour {
						t.Fatalf("21 mails within %v", single[j].Sub(single[i]))
					}
				}
			},
		})
		// In the end, with a server that works, everything is told.
		if flying != nil {
			l.failed(flying)
		}
		for range 10_000 {
			out, wake := l.next(now)
			if out != nil {
				l.delivered(out)
				allTold += out.count()
				continue
			}
			if wake.IsZero() {
				break
			}
			if !wake.After(now) {
				t.Fatalf("it is to wake up at %v, which is not after %v", wake, now)
			}
			now = wake
		}
		if all != allTold || l.pending() != 0 {
			t.Fatalf("%d of %d were told", allTold, all)
		}
	})
}

// told runs a ledger until a time with a server that works, and returns when
// it mailed how many errors.
func told(l *ledger, from, until time.Time) (letters []string) {
	for now := from; ; {
		out, wake := l.next(now)
		switch {
		case out != nil:
			l.delivered(out)
			what := "mail"
			if out.digest {
				what = fmt.Sprintf("digest of %d", len(out.parts))
			}
			letters = append(letters, fmt.Sprintf("%v %s %d", now.Sub(start()), what, out.count()))
		case wake.IsZero() || wake.After(until):
			return letters
		default:
			now = wake
		}
	}
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWindowsGrowWider(t *testing.T) {
	l := newLedger(testRules(), start())
	var got []string
	for second := 0; second < 8*3600; second += 10 {
		now := start().Add(time.Duration(second) * time.Second)
		l.note(event("a", now), now)
		got = append(got, told(l, now, now)...)
	}
	same(t, got, "0s mail 1", "1m0s mail 6", "11m0s mail 60", "1h11m0s mail 360", "7h11m0s mail 2160")
}

func TestAStormBecomesADigest(t *testing.T) {
	l := newLedger(rules{perHour: 2, burst: 2, maxKinds: 100, quiet: time.Hour}, start())
	for kind := range 5 {
		for range kind + 1 {
			l.note(event(fmt.Sprint(kind), start()), start())
		}
	}
	same(t, told(l, start(), start()), "0s mail 1", "0s mail 2")
	late := start().Add(30 * time.Second)
	l.note(event("4", late), late)
	l.note(event("0", late), late)
	same(t, told(l, late, start().Add(time.Hour)), "1m0s digest of 4 14")
	if l.pending() != 0 {
		t.Errorf("%d pending", l.pending())
	}
}

func TestNewsGoBeforeRepeats(t *testing.T) {
	l := newLedger(rules{perHour: 1, burst: 1, maxKinds: 100, quiet: 24 * time.Hour}, start())
	l.note(event("old", start()), start())
	l.note(event("old", start()), start())
	same(t, told(l, start(), start()), "0s mail 2")
	l.note(event("old", start()), start())
	later := start().Add(time.Hour)
	l.note(event("new", later), later)
	out, _ := l.next(later)
	if out == nil || out.digest || out.parts[0].group.Fingerprint != "new" {
		t.Errorf("got %+v", out)
	}
}

func TestAKindComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(l *ledger)
		after   time.Duration
		release string
		back    string // "no mail" where the window still runs
	}{
		"quiet, new release":  {func(*ledger) {}, 25 * time.Hour, "v2", "v2"},
		"quiet, same release": {func(*ledger) {}, 25 * time.Hour, "v1", ""},
		"fixed, new release":  {func(l *ledger) { l.groups["a"].Fixed = true }, time.Second, "v2", "v2"},
		"fixed, same release": {func(l *ledger) { l.groups["a"].Fixed = true }, time.Second, "v1", "no mail"},
		"fixed, no release":   {func(l *ledger) { l.groups["a"].Fixed = true }, time.Second, "", "this release"},
		"just a new release":  {func(*ledger) {}, time.Second, "v2", "no mail"},
	} {
		l := newLedger(testRules(), start())
		e := event("a", start())
		e.Release = "v1"
		l.note(e, start())
		same(t, told(l, start(), start()), "0s mail 1")
		c.prepare(l)
		now := start().Add(c.after)
		e.Release, e.Time = c.release, now
		l.note(e, now)
		out, _ := l.next(now)
		got := "no mail"
		if out != nil {
			got = out.parts[0].back
		}
		if got != c.back {
			t.Errorf("%s: got %q, want %q", name, got, c.back)
		}
	}
}

func TestMutedKindsAreCounted(t *testing.T) {
	l := newLedger(testRules(), start())
	l.note(event("a", start()), start())
	l.groups["a"].MutedUntil = start().Add(time.Hour)
	l.note(event("a", start()), start())
	same(t, told(l, start(), start().Add(2*time.Hour)), "1h0m0s mail 2")
}

func TestKindsWithoutEnd(t *testing.T) {
	l := newLedger(testRules(), start())
	for kind := range 1000 {
		l.note(event(fmt.Sprint(kind), start()), start())
	}
	if len(l.groups) != 9 || l.groups[otherKinds].Total != 992 {
		t.Errorf("%d kinds, other: %+v", len(l.groups), l.groups[otherKinds])
	}
	got := told(l, start(), start())
	if len(got) != 9 {
		t.Errorf("got %q", got)
	}
	// Once their windows are over, old kinds make room.
	now := start().Add(time.Hour)
	l.note(event("new", now), now)
	if l.groups["new"] == nil || len(l.groups) != 9 {
		t.Errorf("no room for a new kind among %d", len(l.groups))
	}
}
