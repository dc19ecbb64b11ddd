package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

// PublicKey verifies what a [Key] signed. Two are the same if they are ==. The
// zero value is no key; nothing is ever accepted under it.
type PublicKey struct {
	point [ed25519.PublicKeySize]byte
}

const publicPEM = "PUBLIC KEY"

// ID returns the SHA-256 of the key's PKIX DER form (RFC 8410), as 64
// hexadecimal digits.
func (p PublicKey) ID() string { return string(DigestOf(p.der())) }

// MarshalText returns the key as PEM (RFC 7468 section 13). It never fails.
func (p PublicKey) MarshalText() ([]byte, error) {
	return pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: p.der()}), nil
}

// UnmarshalText reads a key from PEM. Space around the one block is allowed.
func (p *PublicKey) UnmarshalText(text []byte) error {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != publicPEM || len(bytes.TrimSpace(rest)) > 0 {
		return errors.New("read public key: not one PEM block of type PUBLIC KEY")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("read public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("read public key: %T is not an ed25519 key", parsed)
	}
	read := PublicKey{point: [ed25519.PublicKeySize]byte(key)}
	if read.weak() {
		return errors.New("read public key: a point of small order verifies anything")
	}
	*p = read
	return nil
}

// ReadPublicKey reads a key from a PEM file. A file that does not exist gives
// fs.ErrNotExist; one that holds no usable key gives a problem, RW-E04.
func ReadPublicKey(path string) (PublicKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return PublicKey{}, fmt.Errorf("read public key: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPublicKey+1))
	if err != nil {
		return PublicKey{}, fmt.Errorf("read public key: %w", err)
	}
	var key PublicKey
	if err := key.UnmarshalText(text); err != nil {
		return PublicKey{}, unusableKey(path, "the file holds no public key", err.Error(),
			"a PEM block of type PUBLIC KEY with an ed25519 key",
			"tar -xOf BUNDLE "+publicKeyName+" > FILE, and compare its digest with what the signer tells you")
	}
	return key, nil
}

func (p PublicKey) der() []byte {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(p.point[:]))
	if err != nil {
		panic(err) // only for key types that x509 does not know
	}
	return der
}

func (p PublicKey) verifies(message, signature []byte) bool {
	return !p.weak() && ed25519.Verify(p.point[:], message, signature)
}

// smallOrder are the y coordinates of the points whose order divides eight,
// in each encoding that a decoder takes. A signature under such a point holds
// for many messages, and the zero PublicKey is one of them.
const smallOrder = "" +
	"0000000000000000000000000000000000000000000000000000000000000000" +
	"0100000000000000000000000000000000000000000000000000000000000000" +
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05" +
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a" +
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" +
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" +
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"

func (p PublicKey) weak() bool {
	point := p.point
	point[31] &= 0x7f // the sign of x does not change the order
	y := hex.EncodeToString(point[:])
	for i := 0; i < len(smallOrder); i += len(y) {
		if smallOrder[i:i+len(y)] == y {
			return true
		}
	}
	return false
}
