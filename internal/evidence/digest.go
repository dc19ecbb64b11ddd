package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
)

// Digest is a SHA-256 digest: 64 lower case hexadecimal digits, no prefix.
type Digest string

// DigestOf returns the digest of data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest(hex.EncodeToString(sum[:]))
}

// digestSum returns the digest of what was written to a SHA-256.
func digestSum(h hash.Hash) Digest { return Digest(hex.EncodeToString(h.Sum(nil))) }

// ParseDigest reads a digest with or without the prefix "sha256:" that OCI
// gives it. It refuses any other algorithm and upper case digits.
func ParseDigest(text string) (Digest, error) {
	d := Digest(strings.TrimPrefix(text, "sha256:"))
	if !d.valid() {
		return "", fmt.Errorf("read digest %q: want 64 lower case hexadecimal digits", text)
	}
	return d, nil
}

func (d Digest) valid() bool {
	return len(d) == 2*sha256.Size && strings.Trim(string(d), "0123456789abcdef") == ""
}

// DefinitionsDigest returns the digest of a set of claim definitions, given
// the content of each def.yaml by its path. It does not depend on the order,
// and equals that of sha256sum's lines for the files, sorted by path; paths
// hold no line feed.
func DefinitionsDigest(files map[string][]byte) Digest {
	var lines strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&lines, "%s  %s\n", DigestOf(files[path]), path)
	}
	return DigestOf([]byte(lines.String()))
}
