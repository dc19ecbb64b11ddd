package evidence

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// childFolder makes a child of the test program open the key of a folder.
const childFolder = "EVIDENCE_TEST_KEY_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		key, err := OpenKey(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(key.Public().ID())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "keys")
	first, err := OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(dir)
	if err != nil || again.Public() != first.Public() || !bytes.Equal(again.private, first.private) {
		t.Errorf("the second time: %v, %v", again, err)
	}
	elsewhere, err := OpenKey(t.TempDir() + "/b")
	if err != nil || elsewhere.Public() == first.Public() {
		t.Errorf("another folder: %v, %v", elsewhere, err)
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, keyFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestProcessesAtOnceAgreeOnOneKey(t *testing.T) {
	for range 5 {
		dir := filepath.Join(t.TempDir(), "keys")
		children, outputs := make([]*exec.Cmd, 6), make([]bytes.Buffer, 6)
		for i := range children {
			children[i] = exec.Command(os.Args[0])
			children[i].Env = append(os.Environ(), childFolder+"="+dir)
			children[i].Stdout, children[i].Stderr = &outputs[i], &outputs[i]
			if err := children[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		for i, child := range children {
			if err := child.Wait(); err != nil {
				t.Errorf("child %d: %v: %s", i, err, outputs[i].String())
			}
		}
		key, err := OpenKey(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range outputs {
			if outputs[i].String() != key.Public().ID() {
				t.Errorf("child %d has %s, the folder %s", i, outputs[i].String(), key.Public().ID())
			}
		}
	}
}

func TestKeyOpenToOthersIsRefused(t *testing.T) {
	for _, c := range []struct {
		file, folder fs.FileMode
		ok           bool
	}{
		{0o600, 0o700, true}, {0o400, 0o500, true}, {0o640, 0o700, false}, {0o604, 0o700, false}, {0o620, 0o700, false},
		{0o600, 0o750, false}, {0o600, 0o705, false}, {0o644, 0o755, false},
	} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := OpenKey(dir); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Chmod(filepath.Join(dir, keyFile), c.file), os.Chmod(dir, c.folder)); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKey(dir)
		if c.ok {
			if err != nil {
				t.Errorf("%o in %o: %v", c.file, c.folder, err)
			}
			continue
		}
		if p := wantCode(t, err, codeKey); !strings.HasPrefix(p.Fix, "chmod ") {
			t.Errorf("fix %q", p.Fix)
		}
	}
}

func TestFileThatIsNoKeyIsRefused(t *testing.T) {
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := x509.MarshalPKCS8PrivateKey(ecdsaKey)
	if err != nil {
		t.Fatal(err)
	}
	foreignPublic, err := x509.MarshalPKIXPublicKey(ecdsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.MarshalPKCS8PrivateKey(testKey("x").private)
	if err != nil {
		t.Fatal(err)
	}
	ownPEM := pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: own})
	publicText, err := testKey("x").Public().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text            []byte
		private, public bool
	}{
		"empty":           {nil, false, false},
		"text":            {[]byte("hello"), false, false},
		"half":            {ownPEM[:40], false, false},
		"ecdsa":           {pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: foreign}), false, false},
		"ecdsa public":    {pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: foreignPublic}), false, false},
		"two":             {append(bytes.Clone(publicText), publicText...), false, false},
		"zero public key": {pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: PublicKey{}.der()}), false, false},
		"large":           {append(bytes.Clone(publicText), bytes.Repeat([]byte("x"), 1<<20)...), false, false},
		"private":         {ownPEM, true, false},
		"public":          {publicText, false, true},
		"public in space": {append([]byte("\n"), append(bytes.Clone(publicText), "\n \n"...)...), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			path := filepath.Join(dir, keyFile)
			if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, c.text, 0o600)); err != nil {
				t.Fatal(err)
			}
			if key, err := OpenKey(dir); c.private != (err == nil) {
				t.Errorf("as signing key: %v, %v", key, err)
			} else if err != nil {
				wantCode(t, err, codeKey)
			}
			if key, err := ReadPublicKey(path); c.public != (err == nil) {
				t.Errorf("as public key: %v, %v", key, err)
			} else if err != nil {
				wantCode(t, err, codeKey)
			} else if key != testKey("x").Public() {
				t.Error("another key was read")
			}
			if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, c.text) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
	if _, err := ReadPublicKey(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// The id is what `openssl pkey -pubin -outform DER | sha256sum` prints.
func TestKeyID(t *testing.T) {
	text, err := testKey("signer").Public().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if id := testKey("signer").Public().ID(); id != string(DigestOf(block.Bytes)) || len(block.Bytes) != 44 {
		t.Errorf("id %s of %d bytes", id, len(block.Bytes))
	}
}

func TestPrivateKeyIsNeverPrinted(t *testing.T) {
	key := testKey("signer")
	seed := key.private.Seed()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		text := fmt.Sprintf(format, key)
		if strings.Contains(text, hex.EncodeToString(seed)) || strings.Contains(text, fmt.Sprintf("%v", seed)[1:20]) || strings.Contains(text, "private") {
			t.Errorf("%s prints %s", format, text)
		}
	}
	if Key.String(Key{}) != "no key" {
		t.Error("the zero key has a name")
	}
}

// Under a point of small order, a signature that nobody made verifies some
// messages; the table must hold each of them, and no ordinary key.
func TestSmallOrderPointsAreWeak(t *testing.T) {
	nobody := make([]byte, ed25519.SignatureSize)
	nobody[0] = 1 // R is the neutral element, S is zero
	for i := 0; i < len(smallOrder); i += 64 {
		point, err := hex.DecodeString(smallOrder[i : i+64])
		if err != nil {
			t.Fatal(err)
		}
		for _, sign := range []byte{0, 0x80} {
			key := PublicKey{point: [32]byte(point)}
			key.point[31] |= sign
			message, forged := []byte{0}, false
			for m := range 256 {
				message[0] = byte(m)
				forged = forged || ed25519.Verify(key.point[:], message, nobody)
				if key.verifies(message, nobody) {
					t.Fatalf("%x verifies what nobody signed", key.point)
				}
			}
			if !key.weak() {
				t.Errorf("%x is not weak", key.point)
			}
			// The library takes no encoding with a sign where x is zero,
			// so only the positive ones must show what they are.
			if !forged && sign == 0 {
				t.Errorf("%x is in the table, but has no small order", key.point)
			}
		}
	}
	for i := range 100 {
		if key := testKey(fmt.Sprint(i)).Public(); key.weak() {
			t.Errorf("%x is weak", key.point)
		}
	}
}
