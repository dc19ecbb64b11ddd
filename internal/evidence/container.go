package evidence

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// The container is a POSIX ustar archive in which nothing is free: a header
// follows from name and size, padding is zero, two zero blocks end it, and
// then the file ends. Any tar opens it.

// The entries, in their order. The blobs follow, sorted by digest.
const (
	statementName  = "statement.dsse.json"
	testResultName = "test-result.dsse.json"
	publicKeyName  = "public-key.pem"
	manifestName   = "manifest.yaml"
	blobPrefix     = "blobs/sha256/"
)

const (
	blockSize = 512           // of tar
	endSize   = 2 * blockSize // of zeros
	sizeField = 124           // offset of the size in a header: 11 octal digits
)

// header returns the one header block that an entry can have.
func header(name string, size int64) ([]byte, error) {
	var block bytes.Buffer
	err := tar.NewWriter(&block).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	})
	if err != nil {
		return nil, fmt.Errorf("make header of %s: %w", name, err)
	}
	return block.Bytes(), nil
}

// padding is how many zeros fill the last block of an entry.
func padding(size int64) int64 { return -size & (blockSize - 1) }

type containerWriter struct{ w io.Writer }

// add writes an entry. The content must have the given digest, and at least
// the given size; what is beyond is left out, since a log may have grown.
func (c containerWriter) add(name string, digest Digest, size int64, content io.Reader) error {
	block, err := header(name, size)
	if err != nil {
		return err
	}
	if _, err := c.w.Write(block); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	hash := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(c.w, hash), content, size); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if digestSum(hash) != digest {
		return fmt.Errorf("write %s: it changed while it was written", name)
	}
	if _, err := c.w.Write(make([]byte, padding(size))); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (c containerWriter) addBytes(name string, data []byte) error {
	return c.add(name, DigestOf(data), int64(len(data)), bytes.NewReader(data))
}

func (c containerWriter) end() error {
	if _, err := c.w.Write(make([]byte, endSize)); err != nil {
		return fmt.Errorf("write end: %w", err)
	}
	return nil
}

type containerReader struct {
	r      *bufio.Reader
	offset int64 // of the next byte
}

func newContainerReader(r io.ReaderAt) *containerReader {
	return &containerReader{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, math.MaxInt64), 64<<10)}
}

// small reads a whole entry whose size is not known beforehand.
func (c *containerReader) small(name string, limit int64) ([]byte, error) {
	block, err := c.r.Peek(blockSize)
	if err != nil {
		return nil, broken(name, err)
	}
	// Taken for a size only if the header that follows from it is this one.
	size, err := strconv.ParseInt(string(block[sizeField:sizeField+11]), 8, 64)
	if err != nil || size < 0 || size > limit {
		return nil, tampered(name, "an entry has no size, or more than a bundle allows", err)
	}
	if _, err := c.expect(name, size); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	_, err = c.copy(&content, name, size)
	return content.Bytes(), err
}

// blob reads an entry whose size and digest are known, keeps nothing of it,
// and returns the offset of its content.
func (c *containerReader) blob(name string, size int64, digest Digest) (int64, error) {
	offset, err := c.expect(name, size)
	if err != nil {
		return 0, err
	}
	got, err := c.copy(io.Discard, name, size)
	if err != nil {
		return 0, err
	}
	if got != digest {
		return 0, tampered(name, "the content of an entry is not what was signed", nil)
	}
	return offset, nil
}

// expect reads the header of an entry and returns the offset of its content.
func (c *containerReader) expect(name string, size int64) (int64, error) {
	want, err := header(name, size)
	if err != nil {
		return 0, tampered(name, "no entry can have this name and size", err)
	}
	got := make([]byte, blockSize)
	if _, err := io.ReadFull(c.r, got); err != nil {
		return 0, broken(name, err)
	}
	if !bytes.Equal(got, want) {
		return 0, tampered(name, "the header of an entry is not the one that it must have", nil)
	}
	c.offset += blockSize
	return c.offset, nil
}

// copy reads the content of an entry with its padding, and returns its digest.
func (c *containerReader) copy(w io.Writer, name string, size int64) (Digest, error) {
	hash := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(w, hash), c.r, size); err != nil {
		return "", broken(name, err)
	}
	if err := c.zeros(name, padding(size)); err != nil {
		return "", err
	}
	c.offset += size + padding(size)
	return digestSum(hash), nil
}

func (c *containerReader) zeros(name string, count int64) error {
	fill := make([]byte, count) // at most endSize
	if _, err := io.ReadFull(c.r, fill); err != nil {
		return broken(name, err)
	}
	if strings.Trim(string(fill), "\x00") != "" {
		return tampered(name, "what fills the last block is not zero", nil)
	}
	return nil
}

// end reads the two zero blocks and makes sure that nothing follows.
func (c *containerReader) end() error {
	if err := c.zeros("the end", endSize); err != nil {
		return err
	}
	switch _, err := c.r.ReadByte(); {
	case err == nil:
		return tampered("the end", "bytes follow the end of the bundle", nil)
	case !errors.Is(err, io.EOF):
		return broken("the end", err)
	}
	return nil
}
