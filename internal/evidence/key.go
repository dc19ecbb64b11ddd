package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Key signs evidence. The zero value signs nothing.
type Key struct {
	private ed25519.PrivateKey
}

const (
	keyFile    = "key.pem"
	privatePEM = "PRIVATE KEY"
)

// OpenKey loads the ed25519 key of a folder, and makes it at first use: PKCS#8
// in PEM (RFC 8410), file 0600, folder 0700. Processes that do so at once get
// the same key. A file or folder that others can open, or a file that holds
// something else, gives a problem, RW-E04.
func OpenKey(dir string) (Key, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Key{}, fmt.Errorf("make the key's folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return Key{}, fmt.Errorf("look at the key's folder: %w", err)
	}
	if err := closedToOthers(dir, info, 0o700); err != nil {
		return Key{}, err
	}
	path := filepath.Join(dir, keyFile)
	key, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	// Whoever loses the race to create loads what the winner made.
	if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Key{}, fmt.Errorf("create key: %w", err)
	}
	return loadKey(path)
}

// Public returns the key that verifies what k signs.
func (k Key) Public() PublicKey {
	public, _ := k.private.Public().(ed25519.PublicKey)
	return PublicKey{point: [ed25519.PublicKeySize]byte(public)}
}

// String names the key by its public half, so that a log never holds the
// private one.
func (k Key) String() string {
	if k.empty() {
		return "no key"
	}
	return "key " + k.Public().ID()
}

// GoString does for %#v what String does for %v.
func (k Key) GoString() string { return k.String() }

func (k Key) empty() bool { return len(k.private) != ed25519.PrivateKeySize }

func (k Key) sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

func closedToOthers(path string, info fs.FileInfo, want fs.FileMode) error {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return nil
	}
	return unusableKey(path, "others can open the signing key",
		fmt.Sprintf("mode %04o", mode), fmt.Sprintf("mode %04o", want), fmt.Sprintf("chmod %o %s", want, path))
}

func loadKey(path string) (Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("open key: %w", err)
	}
	defer file.Close()
	// The open file is asked, not the path, which could by now name another.
	info, err := file.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("look at key: %w", err)
	}
	if err := closedToOthers(path, info, 0o600); err != nil {
		return Key{}, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPublicKey+1))
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	key, err := parseKey(text)
	if err != nil {
		return Key{}, unusableKey(path, "the file holds no signing key", err.Error(),
			"a PEM block of type PRIVATE KEY with an ed25519 key",
			"move the file away; the next check makes a new key, whose public half must be trusted anew")
	}
	return key, nil
}

func parseKey(text []byte) (Key, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != privatePEM || len(bytes.TrimSpace(rest)) > 0 {
		return Key{}, errors.New("not one PEM block of type PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("parse PKCS#8: %w", err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("%T is not an ed25519 key", parsed)
	}
	return Key{private: private}, nil
}

// createKey makes a new key at path; fs.ErrExist if there is one already. The
// file appears whole or not at all: a link is atomic and never replaces.
func createKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("generate ed25519 key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	err = pem.Encode(temporary, &pem.Block{Type: privatePEM, Bytes: der})
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
