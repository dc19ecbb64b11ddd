package evidence

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// The codes of this room; internal/problem explains them.
const (
	codeTampered  = "RW-E01"
	codeUntrusted = "RW-E02"
	codeVerdict   = "RW-E03"
	codeKey       = "RW-E04"
)

// tampered refuses a bundle because of what stands at a place in it.
func tampered(at, summary string, cause error) error {
	return &problem.Problem{
		Code: codeTampered, Summary: summary, At: at, Got: printable(cause), Fix: "roadworthy check", Cause: cause,
	}
}

// printable returns an error's text without what would act on a terminal: a
// stranger wrote the bundle that it may quote.
func printable(err error) string {
	if err == nil {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, err.Error())
}

// broken tells a bundle that ends too early from a disk that cannot be read:
// only the former speaks against the bundle.
func broken(at string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return tampered(at, "the bundle ends too early", err)
	}
	return fmt.Errorf("read %s of the bundle: %w", at, err)
}

func untrusted(signer PublicKey, trusted []PublicKey) error {
	ids := make([]string, len(trusted))
	for i, key := range trusted {
		ids[i] = key.ID()
	}
	return &problem.Problem{
		Code: codeUntrusted, Summary: "the bundle is signed by a key that is not trusted", At: publicKeyName,
		Got: "key " + signer.ID(), Want: "key " + strings.Join(ids, "\nor  "),
		Fix: "roadworthy verify --key FILE BUNDLE",
	}
}

func refuted(claim, summary, got, want string, cause error) error {
	return &problem.Problem{
		Code: codeVerdict, Summary: summary, At: claim, Got: got, Want: want,
		Fix: "roadworthy check", Cause: cause,
	}
}

func unusableKey(path, summary, got, want, fix string) error {
	return &problem.Problem{Code: codeKey, Summary: summary, At: path, Got: got, Want: want, Fix: fix}
}
