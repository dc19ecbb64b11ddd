package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/proto"
)

// Bundle is a bundle that Open accepted.
type Bundle struct {
	Subject    Subject
	Check      Check
	Manifest   []byte    // manifest.yaml, as it was checked
	Signer     PublicKey // whose signature it bears
	SelfSigned bool      // no trusted key was given: Signer is only what the bundle itself says

	source  io.ReaderAt
	offsets map[Digest]int64 // of the blobs' contents in source
}

// Open verifies a bundle: each byte of it, its signatures, and that a trusted
// key made them. With no trusted key the embedded one is used, and SelfSigned
// is true. It does not recompute the verdicts; see [Bundle.Recheck].
//
// The bundle is read from offset 0 to io.EOF, and blobs are streamed. The
// Bundle reads observations and attachments from r later, so r stays open; what
// it then reads is verified again. A refusal is a problem, RW-E01 or RW-E02;
// any other error means that r could not be read.
func Open(r io.ReaderAt, trusted []PublicKey) (*Bundle, error) {
	c := newContainerReader(r)
	statement, err := c.small(statementName, maxEnvelope)
	if err != nil {
		return nil, err
	}
	result, err := c.small(testResultName, maxEnvelope)
	if err != nil {
		return nil, err
	}
	signer, err := c.signer()
	if err != nil {
		return nil, err
	}
	if statement, err = unseal(statement, signer); err != nil {
		return nil, tampered(statementName, "the statement is not what was signed", err)
	}
	if result, err = unseal(result, signer); err != nil {
		return nil, tampered(testResultName, "the test result is not what was signed", err)
	}
	if len(trusted) > 0 && !slices.Contains(trusted, signer) {
		return nil, untrusted(signer, trusted)
	}
	b := &Bundle{Signer: signer, SelfSigned: len(trusted) == 0, source: r, offsets: map[Digest]int64{}}
	if err := b.readStatements(statement, result); err != nil {
		return nil, err
	}
	if err := b.readBlobs(c); err != nil {
		return nil, err
	}
	return b, nil
}

// signer reads the embedded key.
func (c *containerReader) signer() (PublicKey, error) {
	text, err := c.small(publicKeyName, maxPublicKey)
	if err != nil {
		return PublicKey{}, err
	}
	var signer PublicKey
	if err := signer.UnmarshalText(text); err != nil {
		return PublicKey{}, tampered(publicKeyName, "the embedded key is not a key", err)
	}
	again, err := signer.MarshalText()
	if err != nil || !bytes.Equal(again, text) {
		return PublicKey{}, tampered(publicKeyName, "the embedded key is not in its one form", err)
	}
	return signer, nil
}

// readStatements fills in subject and check from payloads whose signatures
// hold. The test result follows from them, so it is computed and compared.
func (b *Bundle) readStatements(statement, result []byte) error {
	decoded, err := decodeStatement(statement)
	if err != nil {
		return tampered(statementName, "the statement is not a statement", err)
	}
	if b.Subject, b.Check, err = readCheck(decoded); err != nil {
		return tampered(statementName, "the statement is not one of a check", err)
	}
	if decoded, err = decodeStatement(result); err != nil {
		return tampered(testResultName, "the test result is not a statement", err)
	}
	want, err := newTestResult(b.Subject, b.Check)
	if err != nil || !proto.Equal(want, decoded) {
		return tampered(testResultName, "the test result does not follow from the statement", err)
	}
	return nil
}

// readBlobs reads the rest of the container, which the check has fixed.
func (b *Bundle) readBlobs(c *containerReader) error {
	var err error
	if b.Manifest, err = c.small(manifestName, maxManifest); err != nil {
		return err
	}
	if want := b.Check.Manifest; DigestOf(b.Manifest) != want.Digest || int64(len(b.Manifest)) != want.Size {
		return tampered(manifestName, "the manifest is not what was signed", nil)
	}
	for _, blob := range distinct(b.Check.blobs()) {
		b.offsets[blob.Digest], err = c.blob(blobPrefix+string(blob.Digest), blob.Size, blob.Digest)
		if err != nil {
			return err
		}
	}
	return c.end()
}

// Observation returns what a probe recorded.
func (b *Bundle) Observation(probe string) ([]byte, error) {
	for _, o := range b.Check.Observations {
		if o.Probe == probe {
			return b.read(blobPrefix+string(o.Digest), b.offsets[o.Digest], o.Blob)
		}
	}
	return nil, fmt.Errorf("the bundle holds no observation of %q", probe)
}

// CopyAttachment writes an attachment to w. If the file was changed since Open,
// it says so at the end, with RW-E01.
func (b *Bundle) CopyAttachment(w io.Writer, name string) error {
	for _, a := range b.Check.Attachments {
		if a.Name == name {
			return b.copy(w, blobPrefix+string(a.Digest), b.offsets[a.Digest], a.Blob)
		}
	}
	return fmt.Errorf("the bundle holds no attachment %q", name)
}

func (b *Bundle) read(at string, offset int64, blob Blob) ([]byte, error) {
	var content bytes.Buffer
	content.Grow(int(blob.Size)) // bounded: Check.validate, and Open saw that many bytes
	err := b.copy(&content, at, offset, blob)
	return content.Bytes(), err
}

// copy verifies anew, since the file may have been replaced since Open.
func (b *Bundle) copy(w io.Writer, at string, offset int64, blob Blob) error {
	hash := sha256.New()
	content := io.NewSectionReader(b.source, offset, blob.Size)
	if _, err := io.CopyN(io.MultiWriter(w, hash), content, blob.Size); err != nil {
		return broken(at, err)
	}
	if digestSum(hash) != blob.Digest {
		return tampered(at, "the bundle was changed after it was verified", nil)
	}
	return nil
}
