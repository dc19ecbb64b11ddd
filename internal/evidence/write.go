package evidence

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	intoto "github.com/in-toto/attestation/go/v1"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	mediaTypeJSON = "application/json"
	mediaTypeYAML = "application/yaml" // RFC 9512
)

// Observation is what one probe recorded: one JSON document of at most 32 MiB,
// from which its judge gives the verdicts. What is larger is an [Attachment].
type Observation struct {
	Probe string // unique in a check
	Data  []byte
}

// Attachment is a raw record that no judge reads but a person may: a whole
// log, a mail. It has at most 512 MiB.
type Attachment struct {
	Name      string // relative path with slashes, unique in a check: "mail/1.eml"
	MediaType string // RFC 6838
	Data      []byte // the content; or
	File      string // where it is read from: streamed, never held in memory
}

// Content is what Write puts into a bundle. The order of its lists does not
// matter.
type Content struct {
	Subject Subject
	Run
	Manifest     []byte // the application's manifest, as it was checked; at most 256 KiB
	Verdicts     []standard.Verdict
	Observations []Observation
	Attachments  []Attachment
}

// source is where a blob's content comes from.
type source struct {
	data []byte
	file string
}

func (s source) open() (io.ReadCloser, error) {
	if s.file != "" {
		return os.Open(s.file)
	}
	return io.NopCloser(bytes.NewReader(s.data)), nil
}

// Write signs the content and writes it as a bundle. The same content and key
// give the same bytes. It refuses content that [Open] would refuse. On an error
// what was written so far is not a bundle.
func Write(w io.Writer, key Key, content Content) error {
	if key.empty() {
		return errors.New("write bundle: no key to sign with")
	}
	check, sources, err := content.check()
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	statement, result, err := sealCheck(key, content.Subject, check)
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	public, err := key.Public().MarshalText()
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	container := containerWriter{w}
	for _, entry := range []struct {
		name string
		data []byte
	}{
		{statementName, statement}, {testResultName, result}, {publicKeyName, public}, {manifestName, content.Manifest},
	} {
		if err := container.addBytes(entry.name, entry.data); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	if err := container.addBlobs(check, sources); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return container.end()
}

// check describes the content: sorted, measured, and in the form that it will
// have when it is read again.
func (c Content) check() (Check, map[Digest]source, error) {
	check := Check{
		Run:          c.Run,
		Manifest:     blobOf(c.Manifest, mediaTypeYAML),
		Verdicts:     append([]standard.Verdict{}, c.Verdicts...),
		Observations: []ObservationRef{},
	}
	check.Started, check.Ended = c.Started.UTC(), c.Ended.UTC()
	sources := map[Digest]source{}
	for _, o := range c.Observations {
		if !json.Valid(o.Data) {
			return Check{}, nil, fmt.Errorf("observation of %q is not a JSON document", o.Probe)
		}
		ref := ObservationRef{Probe: o.Probe, Blob: blobOf(o.Data, mediaTypeJSON)}
		check.Observations = append(check.Observations, ref)
		sources[ref.Digest] = source{data: o.Data}
	}
	for _, a := range c.Attachments {
		ref, err := a.describe()
		if err != nil {
			return Check{}, nil, err
		}
		check.Attachments = append(check.Attachments, ref)
		sources[ref.Digest] = source{data: a.Data, file: a.File}
	}
	slices.SortFunc(check.Verdicts, func(a, b standard.Verdict) int { return cmp.Compare(a.Claim, b.Claim) })
	slices.SortFunc(check.Observations, func(a, b ObservationRef) int { return cmp.Compare(a.Probe, b.Probe) })
	slices.SortFunc(check.Attachments, func(a, b AttachmentRef) int { return cmp.Compare(a.Name, b.Name) })
	asRead, err := throughJSON(check)
	if err != nil {
		return Check{}, nil, err
	}
	return asRead, sources, asRead.validate()
}

func (a Attachment) describe() (AttachmentRef, error) {
	if a.File == "" {
		return AttachmentRef{Name: a.Name, Blob: blobOf(a.Data, a.MediaType)}, nil
	}
	if a.Data != nil {
		return AttachmentRef{}, fmt.Errorf("attachment %q has both data and a file", a.Name)
	}
	content, err := source{file: a.File}.open()
	if err != nil {
		return AttachmentRef{}, fmt.Errorf("measure attachment %q: %w", a.Name, err)
	}
	defer content.Close()
	hash := sha256.New()
	// One byte beyond the limit is enough for validate to refuse it.
	size, err := io.Copy(hash, io.LimitReader(content, maxAttachment+1))
	if err != nil {
		return AttachmentRef{}, fmt.Errorf("measure attachment %q: %w", a.Name, err)
	}
	return AttachmentRef{Name: a.Name, Blob: Blob{Digest: digestSum(hash), Size: size, MediaType: a.MediaType}}, nil
}

// addBlobs writes each blob once, sorted by digest.
func (c containerWriter) addBlobs(check Check, sources map[Digest]source) error {
	for _, blob := range distinct(check.blobs()) {
		content, err := sources[blob.Digest].open()
		if err != nil {
			return fmt.Errorf("write blob: %w", err)
		}
		err = c.add(blobPrefix+string(blob.Digest), blob.Digest, blob.Size, content)
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return nil
}

func sealCheck(key Key, subject Subject, check Check) (statement, result []byte, err error) {
	first, err := newCheckStatement(subject, check)
	if err != nil {
		return nil, nil, err
	}
	second, err := newTestResult(subject, check)
	if err != nil {
		return nil, nil, err
	}
	if statement, err = sealStatement(key, first); err != nil {
		return nil, nil, err
	}
	result, err = sealStatement(key, second)
	return statement, result, err
}

func sealStatement(key Key, statement *intoto.Statement) ([]byte, error) {
	payload, err := encodeStatement(statement)
	if err != nil {
		return nil, err
	}
	return seal(key, payload)
}

func blobOf(data []byte, mediaType string) Blob {
	return Blob{Digest: DigestOf(data), Size: int64(len(data)), MediaType: mediaType}
}

// distinct returns the blobs sorted by digest, each once.
func distinct(blobs []Blob) []Blob {
	byDigest := map[Digest]Blob{}
	for _, blob := range blobs {
		byDigest[blob.Digest] = blob
	}
	sorted := make([]Blob, 0, len(byDigest))
	for _, digest := range slices.Sorted(maps.Keys(byDigest)) {
		sorted = append(sorted, byDigest[digest])
	}
	return sorted
}

// throughJSON returns v as a reader of its JSON sees it: text that was not
// UTF-8, such as a line of a log, is not what it was.
func throughJSON[T any](v T) (T, error) {
	var read T
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil {
		return read, fmt.Errorf("encode as JSON: %w", err)
	}
	return read, nil
}
