package coverage

import (
	"os"
	"path/filepath"
	"testing"
)

// fuzzDecoder holds every decoder to the same: no panic, and what it accepts
// keeps the promises of Report.
func fuzzDecoder(f *testing.F, decode decoder, seeds ...string) {
	for _, name := range seeds {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBuilder()
		if decode(data, b) != nil {
			return
		}
		r := b.report("any").Relative("/src", "example.com/shop").Resolve([]string{"a/b.js", "b.js"})
		for i, file := range r.Files {
			if i > 0 && r.Files[i-1].Path >= file.Path {
				t.Fatalf("paths out of order: %q, %q", r.Files[i-1].Path, file.Path)
			}
			for line, hits := range file.Lines {
				if line < 1 || line > maxLine || hits < 0 {
					t.Fatalf("line %d has %d hits", line, hits)
				}
			}
		}
		if s := r.Share(); s < 0 || s > 1 || r.Covered() > r.Total() {
			t.Fatalf("share %v, %d of %d", s, r.Covered(), r.Total())
		}
	})
}

func FuzzGo(f *testing.F)         { fuzzDecoder(f, decodeGo, "go-set.out", "go-count.out") }
func FuzzLCOV(f *testing.F)       { fuzzDecoder(f, decodeLCOV, "node.lcov", "coveragepy.lcov") }
func FuzzCobertura(f *testing.F)  { fuzzDecoder(f, decodeCobertura, "cobertura.xml") }
func FuzzJaCoCo(f *testing.F)     { fuzzDecoder(f, decodeJaCoCo, "jacoco.xml") }
func FuzzCoveragePy(f *testing.F) { fuzzDecoder(f, decodeCoveragePy, "coveragepy.json") }

func FuzzTestCount(f *testing.F) {
	f.Add([]byte("Ran 3 tests in 0.1s\n\nOK (skipped=9)\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if count, runner, ok := TestCount(data); count < 0 || ok != (runner != "") {
			t.Fatalf("%d %q %v", count, runner, ok)
		}
	})
}
