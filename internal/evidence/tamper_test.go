package evidence

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// part is an entry of a bundle that is taken apart.
type part struct {
	name string
	data []byte
}

// parts takes a bundle apart without the code under test's reader.
func parts(t testing.TB, data []byte) []part {
	t.Helper()
	var all []part
	for len(data) > endSize {
		name, _, _ := strings.Cut(string(data[:100]), "\x00")
		size := 0
		for _, digit := range data[sizeField : sizeField+11] {
			size = size*8 + int(digit-'0')
		}
		all = append(all, part{name, slices.Clone(data[blockSize : blockSize+size])})
		data = data[blockSize+(size+blockSize-1)/blockSize*blockSize:]
	}
	return all
}

// assembled puts parts together in correct form.
func assembled(t testing.TB, all []part) []byte {
	t.Helper()
	var out bytes.Buffer
	c := containerWriter{&out}
	for _, p := range all {
		if err := c.addBytes(p.name, p.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func entry(t testing.TB, data []byte, name string) []byte {
	t.Helper()
	for _, p := range parts(t, data) {
		if p.name == name {
			return p.data
		}
	}
	t.Fatalf("no entry %s", name)
	return nil
}

// refused fails the test unless the bundle is refused. No key is trusted, since
// trust only adds a reason to refuse.
func refused(t testing.TB, data []byte, what string, args ...any) {
	t.Helper()
	b, err := Open(bytes.NewReader(data), nil)
	if b != nil || err == nil {
		t.Fatalf("accepted: "+what, args...)
	}
	if p, ok := problem.Of(err); !ok || p.Code != codeTampered {
		t.Fatalf("refused, but not as tampered: "+what+": %v", append(args, err)...)
	}
}

// tiny is a content with one of each kind of entry.
func tiny(t testing.TB) Content {
	t.Helper()
	content := sample(t)
	content.Observations = []Observation{observe(t, "log.stdout", reading{Lines: 1})}
	content.Attachments = content.Attachments[:1]
	content.Verdicts = judged(t, content)
	return content
}

func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	data := written(t, testKey("signer"), tiny(t))
	opened(t, data, testKey("signer").Public())
	mutated := slices.Clone(data)
	for i := range data { // each byte once …
		mutated[i] ^= byte(1 + rand.IntN(255))
		refused(t, mutated, "byte %d: %#x instead of %#x", i, mutated[i], data[i])
		mutated[i] = data[i]
	}
	for range 1000 { // … single bits, which are the likeliest to mean the same …
		i := rand.IntN(len(data))
		mutated[i] ^= 1 << rand.IntN(8)
		refused(t, mutated, "byte %d: %#x instead of %#x", i, mutated[i], data[i])
		mutated[i] = data[i]
	}
	for range 1000 { // … and swaps.
		i, j := rand.IntN(len(data)), rand.IntN(len(data))
		if data[i] == data[j] {
			continue
		}
		mutated[i], mutated[j] = data[j], data[i]
		refused(t, mutated, "bytes %d and %d swapped", i, j)
		mutated[i], mutated[j] = data[i], data[j]
	}
}

// Every byte of a header, set to every value that could stand for the same.
func TestHeadersAndPaddingHaveNoFreeBytes(t *testing.T) {
	data := written(t, testKey("signer"), tiny(t))
	mutated := slices.Clone(data)
	for i := range blockSize {
		for _, value := range []byte{0, ' ', '0', '7', '8', '/', 0x80, 0xff} {
			if data[i] == value {
				continue
			}
			mutated[i] = value
			refused(t, mutated, "header byte %d set to %#x", i, value)
			mutated[i] = data[i]
		}
	}
}

func TestTruncatedOrLonger(t *testing.T) {
	t.Parallel()
	data := written(t, testKey("signer"), tiny(t))
	for i := range data {
		refused(t, data[:i], "only %d bytes of %d", i, len(data))
	}
	for _, more := range [][]byte{{0}, {'x'}, make([]byte, blockSize), make([]byte, 8*blockSize), data} {
		refused(t, slices.Concat(data, more), "%d bytes more", len(more))
	}
	refused(t, slices.Concat([]byte{0}, data), "a byte before")
	for i := 0; i+blockSize <= len(data); i += blockSize {
		refused(t, slices.Concat(data[:i], data[i+blockSize:]), "block at %d left out", i)
		refused(t, slices.Insert(slices.Clone(data), i, make([]byte, blockSize)...), "zero block at %d", i)
		refused(t, slices.Insert(slices.Clone(data), i, data[i:i+blockSize]...), "block at %d twice", i)
	}
}

func TestRearranged(t *testing.T) {
	data := written(t, testKey("signer"), sample(t))
	if !bytes.Equal(assembled(t, parts(t, data)), data) {
		t.Fatal("taking apart and putting together is not exact")
	}
	count := len(parts(t, data))
	for i := range count {
		all := parts(t, data)
		refused(t, assembled(t, slices.Delete(all, i, i+1)), "entry %d left out", i)
		all = parts(t, data)
		refused(t, assembled(t, slices.Insert(all, i, all[i])), "entry %d twice", i)
		all = parts(t, data)
		all[i].data = append(all[i].data, ' ')
		refused(t, assembled(t, all), "a space after entry %d", i)
		for _, name := range []string{"../../etc/passwd", "/etc/passwd", blobPrefix + strings.Repeat("0", 64), "x"} {
			all = parts(t, data)
			refused(t, assembled(t, slices.Insert(all, i, part{name, []byte("x")})), "%s inserted at %d", name, i)
		}
		for j := range i {
			all = parts(t, data)
			all[i], all[j] = all[j], all[i]
			refused(t, assembled(t, all), "entries %d and %d swapped", i, j)
			all = parts(t, data)
			if !bytes.Equal(all[i].data, all[j].data) {
				all[i].data, all[j].data = all[j].data, all[i].data
				refused(t, assembled(t, all), "content of entries %d and %d swapped", i, j)
			}
		}
	}
}

// The parts of two bundles of one key must not mix, above all not a signature
// of one with the payload of the other.
func TestPartsOfTwoBundlesDoNotMix(t *testing.T) {
	other := sample(t)
	other.Observations[0] = observe(t, "log.syslog", reading{Lines: 4, Text: "x"})
	other.Manifest = append(other.Manifest, "admin: {}\n"...)
	other.Verdicts = judged(t, other)
	first := written(t, testKey("signer"), sample(t))
	second := written(t, testKey("signer"), other)
	for i, p := range parts(t, second) {
		mixed := parts(t, first)
		if p.name == mixed[i].name && bytes.Equal(p.data, mixed[i].data) {
			continue // the key, and blobs that both hold
		}
		mixed[i] = p
		refused(t, assembled(t, mixed), "%s of another bundle", p.name)
	}
	for i := range 2 {
		mixed, one, two := parts(t, first), parts(t, first)[i].data, parts(t, second)[i].data
		mixed[i].data = slices.Concat(two[:bytes.Index(two, []byte(`"sig":`))], one[bytes.Index(one, []byte(`"sig":`)):])
		refused(t, assembled(t, mixed), "signature replayed in %s", mixed[i].name)
	}
	// Both are statements signed by the key, of the same payload type.
	mixed := parts(t, first)
	mixed[0].data, mixed[1].data = mixed[1].data, mixed[0].data
	refused(t, assembled(t, mixed), "test result in place of the statement")
}

func TestAnotherKey(t *testing.T) {
	signer, other := testKey("signer"), testKey("other")
	data := written(t, signer, sample(t))
	_, err := Open(bytes.NewReader(data), []PublicKey{other.Public()})
	wantCode(t, err, codeUntrusted)
	_, err = Open(bytes.NewReader(data), []PublicKey{{}})
	wantCode(t, err, codeUntrusted)

	// The other key embedded, with the signer's signatures.
	swapped := parts(t, data)
	swapped[2].data, _ = other.Public().MarshalText()
	refused(t, assembled(t, swapped), "the key alone replaced")
	for i := range 2 {
		swapped[i].data = bytes.Replace(swapped[i].data, []byte(signer.Public().ID()), []byte(other.Public().ID()), 1)
	}
	refused(t, assembled(t, swapped), "the key and its names replaced")
}

// Whoever changes a verdict can only sign it with a key of their own.
func TestVerdictChangedAndSignedAgain(t *testing.T) {
	content := sample(t)
	content.Verdicts[0].Seen = "all is well"
	forged := written(t, testKey("forger"), content)
	_, err := Open(bytes.NewReader(forged), []PublicKey{testKey("signer").Public()})
	wantCode(t, err, codeUntrusted)
	if b := opened(t, forged); !b.SelfSigned || b.Signer == testKey("signer").Public() {
		t.Error("a forged bundle does not say that it is signed by itself")
	}
	// Naming the trusted key does not help: one envelope forged, or both.
	mixed, genuine := parts(t, forged), parts(t, written(t, testKey("signer"), sample(t)))
	mixed[2] = genuine[2]
	refused(t, assembled(t, mixed), "forged statements with the genuine key")
	mixed[1] = genuine[1]
	refused(t, assembled(t, mixed), "forged statement with the genuine test result")
}
