package artifact

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestUnpackVerifiesEveryBlob(t *testing.T) {
	dir, layoutDir := t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"a": "content", "b": "more"})
	image := pack(t, dir, Config{Name: "n"}, layoutDir)
	blobs, err := filepath.Glob(filepath.Join(layoutDir, "blobs/sha256/*"))
	must(t, err)
	if len(blobs) != 3 {
		t.Fatalf("%d blobs, want manifest, configuration and layer", len(blobs))
	}
	for _, blob := range blobs {
		original, err := os.ReadFile(blob)
		must(t, err)
		flipped := bytes.Clone(original)
		flipped[len(flipped)/2] ^= 1
		for kind, content := range map[string][]byte{
			"flipped": flipped, "longer": append(bytes.Clone(original), 0), "shorter": original[:len(original)-1], "empty": {},
		} {
			must(t, os.WriteFile(blob, content, 0o644))
			into := filepath.Join(t.TempDir(), "tree")
			wantCode(t, Unpack(t.Context(), layoutDir, image.Digest, into), "RW-A06")
			if _, err := os.Stat(into); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s %s: %s was left", filepath.Base(blob), kind, tree(t, into))
			}
		}
		must(t, os.WriteFile(blob, original, 0o644))
	}
	for _, digest := range []string{"", "sha256:", "sha512:" + strings.Repeat("a", 128), "sha256:../../../etc/passwd", "latest"} {
		wantCode(t, Unpack(t.Context(), layoutDir, digest, t.TempDir()), "RW-U01")
	}
	wantCode(t, Unpack(t.Context(), layoutDir, "sha256:"+strings.Repeat("a", 64), t.TempDir()), "RW-A06")
	must(t, Unpack(t.Context(), layoutDir, image.Digest, t.TempDir()))
}

// forge stores an image whose layer holds headers that Pack never writes.
func forge(t *testing.T, layoutDir string, headers ...tar.Header) string {
	t.Helper()
	s, err := openLayout(layoutDir)
	must(t, err)
	var raw bytes.Buffer
	out := tar.NewWriter(&raw)
	for _, h := range headers {
		must(t, out.WriteHeader(&h))
		_, err := io.CopyN(out, strings.NewReader("evil"), h.Size)
		must(t, err)
	}
	must(t, out.Close())
	layer, err := s.write(raw.Bytes())
	must(t, err)
	config, err := s.write([]byte("{}"))
	must(t, err)
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: v1.Descriptor{Digest: config, Size: 2},
		Layers: []v1.Descriptor{{MediaType: types.OCIUncompressedLayer, Digest: layer, Size: int64(raw.Len())}},
	})
	must(t, err)
	digest, err := s.write(manifest)
	must(t, err)
	return digest.String()
}

func TestUnpackRefusesForgedLayers(t *testing.T) {
	file := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 4, Mode: 0o644}
	}
	for name, headers := range map[string][]tar.Header{
		"parent":       {file("app/../../evil")},
		"absolute":     {file("/app/evil")},
		"other folder": {file("etc/evil")},
		"like app":     {file("apple/evil")},
		"app itself":   {file("app")},
		"device":       {{Name: "app/d", Typeflag: tar.TypeBlock}},
		"hard link":    {{Name: "app/h", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"leaving link": {{Name: "app/l", Typeflag: tar.TypeSymlink, Linkname: "../../x"}},
		"through link": {{Name: "app/l", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}, file("app/l/evil")},
		"over a link":  {{Name: "app/l", Typeflag: tar.TypeSymlink, Linkname: "/tmp/evil"}, file("app/l")},
		"twice":        {file("app/a"), file("app/a")},
	} {
		t.Run(name, func(t *testing.T) {
			layoutDir, parent := t.TempDir(), t.TempDir()
			err := Unpack(t.Context(), layoutDir, forge(t, layoutDir, headers...), filepath.Join(parent, "a", "b"))
			if err == nil {
				t.Errorf("no error; tree\n%s", tree(t, parent))
			}
			isEmpty(t, filepath.Join(parent, "a"))
		})
	}
	layoutDir := t.TempDir()
	must(t, Unpack(t.Context(), layoutDir, forge(t, layoutDir, file("app/good")), t.TempDir()))
}

func FuzzUnpackStaysInside(f *testing.F) {
	f.Add("app/a", "b", byte(tar.TypeSymlink))
	f.Add("app/../x", "", byte(tar.TypeReg))
	f.Fuzz(func(t *testing.T, name, link string, kind byte) {
		parent := t.TempDir()
		_ = fill(filepath.Join(parent, "into"), time.Time{}, func(p *placer) error {
			return unpackOne(strings.NewReader(""), &tar.Header{Name: name, Linkname: link, Typeflag: kind}, p)
		})
		if names, err := os.ReadDir(parent); err != nil || len(names) > 1 {
			t.Errorf("%q -> %q wrote beside the folder: %s", name, link, fmt.Sprint(names))
		}
	})
}
