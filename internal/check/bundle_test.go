package check_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// TestNoByteOfABundleCanChange: a thousand bundles, each with one random byte
// changed, and some cut or lengthened, are all refused; the whole one is not.
func TestNoByteOfABundleCanChange(t *testing.T) {
	dir := application(t, map[string]string{"app.py": server + "serve()", "roadworthy.yaml": short})
	path := filepath.Join(t.TempDir(), "check.roadworthy")
	_, err := run(t, 30*time.Second, check.Options{
		Dir: dir, Only: []string{"log.stdout", "codebase"}, KeyDir: filepath.Join(t.TempDir(), "key"), Bundle: path, Tool: "test", Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Verify(path, nil); err != nil {
		t.Fatalf("the bundle as it was written: %v", err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const changes = 1000
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	folder := t.TempDir()
	refused := func(name string, data []byte, what string, at int) {
		group.Go(func() error {
			file := filepath.Join(folder, name)
			if err := os.WriteFile(file, data, 0o600); err != nil {
				return err
			}
			defer os.Remove(file)
			_, err := check.Verify(file, nil)
			if p, ok := problem.Of(err); !ok || p.Code[:4] != "RW-E" || p.Fix == "" {
				t.Errorf("seed %d: %s at %d of %d: got %v, want a refusal", seed, what, at, len(whole), err)
			}
			return nil
		})
	}
	for n := range changes {
		changed, at := append([]byte(nil), whole...), random.IntN(len(whole))
		changed[at] ^= byte(1 + random.IntN(255))
		refused("changed-"+strconv.Itoa(n), changed, "one byte changed", at)
	}
	for n := range 20 {
		at := random.IntN(len(whole))
		refused("cut-"+strconv.Itoa(n), whole[:at], "cut", at)
	}
	refused("longer", append(append([]byte(nil), whole...), 0), "lengthened", len(whole))
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
