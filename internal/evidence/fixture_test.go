package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// testKey is a key that is the same in every run.
func testKey(name string) Key {
	seed := sha256.Sum256([]byte(name))
	return Key{private: ed25519.NewKeyFromSeed(seed[:])}
}

// reading is the form of the observations in these tests.
type reading struct {
	Lines int    `json:"lines"`
	Text  string `json:"text"`
}

// judgeLines passes a probe whose observation has at least one line.
func judgeLines(probe string, observation []byte) ([]standard.Verdict, error) {
	var r reading
	if err := json.Unmarshal(observation, &r); err != nil {
		return nil, err
	}
	v := standard.Verdict{
		Claim: probe + ".arrives", Outcome: standard.Pass, Strength: standard.Observed, By: standard.ByApplication,
		Did: "sent a request", Expected: "at least 1 line", Seen: fmt.Sprintf("%d lines: %s", r.Lines, r.Text),
	}
	if r.Lines == 0 {
		v.Outcome, v.Why, v.Remedy = standard.Fail, "nothing arrived", "flush after each line"
	}
	form := v
	form.Claim, form.Did = probe+".form", "read the <line>"
	return []standard.Verdict{v, form}, nil
}

func observe(t testing.TB, probe string, r reading) Observation {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return Observation{Probe: probe, Data: data}
}

// sample is a small, whole content whose verdicts follow from it.
func sample(t testing.TB) Content {
	t.Helper()
	started := time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)
	content := Content{
		Subject: Subject{Name: "guestbook", Digest: DigestOf([]byte("artifact"))},
		Run: Run{
			Tool:    Tool{Name: "roadworthy", Version: "0.1.0"},
			Started: started, Ended: started.Add(42 * time.Second),
			Application: Application{Name: "guestbook", Commit: "7322983f1c0ce2f0a4b4a1a3f2b5d1b2c3d4e5f6", Dirty: true},
			Environment: Bench,
			Host:        map[string]string{"kernel": "6.18", "processors": "2"},
			Seed:        1<<63 + 12345,
			Definitions: DefinitionsDigest(map[string][]byte{"a/def.yaml": []byte("says: a"), "b/def.yaml": []byte("says: b")}),
		},
		Manifest: []byte("name: guestbook\nprocesses: {web: ./guestbook}\n"),
		Observations: []Observation{
			observe(t, "log.syslog", reading{Lines: 3, Text: "<14>1 grüße & \u2028 \"quoted\""}),
			observe(t, "log.stdout", reading{Lines: 0}),
		},
		Attachments: []Attachment{
			{Name: "mail/1.eml", MediaType: "message/rfc822", Data: []byte("Subject: boom\r\n\r\nTraceback\r\n")},
			{Name: "empty.log", MediaType: "text/plain"},
		},
	}
	content.Verdicts = judged(t, content)
	return content
}

func judged(t testing.TB, content Content) []standard.Verdict {
	t.Helper()
	var all []standard.Verdict
	for _, o := range content.Observations {
		verdicts, err := judgeLines(o.Probe, o.Data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, verdicts...)
	}
	return all
}

func written(t testing.TB, key Key, content Content) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, key, content); err != nil {
		t.Fatalf("write: %v", err)
	}
	return out.Bytes()
}

func opened(t testing.TB, data []byte, trusted ...PublicKey) *Bundle {
	t.Helper()
	b, err := Open(bytes.NewReader(data), trusted)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return b
}

// wantCode fails the test unless err is a problem with the code.
func wantCode(t testing.TB, err error, code string) *problem.Problem {
	t.Helper()
	p, ok := problem.Of(err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want a problem %s", err, code)
	}
	if p.Fix == "" || p.At == "" {
		t.Fatalf("problem without place or fix: %v", p)
	}
	return p
}
