package artifact

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// maxManifest bounds a manifest and a configuration in bytes.
const maxManifest = 4 << 20

// Unpack writes the tree of an image that [Pack] made to the folder into,
// which must be empty or absent. Manifest, configuration and layer are hashed
// while they are read, and into is cleared again when one is not what its
// digest says, when it holds what Pack does not write, or when ctx ends.
//
// Links come back as they were packed. Those with an absolute target point
// into the system that the tree is run on: resolve none of them outside a
// sandbox.
//
// Problem RW-A06: a blob is missing or not what its digest says.
func Unpack(ctx context.Context, layoutDir, digest, into string) error {
	s := store{layoutDir}
	manifest, err := s.manifest(digest)
	if err != nil {
		return err
	}
	if _, err := s.content(manifest.Config.Digest, manifest.Config.Size); err != nil {
		return err
	}
	if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != types.OCIUncompressedLayer {
		return fmt.Errorf("unpack the image %s: it does not have the one uncompressed layer that Roadworthy packs", digest)
	}
	return fill(into, time.Time{}, func(p *placer) error {
		return s.unpackLayer(ctx, manifest.Layers[0], p)
	})
}

func (s store) manifest(digest string) (*v1.Manifest, error) {
	name, err := v1.NewHash(digest)
	if err != nil || name.Algorithm != "sha256" {
		return nil, &problem.Problem{
			Code: "RW-U01", Summary: "the digest is not one of an image", Got: digest,
			Want: "sha256: and 64 hexadecimal digits", Fix: "roadworthy check prints the digest of what it built",
		}
	}
	raw, err := s.content(name, -1)
	if err != nil {
		return nil, err
	}
	manifest, err := v1.ParseManifest(strings.NewReader(string(raw)))
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", digest, err)
	}
	return manifest, nil
}

// content reads a small blob; size below 0 is any.
func (s store) content(digest v1.Hash, size int64) ([]byte, error) {
	file, err := s.open(digest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return nil, fmt.Errorf("read the blob %s: %w", digest, err)
	}
	if got := sha256Of(raw); got != digest || (size >= 0 && size != int64(len(raw))) {
		return nil, s.notAsNamed(digest, got.String(), nil)
	}
	return raw, nil
}

func (s store) open(digest v1.Hash) (*os.File, error) {
	if _, err := hex.DecodeString(digest.Hex); err != nil || digest.Algorithm != "sha256" || len(digest.Hex) != 64 {
		return nil, s.notAsNamed(digest, "not a SHA-256 digest", err)
	}
	file, err := os.Open(s.blob(digest))
	if err != nil {
		return nil, s.notAsNamed(digest, "a file that cannot be opened", err)
	}
	return file, nil
}

func (s store) notAsNamed(digest v1.Hash, got string, cause error) error {
	return &problem.Problem{
		Code: "RW-A06", Summary: "a blob of the image is missing or not what its digest says",
		At: filepath.Join(s.dir, "blobs"), Got: got, Want: digest.String(),
		Fix: "build it again: roadworthy check", Cause: cause,
	}
}

func (s store) unpackLayer(ctx context.Context, layer v1.Descriptor, p *placer) error {
	file, err := s.open(layer.Digest)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	verified := io.TeeReader(untilDone{ctx, file}, sum)
	err = unpackTar(tar.NewReader(verified), p)
	if ctx.Err() != nil {
		return fmt.Errorf("unpack the layer: %w", ctx.Err())
	}
	// What follows the archive's end counts for the digest too.
	if _, rest := io.Copy(io.Discard, verified); rest != nil {
		return fmt.Errorf("read the layer: %w", rest)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != layer.Digest.Hex {
		return s.notAsNamed(layer.Digest, "sha256:"+got, err)
	}
	return err
}

func unpackTar(in *tar.Reader, p *placer) error {
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the layer: %w", err)
		}
		if err := unpackOne(in, header, p); err != nil {
			return fmt.Errorf("unpack %q: %w", header.Name, err)
		}
	}
}

func unpackOne(in io.Reader, header *tar.Header, p *placer) error {
	clean := path.Clean(header.Name)
	name, inside := strings.CutPrefix(clean, appFolder+"/")
	if clean == appFolder {
		name, inside = ".", header.Typeflag == tar.TypeDir
	}
	if !inside || strings.TrimSuffix(header.Name, "/") != clean || !filepath.IsLocal(name) {
		return unsafePath(header.Name, "a path outside /"+appFolder)
	}
	p.stamp = header.ModTime
	switch header.Typeflag {
	case tar.TypeDir:
		return p.dir(name)
	case tar.TypeReg:
		return p.file(name, header.Mode&0o100 != 0, func(w io.Writer) error {
			_, err := io.Copy(w, in)
			return err
		})
	case tar.TypeSymlink:
		if !path.IsAbs(header.Linkname) && !staysInside(name, header.Linkname) {
			return unsafePath(name, linkTo(header.Linkname))
		}
		return p.link(name, header.Linkname)
	}
	return unsafePath(name, fmt.Sprintf("an entry of type %q", header.Typeflag))
}

// Describe reads an image's configuration back, each blob verified: what
// [Pack] was given, as far as the image holds it. Branch, time zone and
// credentials of the repository are not in it.
func Describe(layoutDir, digest string) (Config, error) {
	s := store{layoutDir}
	manifest, err := s.manifest(digest)
	if err != nil {
		return Config{}, err
	}
	raw, err := s.content(manifest.Config.Digest, manifest.Config.Size)
	if err != nil {
		return Config{}, err
	}
	var file v1.ConfigFile
	if err := json.Unmarshal(raw, &file); err != nil {
		return Config{}, fmt.Errorf("read the image's configuration: %w", err)
	}
	label := file.Config.Labels
	config := Config{
		Name: label[labelTitle], Processes: map[string]string{}, Env: map[string]string{},
		Revision: Revision{
			Commit: label[labelRevision], Tree: label[labelTree], Prefix: label[labelPrefix],
			Repository: label[labelSource], Dirty: label[labelDirty] == "true", CommitTime: file.Created.UTC(),
		},
	}
	for key, value := range label {
		if kind, ok := strings.CutPrefix(key, labelProcess); ok {
			config.Processes[kind] = value
		}
	}
	for _, pair := range file.Config.Env {
		name, value, _ := strings.Cut(pair, "=")
		config.Env[name] = value
	}
	return config, nil
}
