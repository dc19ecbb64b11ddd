package evidence

import (
	"bytes"
	"testing"
)

// FuzzOpen looks for a second form of a bundle. The key signed only the seeds,
// so whatever Open accepts under it must be one of them to the last byte; and
// whatever it accepts without a key must be what its parts give again.
func FuzzOpen(f *testing.F) {
	seeds := [][]byte{written(f, testKey("signer"), sample(f)), written(f, testKey("signer"), tiny(f))}
	for _, seed := range seeds {
		f.Add(seed)
		f.Add(seed[:len(seed)-blockSize])
	}
	f.Add([]byte{})
	f.Add(make([]byte, endSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Open(bytes.NewReader(data), []PublicKey{testKey("signer").Public()})
		if err == nil && !bytes.Equal(data, seeds[0]) && !bytes.Equal(data, seeds[1]) {
			t.Fatal("accepted bytes that the key did not sign")
		}
		if err != nil && b != nil {
			t.Fatal("refused, and yet there is a bundle")
		}
		if b, err = Open(bytes.NewReader(data), nil); err != nil {
			return
		}
		if !bytes.Equal(assembled(t, parts(t, data)), data) {
			t.Fatal("accepted a container that is not in its one form")
		}
		if err := b.Check.validate(); err != nil {
			t.Fatalf("accepted a check that cannot be: %v", err)
		}
	})
}

// FuzzStatement feeds payloads that the signer signed, which random bytes
// never reach through Open.
func FuzzStatement(f *testing.F) {
	key := testKey("signer")
	for _, content := range []Content{sample(f), tiny(f)} {
		payload, err := unseal(entry(f, written(f, key, content), statementName), key.Public())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		statement, err := decodeStatement(payload)
		if err != nil {
			return
		}
		subject, check, err := readCheck(statement)
		if err != nil {
			return
		}
		again, err := newCheckStatement(subject, check)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := encodeStatement(again)
		if err != nil {
			return // longer in its one form than a payload may be
		}
		twice, err := decodeStatement(encoded)
		if err != nil {
			t.Fatalf("our own form is refused: %v", err)
		}
		if _, _, err := readCheck(twice); err != nil {
			t.Fatalf("our own form is refused: %v", err)
		}
	})
}
