package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// allocated returns how many bytes f allocates in all: a bound on what it
// holds at any one time.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// endless is a file that never ends: a pattern, again and again.
type endless struct{ pattern []byte }

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], e.pattern[(off+int64(n))%int64(len(e.pattern)):])
	}
	return len(p), nil
}

// joined is a file whose beginning is head and whose rest is tail.
type joined struct {
	head []byte
	tail io.ReaderAt
}

func (j joined) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(j.head)) {
		n = copy(p, j.head[off:])
	}
	more, err := j.tail.ReadAt(p[n:], off+int64(n)-int64(len(j.head)))
	return n + more, err
}

func TestHostileContainersCostLittle(t *testing.T) {
	genuine := parts(t, written(t, testKey("signer"), sample(t)))
	head := func(name string, size int64) []byte {
		block, err := header(name, size)
		if err != nil {
			t.Fatal(err)
		}
		return block
	}
	before := func(i int) []byte {
		whole := assembled(t, genuine[:i])
		return whole[:len(whole)-endSize]
	}
	zeros := endless{make([]byte, 4096)}
	for name, file := range map[string]io.ReaderAt{
		"zeros without end":       zeros,
		"text without end":        endless{[]byte("roadworthy")},
		"statement of 8 GB":       joined{head(statementName, 8<<30-1), zeros},
		"statement just too big":  joined{head(statementName, maxEnvelope+1), zeros},
		"largest statement":       joined{head(statementName, maxEnvelope), zeros},
		"statement of [[[":        joined{head(statementName, maxEnvelope), endless{[]byte("[")}},
		"statement of objects":    joined{head(statementName, maxEnvelope), joined{[]byte(`{"signatures":[`), endless{[]byte("{},")}}},
		"statements without end":  endless{append(head(statementName, 0), head(testResultName, 0)...)},
		"empty files without end": joined{before(3), endless{head("x", 0)}},
		"key of 8 GB":             joined{append(before(2), head(publicKeyName, 8<<30-1)...), zeros},
		"manifest of 8 GB":        joined{append(before(3), head(manifestName, 8<<30-1)...), zeros},
		"blobs without end":       joined{before(5), endless{head(genuine[4].name, 0)}},
		"end without end":         joined{before(len(genuine)), zeros},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			got := allocated(func() { _, err = Open(file, nil) })
			wantCode(t, err, codeTampered)
			if got > 32<<20 {
				t.Errorf("allocated %d MiB", got>>20)
			}
		})
	}
}

// A signer is not trusted with memory either.
func TestHostileStatementsCostLittle(t *testing.T) {
	key := testKey("signer")
	genuine := parts(t, written(t, key, sample(t)))
	payload, err := unseal(genuine[0].data, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"verdicts":     {`"verdicts":[`, `"verdicts":[` + strings.Repeat("{},", 900_000)},
		"numbers":      {`"kernel":"6.18"`, `"kernel":[` + strings.Repeat("1,", 1_400_000) + "1]"},
		"observations": {`"observations":[`, `"observations":[` + strings.Repeat("{},", 60_000)},
		"depth":        {`"kernel":"6.18"`, `"kernel":` + strings.Repeat("[", 1_000_000)},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(payload), c[0], c[1], 1)
			all := parts(t, assembled(t, genuine))
			if all[0].data, err = seal(key, []byte(changed)); err != nil {
				t.Fatal(err)
			}
			data := assembled(t, all)
			got := allocated(func() { refused(t, data, "%s", name) })
			if got > 100<<20 {
				t.Errorf("allocated %d MiB", got>>20)
			}
		})
	}
}

// Nor is whoever writes an envelope.
func TestHostileEnvelopeCostsLittle(t *testing.T) {
	all := parts(t, written(t, testKey("signer"), sample(t)))
	all[0].data = []byte(`{"signatures":[` + strings.Repeat("{},", maxEnvelope/3-100) + `{}]}`)
	data := assembled(t, all)
	if got := allocated(func() { refused(t, data, "many signatures") }); got > 24<<20 {
		t.Errorf("allocated %d MiB", got>>20)
	}
}

// A bundle with a large attachment is written, verified and read again with a
// small, fixed amount of memory.
func TestLargeAttachmentIsStreamed(t *testing.T) {
	const size = 96 << 20
	dir := t.TempDir()
	log := filepath.Join(dir, "web.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(log, size); err != nil { // sparse
		t.Fatal(err)
	}
	content := sample(t)
	content.Attachments = append(content.Attachments, Attachment{Name: "web.log", MediaType: "text/plain", File: log})
	bundle, err := os.Create(filepath.Join(dir, "x.roadworthy"))
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	var b *Bundle
	got := allocated(func() {
		if err = Write(bundle, testKey("signer"), content); err != nil {
			return
		}
		if b, err = Open(bundle, []PublicKey{testKey("signer").Public()}); err != nil {
			return
		}
		if err = b.Recheck(judgeLines); err != nil {
			return
		}
		err = b.CopyAttachment(io.Discard, "web.log")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got > 4<<20 {
		t.Errorf("allocated %d KiB for an attachment of %d KiB", got>>10, size>>10)
	}
	t.Logf("allocated %d KiB for an attachment of %d KiB", got>>10, size>>10)
	if _, err := bundle.WriteAt([]byte{1}, size/2); err != nil {
		t.Fatal(err)
	}
	wantCode(t, b.CopyAttachment(io.Discard, "web.log"), codeTampered)
	_, err = Open(bundle, nil)
	wantCode(t, err, codeTampered)
}

// A log that grows while it is written is cut; one that changes or shrinks is
// an error, never a bundle that Open refuses.
func TestAttachmentThatChangesMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		later string
		ok    bool
	}{"grows": {"first\nsecond\n", true}, "changes": {"other\n", false}, "shrinks": {"fir", false}} {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(log, []byte("first\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			content := sample(t)
			content.Attachments = []Attachment{{Name: "log", MediaType: "text/plain", File: log}}
			// The first byte is written after measuring and before reading.
			w := &onFirstWrite{do: func() error { return os.WriteFile(log, []byte(c.later), 0o600) }}
			err := Write(w, testKey("signer"), content)
			if c.ok != (err == nil) {
				t.Fatalf("write: %v", err)
			}
			if err == nil {
				var got bytes.Buffer
				if err := opened(t, w.Bytes()).CopyAttachment(&got, "log"); err != nil || got.String() != "first\n" {
					t.Errorf("%q, %v", got.String(), err)
				}
			}
		})
	}
}

type onFirstWrite struct {
	bytes.Buffer
	do func() error
}

func (w *onFirstWrite) Write(p []byte) (int, error) {
	if w.do != nil {
		if err := w.do(); err != nil {
			return 0, err
		}
		w.do = nil
	}
	return w.Buffer.Write(p)
}

// A disk that fails says nothing about the bundle.
func TestFailingDiskIsNoRefusal(t *testing.T) {
	data := written(t, testKey("signer"), sample(t))
	for at := 0; at <= len(data); at += 100 {
		_, err := Open(failingDisk{data, int64(at)}, nil)
		if !errors.Is(err, errDisk) || strings.Contains(err.Error(), codeTampered) {
			t.Fatalf("failing at %d: %v", at, err)
		}
	}
}

var errDisk = errors.New("input/output error")

type failingDisk struct {
	data []byte
	at   int64
}

func (d failingDisk) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p[:min(int64(len(p)), max(0, d.at-off))], d.data[min(off, int64(len(d.data))):])
	return n, errDisk
}

func TestLimits(t *testing.T) {
	for _, limit := range []int64{maxEnvelope, maxPublicKey, maxManifest, maxObservation, maxAttachment} {
		if _, err := header(blobPrefix+string(DigestOf(nil)), limit); err != nil {
			t.Errorf("%d bytes: %v", limit, err)
		}
	}
	if int64(maxBlobs) > math.MaxInt64/int64(maxAttachment) {
		t.Error("the sum of the sizes can overflow")
	}
	attached := func(i int, size int64) AttachmentRef {
		name := fmt.Sprintf("%06d", i)
		return AttachmentRef{Name: name, Blob: Blob{Digest: DigestOf([]byte(name)), Size: size}}
	}
	for name, c := range map[string]struct {
		count int
		size  int64
		ok    bool
	}{
		"as many": {maxBlobs, 1, true}, "one too many": {maxBlobs + 1, 1, false},
		"as large": {1, maxAttachment, true}, "one byte larger": {1, maxAttachment + 1, false},
		"as much": {maxTotal / maxAttachment, maxAttachment, true}, "too much": {maxTotal/maxAttachment + 1, maxAttachment, false},
		"negative": {2, -1, false},
	} {
		check, _, err := sample(t).check()
		if err != nil {
			t.Fatal(err)
		}
		check.Observations, check.Attachments = nil, nil
		for i := range c.count {
			check.Attachments = append(check.Attachments, attached(i, c.size))
		}
		if err := check.validate(); c.ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		check.Attachments[0].Digest = "00"
		if check.validate() == nil {
			t.Errorf("%s: a blob without digest", name)
		}
		twins := []AttachmentRef{attached(1, 1), attached(2, 2)}
		twins[1].Digest = twins[0].Digest
		if check.Attachments = twins; check.validate() == nil {
			t.Errorf("%s: a blob of two sizes", name)
		}
	}
}

func TestEndlessAttachmentIsRefused(t *testing.T) {
	content := sample(t)
	content.Attachments = []Attachment{{Name: "log", MediaType: "text/plain", File: "/dev/zero"}}
	if err := Write(io.Discard, testKey("signer"), content); err == nil {
		t.Error("it was written")
	}
}
