package evidence

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"pgregory.net/rapid"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestRoundTrip(t *testing.T) {
	key, content := testKey("signer"), sample(t)
	data := written(t, key, content)
	b := opened(t, data, testKey("other").Public(), key.Public())

	if b.SelfSigned || b.Signer != key.Public() || b.Subject != content.Subject {
		t.Errorf("signer or subject differ: %+v", b)
	}
	if !reflect.DeepEqual(b.Check.Run, content.Run) {
		t.Errorf("run differs:\n%+v\n%+v", b.Check.Run, content.Run)
	}
	if !bytes.Equal(b.Manifest, content.Manifest) {
		t.Errorf("manifest %q", b.Manifest)
	}
	for _, o := range content.Observations {
		if got, err := b.Observation(o.Probe); err != nil || !bytes.Equal(got, o.Data) {
			t.Errorf("observation %s: %q, %v", o.Probe, got, err)
		}
	}
	for _, a := range content.Attachments {
		var got bytes.Buffer
		if err := b.CopyAttachment(&got, a.Name); err != nil || !bytes.Equal(got.Bytes(), a.Data) {
			t.Errorf("attachment %s: %q, %v", a.Name, got.Bytes(), err)
		}
	}
	if _, err := b.Observation("none"); err == nil {
		t.Error("an observation that is not there was found")
	}
	if err := b.CopyAttachment(io.Discard, "none"); err == nil {
		t.Error("an attachment that is not there was found")
	}
	if err := b.Recheck(judgeLines); err != nil {
		t.Errorf("recheck: %v", err)
	}
}

func TestSelfSignedSaysSo(t *testing.T) {
	b := opened(t, written(t, testKey("signer"), sample(t)))
	if !b.SelfSigned || b.Signer != testKey("signer").Public() {
		t.Errorf("self-signed %v by %v", b.SelfSigned, b.Signer.ID())
	}
}

func TestSameContentSameBytes(t *testing.T) {
	content := sample(t)
	first := written(t, testKey("signer"), content)
	slices.Reverse(content.Verdicts)
	slices.Reverse(content.Observations)
	slices.Reverse(content.Attachments)
	content.Started = content.Started.In(time.FixedZone("elsewhere", 3600))
	if !bytes.Equal(first, written(t, testKey("signer"), content)) {
		t.Error("order or time zone of the content changed the bundle")
	}
	file := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(file, content.Attachments[1].Data, 0o600); err != nil {
		t.Fatal(err)
	}
	content.Attachments[1].Data, content.Attachments[1].File = nil, file
	if !bytes.Equal(first, written(t, testKey("signer"), content)) {
		t.Error("an attachment from a file differs from one in memory")
	}
}

// A bundle that an earlier version wrote still opens, and the same content
// still gives the same bytes. Delete the file and run the test twice only
// when the format gets a new version.
func TestSavedBundle(t *testing.T) {
	path := filepath.Join("testdata", "v1.roadworthy")
	saved, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(path, written(t, testKey("signer"), sample(t)), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s was missing and is written anew: look at it and commit it", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := opened(t, saved, testKey("signer").Public()).Recheck(judgeLines); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(saved, written(t, testKey("signer"), sample(t))) {
		t.Error("the format changed: old readers refuse what is written now")
	}
}

func TestAnyTarOpensIt(t *testing.T) {
	data := written(t, testKey("signer"), sample(t))
	var names []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if hex, blob := strings.CutPrefix(header.Name, blobPrefix); blob && Digest(hex) != DigestOf(content) {
			t.Errorf("%s holds %s", header.Name, DigestOf(content))
		}
	}
	if len(names) != 8 || !slices.IsSorted(names[4:]) {
		t.Errorf("entries: %q", names)
	}

	dir := t.TempDir()
	extract := exec.Command("tar", "-x", "-C", dir)
	extract.Stdin = bytes.NewReader(data)
	if out, err := extract.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("tar: %v: %s", err, out)
	}
	if key, err := ReadPublicKey(filepath.Join(dir, publicKeyName)); err != nil || key != testKey("signer").Public() {
		t.Errorf("extracted key: %v", err)
	}
}

// libraryKey lets the library verify an envelope, as another tool would.
type libraryKey struct{ PublicKey }

func (k libraryKey) Verify(_ context.Context, data, sig []byte) error {
	if !k.verifies(data, sig) {
		return errors.New("no")
	}
	return nil
}
func (k libraryKey) KeyID() (string, error)   { return k.ID(), nil }
func (k libraryKey) Public() crypto.PublicKey { return k.point[:] }

func TestOtherToolsReadTheEnvelopes(t *testing.T) {
	data := written(t, testKey("signer"), sample(t))
	for name, predicateType := range map[string]string{statementName: CheckType, testResultName: TestResultType} {
		var envelope dsse.Envelope
		if err := json.Unmarshal(entry(t, data, name), &envelope); err != nil {
			t.Fatal(err)
		}
		verifier, err := dsse.NewEnvelopeVerifier(libraryKey{testKey("signer").Public()})
		if err != nil {
			t.Fatal(err)
		}
		_, payload, err := verifier.VerifyAndDecode(t.Context(), &envelope)
		if err != nil {
			t.Fatal(err)
		}
		var statement struct {
			Type          string `json:"_type"`
			PredicateType string
			Subject       []struct {
				Name   string
				Digest map[string]string
			}
		}
		if err := json.Unmarshal(payload, &statement); err != nil {
			t.Fatal(err)
		}
		if statement.Type != "https://in-toto.io/Statement/v1" || statement.PredicateType != predicateType ||
			len(statement.Subject) != 1 || statement.Subject[0].Digest["sha256"] != string(DigestOf([]byte("artifact"))) {
			t.Errorf("%s: %+v", name, statement)
		}
	}
}

func TestTestResultNeverPassesTheUnproven(t *testing.T) {
	for _, c := range []struct {
		outcomes []standard.Outcome
		want     string
	}{
		{nil, resultPassed},
		{[]standard.Outcome{standard.Pass}, resultPassed},
		{[]standard.Outcome{standard.Pass, standard.NotApplicable}, resultWarned},
		{[]standard.Outcome{standard.Pass, standard.Unknown}, resultFailed},
		{[]standard.Outcome{standard.NotApplicable, standard.Error}, resultFailed},
		{[]standard.Outcome{standard.Fail}, resultFailed},
	} {
		content := sample(t)
		content.Verdicts = whole()
		for i, o := range c.outcomes {
			content.Verdicts = append(content.Verdicts, standard.Verdict{Claim: "x." + string(rune('a'+i)), Outcome: o})
		}
		check, _, err := content.check()
		if err != nil {
			t.Fatal(err)
		}
		statement, err := newTestResult(content.Subject, check)
		if err != nil {
			t.Fatal(err)
		}
		fields := statement.GetPredicate().AsMap()
		if fields["result"] != c.want {
			t.Errorf("%v: %v, want %s", c.outcomes, fields["result"], c.want)
		}
		passed, _ := fields["passedTests"].([]any)
		count := len(standard.Requirements)
		for _, o := range c.outcomes {
			if o == standard.Pass {
				count++
			}
		}
		if len(passed) != count {
			t.Errorf("%v: passed %v", c.outcomes, passed)
		}
	}
}

// whole passes one claim of each requirement.
func whole() []standard.Verdict {
	var list []standard.Verdict
	for _, r := range standard.Requirements {
		list = append(list, standard.Verdict{Claim: r.ID + ".x", Outcome: standard.Pass})
	}
	return list
}

func TestTestResultSaysWhatWasNotAsked(t *testing.T) {
	for _, c := range []struct {
		verdicts     []standard.Verdict
		result, mode string
	}{
		{whole(), resultPassed, "full"}, {whole()[1:], resultFailed, "partial"}, {nil, resultFailed, "partial"},
	} {
		content := sample(t)
		content.Verdicts = c.verdicts
		check, _, err := content.check()
		if err != nil {
			t.Fatal(err)
		}
		statement, err := newTestResult(content.Subject, check)
		if err != nil {
			t.Fatal(err)
		}
		fields := statement.GetPredicate().AsMap()
		text := fmt.Sprint(fields["configuration"])
		failed, _ := fields["failedTests"].([]any)
		if fields["result"] != c.result || !strings.Contains(text, "mode:"+c.mode) || len(failed) != len(check.NotAsked()) {
			t.Errorf("%d verdicts: %v", len(c.verdicts), fields)
		}
		if want := len(standard.Requirements) - len(c.verdicts); len(failed) != want {
			t.Errorf("%d verdicts: %d not asked, want %d", len(c.verdicts), len(failed), want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Content){
		"no tool":                  func(c *Content) { c.Tool.Version = "" },
		"no application":           func(c *Content) { c.Application.Name = "" },
		"no environment":           func(c *Content) { c.Environment = "" },
		"no time":                  func(c *Content) { c.Started = time.Time{} },
		"ends before it starts":    func(c *Content) { c.Ended = c.Started.Add(-1) },
		"no definitions":           func(c *Content) { c.Definitions = "" },
		"no subject":               func(c *Content) { c.Subject.Name = "" },
		"subject without a digest": func(c *Content) { c.Subject.Digest = "sha256:00" },
		"two verdicts on a claim":  func(c *Content) { c.Verdicts[0].Claim = c.Verdicts[1].Claim },
		"unknown outcome":          func(c *Content) { c.Verdicts[0].Outcome = "great" },
		"claim with an escape":     func(c *Content) { c.Verdicts[0].Claim = "a.\x1b[31m" },
		"two observations":         func(c *Content) { c.Observations[0].Probe = c.Observations[1].Probe },
		"observation not JSON":     func(c *Content) { c.Observations[0].Data = []byte("{}{}") },
		"large observation": func(c *Content) {
			c.Observations[0].Data = append(bytes.Repeat([]byte(" "), maxObservation), "{}"...)
		},
		"large manifest":         func(c *Content) { c.Manifest = make([]byte, maxManifest+1) },
		"attachment that climbs": func(c *Content) { c.Attachments[0].Name = "../../etc/cron.d/x" },
		"absolute attachment":    func(c *Content) { c.Attachments[0].Name = "/etc/passwd" },
		"attachment with drive":  func(c *Content) { c.Attachments[0].Name = `c:\x` },
		"two attachments":        func(c *Content) { c.Attachments[0].Name = c.Attachments[1].Name },
		"data and file":          func(c *Content) { c.Attachments[0].File = "/dev/null" },
		"missing file":           func(c *Content) { c.Attachments[1].File = "/nonexistent" },
		"too many verdicts": func(c *Content) {
			for i := range 10_000 {
				c.Verdicts = append(c.Verdicts, standard.Verdict{Claim: "n." + time.Duration(i).String(), Outcome: standard.Pass})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			content := sample(t)
			spoil(&content)
			if err := Write(io.Discard, testKey("signer"), content); err == nil {
				t.Error("it was written")
			}
		})
	}
	if err := Write(io.Discard, Key{}, sample(t)); err == nil {
		t.Error("the zero key signed")
	}
	if err := Write(failingWriter{}, testKey("signer"), sample(t)); !errors.Is(err, errFull) {
		t.Errorf("full disk: %v", err)
	}
}

var errFull = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

// Whatever Write accepts, Open accepts, and Recheck finds the same verdicts.
func TestWriteMakesWhatOpenAccepts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		content := sample(t)
		content.Subject.Name = rapid.StringN(1, 20, -1).Draw(r, "subject")
		content.Seed = rapid.Uint64().Draw(r, "seed")
		content.Host = rapid.MapOf(text, text).Draw(r, "host")
		content.Started = time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(r, "start"), rapid.Int64Range(0, 1e9-1).Draw(r, "ns"))
		content.Ended = content.Started.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(r, "took")))
		content.Observations, content.Attachments = nil, nil
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z.-]{0,8}`), 0, 5, rapid.ID[string])
		verdicts := map[string][]standard.Verdict{}
		for _, probe := range ids.Draw(r, "probes") {
			content.Observations = append(content.Observations, Observation{Probe: probe, Data: []byte(rapid.SampledFrom([]string{"{}", "[1]", "null"}).Draw(r, "data"))})
			v := standard.Verdict{
				Claim: probe + "/x", Outcome: rapid.SampledFrom(standard.Outcomes).Draw(r, "outcome"),
				Did: text.Draw(r, "did"), Seen: text.Draw(r, "seen"), Why: text.Draw(r, "why"),
			}
			verdicts[probe] = []standard.Verdict{v}
			content.Verdicts = append(content.Verdicts[:0:0], flatten(verdicts)...)
		}
		if len(verdicts) == 0 {
			content.Verdicts = nil
		}
		for _, name := range ids.Draw(r, "attachments") {
			content.Attachments = append(content.Attachments, Attachment{Name: name, MediaType: text.Draw(r, "type"), Data: rapid.SliceOf(rapid.Byte()).Draw(r, "raw")})
		}
		var out bytes.Buffer
		if err := Write(&out, testKey("signer"), content); err != nil {
			r.Fatalf("write: %v", err)
		}
		b, err := Open(bytes.NewReader(out.Bytes()), []PublicKey{testKey("signer").Public()})
		if err != nil {
			r.Fatalf("open refuses what was written: %v", err)
		}
		if b.Check.Seed != content.Seed || !b.Check.Started.Equal(content.Started) {
			r.Fatalf("seed or time differ: %+v", b.Check.Run)
		}
		if err := b.Recheck(func(probe string, _ []byte) ([]standard.Verdict, error) { return verdicts[probe], nil }); err != nil {
			r.Fatal(err)
		}
	})
}

func flatten(byProbe map[string][]standard.Verdict) []standard.Verdict {
	var all []standard.Verdict
	for _, verdicts := range byProbe {
		all = append(all, verdicts...)
	}
	return all
}

func TestCodesAreExplained(t *testing.T) {
	for _, code := range []string{codeTampered, codeUntrusted, codeVerdict, codeKey} {
		if !slices.ContainsFunc(problem.Catalog, func(e problem.Entry) bool { return e.Code == code }) {
			t.Errorf("%s is not in the catalog", code)
		}
	}
}
