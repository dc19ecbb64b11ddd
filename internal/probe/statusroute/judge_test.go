package statusroute

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// body makes a poll of a body.
func body(status int, text string) Poll {
	form, leaves := parse(text)
	return Poll{Status: status, Form: form, Leaves: leaves, Body: text, At: 0.5}
}

func health(status int, redis, db string) Poll {
	all := "pass"
	if redis != "pass" || db != "pass" {
		all = "fail"
	}
	return body(status, `{"status":"`+all+`","checks":{"redis":{"status":"`+redis+`"},"db":{"status":"`+db+`"}}}`)
}

func fine() Poll { return health(200, "pass", "pass") }

// cutOf is a cut that was told and healed.
func cutOf(service, mode string) Cut {
	bad := health(503, "fail", "pass")
	if service == "db" {
		bad = health(503, "pass", "fail")
	}
	back := fine()
	refusal := Attempt{Name: "no token", Status: 404, Print: 7}
	return Cut{
		Service: service, Mode: mode, Healthy: []Poll{fine(), fine(), fine()}, Unwell: &bad, Polls: 3, Silent: 1,
		Confirm: []Poll{bad, bad}, Refusals: []Attempt{refusal, refusal, refusal}, Back: &back,
	}
}

// honest is what an honest application leaves.
func honest() Observations {
	o := Observations{
		Declared: true, Path: "/status", Answer: fine(), Polls: 20, Absent: Attempt{Status: 404},
		Services: []Service{
			{ID: "cache", Name: "redis", Type: "redis", Within: 10, Named: true},
			{ID: "db", Name: "db", Type: "sqlite", Within: 10, Named: true},
			{ID: "mail", Name: "mail", Type: "smtp", Within: 10},
		},
		Attempts: []Attempt{{Name: "no token", Status: 404}, {Name: "its first half", Status: 401}, {Name: "no token, by POST", Status: 405, Aside: true}},
		Unset:    &Unset{Ended: true},
		Rotation: Rotation{OldBefore: 200, NewBefore: 404, Started: true, NewAfter: 200, OldAfter: 404},
		Private:  Private{Used: 23, Searched: bench.Searched{Lines: 10, Frames: 3}},
	}
	for _, m := range modes {
		if !m.file {
			o.Cuts = append(o.Cuts, cutOf("redis", m.name))
		}
	}
	o.Cuts = append(o.Cuts, cutOf("db", "corrupted"))
	return o
}

type example struct {
	claim string
	edit  func(*Observations)
	want  standard.Outcome
	why   string // part of the reason
}

func verify(t *testing.T, cases map[string]example) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.edit(&o)
			found := false
			for _, f := range judge(o) {
				if f.Claim != "status.route."+c.claim {
					continue
				}
				found = true
				if f.Outcome != c.want || !strings.Contains(f.Why, c.why) {
					t.Errorf("got %s because %q, want %s because of %q", f.Outcome, f.Why, c.want, c.why)
				}
				if f.Outcome == standard.Fail && (f.Seen == "" || f.Why == "") {
					t.Error("a fail without what was seen, or why")
				}
			}
			if !found {
				t.Error("no finding")
			}
		})
	}
}

func TestHonestPasses(t *testing.T) {
	findings := judge(honest())
	if len(findings) != 5 {
		t.Fatalf("%d findings, want 5", len(findings))
	}
	for _, f := range findings {
		if f.Outcome != standard.Pass || f.Seen == "" {
			t.Errorf("%s: %s, seen %q, why %q", f.Claim, f.Outcome, f.Seen, f.Why)
		}
	}
}

func TestNothingRecordedNeverPasses(t *testing.T) {
	for _, o := range []Observations{{}, {Declared: true}, {Declared: true, Services: honest().Services}} {
		findings := judge(o)
		if len(findings) != 5 {
			t.Fatalf("%d findings, want 5", len(findings))
		}
		for _, f := range findings {
			if f.Outcome == standard.Pass {
				t.Errorf("%s passes on nothing", f.Claim)
			}
			if !o.Declared && (f.Outcome != standard.Fail || !strings.Contains(f.Why, "status: {path:")) {
				t.Errorf("%s: %s because %q, want a fail that says how to declare the route", f.Claim, f.Outcome, f.Why)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	attempt := func(a Attempt) func(*Observations) {
		return func(o *Observations) { o.Attempts = append(o.Attempts, a) }
	}
	during := func(edit func(*Attempt)) func(*Observations) {
		return func(o *Observations) { edit(&o.Cuts[2].Refusals[2]) }
	}
	verify(t, map[string]example{
		"accepted":             {"refuses", attempt(Attempt{Name: "a prefix", Status: 200}), standard.Fail, "a prefix: answered with 200"},
		"403":                  {"refuses", attempt(Attempt{Status: 403}), standard.Pass, ""},
		"redirected":           {"refuses", attempt(Attempt{Name: "x", Status: 302}), standard.Fail, "302"},
		"server error":         {"refuses", attempt(Attempt{Name: "x", Status: 500}), standard.Fail, "500"},
		"no answer":            {"refuses", attempt(Attempt{Name: "x", Err: "EOF"}), standard.Fail, "nothing (EOF)"},
		"tells":                {"refuses", attempt(Attempt{Name: "x", Status: 404, Holds: []string{"the name redis"}}), standard.Fail, "tells the name redis"},
		"aside redirected":     {"refuses", attempt(Attempt{Status: 300, Aside: true}), standard.Pass, ""},
		"aside 501":            {"refuses", attempt(Attempt{Status: 501, Aside: true}), standard.Pass, ""},
		"aside 499":            {"refuses", attempt(Attempt{Status: 499, Aside: true}), standard.Pass, ""},
		"aside accepted":       {"refuses", attempt(Attempt{Name: "x", Status: 200, Aside: true}), standard.Fail, "x: answered with 200"},
		"aside 299":            {"refuses", attempt(Attempt{Name: "x", Status: 299, Aside: true}), standard.Fail, "299"},
		"aside 500":            {"refuses", attempt(Attempt{Name: "x", Status: 500, Aside: true}), standard.Fail, "500"},
		"aside tells":          {"refuses", attempt(Attempt{Name: "x", Status: 404, Aside: true, Holds: []string{"h"}}), standard.Fail, "tells h"},
		"aside as absent":      {"refuses", func(o *Observations) { o.Absent.Status = 200; attempt(Attempt{Status: 200, Aside: true})(o) }, standard.Pass, ""},
		"200 as absent":        {"refuses", func(o *Observations) { o.Absent.Status = 200; attempt(Attempt{Status: 200})(o) }, standard.Fail, "200"},
		"open unset":           {"refuses", func(o *Observations) { o.Unset.Attempts = []Attempt{{Name: "unset", Status: 200}} }, standard.Fail, "unset: answered with 200"},
		"broken unset":         {"refuses", func(o *Observations) { o.Unset.Attempts = []Attempt{{Status: 500}} }, standard.Pass, ""},
		"broken and tells":     {"refuses", func(o *Observations) { o.Unset.Attempts = []Attempt{{Status: 500, Holds: []string{"h"}}} }, standard.Fail, "500"},
		"neither up nor gone":  {"refuses", func(o *Observations) { o.Unset.Ended = false }, standard.Unknown, "it neither served nor ended"},
		"sick, and it refused": {"refuses", func(o *Observations) { *o.Unset = Unset{Attempts: []Attempt{{Status: 503}}} }, standard.Pass, ""},
		"unset, and served":    {"refuses", func(o *Observations) { *o.Unset = Unset{Started: true, Attempts: []Attempt{{Status: 404}}} }, standard.Pass, ""},
		"unset not tried":      {"refuses", func(o *Observations) { o.Unset = nil }, standard.Unknown, "nothing was tried"},
		"nothing tried":        {"refuses", func(o *Observations) { o.Attempts = nil }, standard.Unknown, "nothing was tried"},
		"refuses everybody":    {"refuses", func(o *Observations) { o.Answer = body(404, "Not Found") }, standard.Unknown, "with the token"},
		"unreadable":           {"refuses", func(o *Observations) { o.Answer = body(200, "All is well today") }, standard.Unknown, "with the token"},
		"fails with token":     {"refuses", func(o *Observations) { o.Answer = health(503, "fail", "pass") }, standard.Unknown, "with the token"},
		"other when cut":       {"refuses", during(func(a *Attempt) { a.Print = 8 }), standard.Fail, "another one than before"},
		"status when cut":      {"refuses", during(func(a *Attempt) { a.Status = 403 }), standard.Fail, "another one than before"},
		"503 when cut":         {"refuses", during(func(a *Attempt) { a.Status = 503 }), standard.Fail, "answered with 503"},
		"tells when cut":       {"refuses", during(func(a *Attempt) { a.Holds = []string{"h"} }), standard.Fail, "tells h"},
		"absent tells too": {"refuses", func(o *Observations) {
			o.Absent.Holds = []string{"h"}
			o.Cuts[2].Refusals[2].Holds = []string{"h"}
		}, standard.Pass, ""},
		"always another": {"refuses", func(o *Observations) {
			o.Cuts[2].Refusals[1].Print, o.Cuts[2].Refusals[2].Print = 8, 9
		}, standard.Pass, ""},
		"two refusals": {"refuses", func(o *Observations) { o.Cuts[2].Refusals = o.Cuts[2].Refusals[:2] }, standard.Pass, ""},
	})
}

func TestAnswers(t *testing.T) {
	answer := func(p Poll) func(*Observations) { return func(o *Observations) { o.Answer = p } }
	verify(t, map[string]example{
		"lines":          {"answers", answer(body(200, "status: ok\nredis: ok\ndb: ok\n")), standard.Pass, ""},
		"prometheus":     {"answers", answer(body(200, "# HELP up\nup{service=\"redis\"} 1\nup{service=\"db\"} 1\n")), standard.Pass, ""},
		"list":           {"answers", answer(body(200, `[{"name":"Redis","ok":true},{"name":"db","ok":true}]`)), standard.Pass, ""},
		"plain OK":       {"answers", answer(body(200, "OK\n")), standard.Fail, "no machine"},
		"page":           {"answers", answer(body(200, "<p>redis: ok, db: ok</p>")), standard.Fail, "no machine"},
		"sentence":       {"answers", answer(body(200, "redis and db are fine")), standard.Fail, "no machine"},
		"JSON text":      {"answers", answer(body(200, `"redis db"`)), standard.Fail, "no machine"},
		"one missing":    {"answers", answer(body(200, `{"redis":"ok"}`)), standard.Fail, "does not name db"},
		"names nothing":  {"answers", answer(body(200, `{"status":"ok"}`)), standard.Fail, "redis, db"},
		"503":            {"answers", answer(health(503, "pass", "pass")), standard.Fail, "503"},
		"404":            {"answers", answer(body(404, "Not Found")), standard.Fail, "404"},
		"no answer":      {"answers", answer(Poll{Err: "deadline"}), standard.Fail, "did not answer: deadline"},
		"mail unnamed":   {"answers", answer(fine()), standard.Pass, ""},
		"name in a text": {"answers", answer(body(200, `{"status":"ok","note":"redis and db"}`)), standard.Fail, "does not name"},
	})
}

func TestRotate(t *testing.T) {
	rotation := func(edit func(*Rotation)) func(*Observations) { return func(o *Observations) { edit(&o.Rotation) } }
	verify(t, map[string]example{
		"fixed":         {"rotate", rotation(func(r *Rotation) { r.OldBefore = 404 }), standard.Fail, "given is not accepted"},
		"any":           {"rotate", rotation(func(r *Rotation) { r.NewBefore = 200 }), standard.Fail, "not given"},
		"does not stop": {"rotate", rotation(func(r *Rotation) { r.Started, r.Err = false, "port in use" }), standard.Fail, "port in use"},
		"kept":          {"rotate", rotation(func(r *Rotation) { r.NewAfter = 401 }), standard.Fail, "the new token"},
		"for ever":      {"rotate", rotation(func(r *Rotation) { r.OldAfter = 200 }), standard.Fail, "the old token"},
		"no answer":     {"rotate", rotation(func(r *Rotation) { r.OldAfter = 0 }), standard.Fail, "the old token"},
		"unwell":        {"rotate", rotation(func(r *Rotation) { r.NewAfter = 500 }), standard.Pass, ""},
		"499":           {"rotate", rotation(func(r *Rotation) { r.NewAfter = 499 }), standard.Fail, "the new token"},
		"401 and 403":   {"rotate", rotation(func(r *Rotation) { r.NewBefore, r.OldAfter = 401, 403 }), standard.Pass, ""},
	})
}

func TestPrivate(t *testing.T) {
	private := func(edit func(*Private)) func(*Observations) { return func(o *Observations) { edit(&o.Private) } }
	verify(t, map[string]example{
		"leak": {"private", private(func(p *Private) {
			p.Leaks = []bench.Leak{{Secret: "the token", Where: "mail", Form: "base64"}}
		}), standard.Fail, "the token is in mail (base64)"},
		"missed":      {"private", private(func(p *Private) { p.Searched.Missed = []string{"a large file"} }), standard.Unknown, "a large file"},
		"silent":      {"private", private(func(p *Private) { p.Searched.Lines, p.Searched.Frames = 0, 0 }), standard.Unknown, "nothing was logged"},
		"syslog only": {"private", private(func(p *Private) { p.Searched.Lines = 0 }), standard.Pass, ""},
		"not used":    {"private", private(func(p *Private) { p.Used = 0 }), standard.Unknown, "not used"},
		"no answer":   {"private", func(o *Observations) { o.Answer = Poll{} }, standard.Unknown, "not used"},
	})
}
