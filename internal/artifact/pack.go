package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Config is what an image says of itself.
type Config struct {
	Name      string            // the application's name
	Revision  Revision          // where the tree came from; its time becomes that of every file
	Processes map[string]string // command by process type
	Env       map[string]string // variables that every process gets; no secrets: the image is not one
}

// Image is an image in a layout.
type Image struct {
	Digest string // of the manifest: "sha256:…"; names the evidence
	Layout string // the layout's folder
	Size   int64  // bytes of layer, configuration and manifest
}

// The labels of an image. The first three are annotations of the OCI image
// specification; the others are ours.
const (
	labelRevision = "org.opencontainers.image.revision"
	labelSource   = "org.opencontainers.image.source"
	labelTitle    = "org.opencontainers.image.title"
	labelTree     = "dev.roadworthy.tree"     // git id of the tree
	labelPrefix   = "dev.roadworthy.prefix"   // folder inside the repository
	labelDirty    = "dev.roadworthy.dirty"    // "true" where no commit holds the tree
	labelProcess  = "dev.roadworthy.process." // followed by the process type
)

// Pack makes an OCI image (image-spec 1.1) of the tree dir and adds it to the
// image layout, which is made if it is absent. The image has one layer, with
// the tree at /app, and no base: it is carried and run by Roadworthy.
//
// Equal trees, configurations, systems and processor architectures give an
// equal digest: entries are sorted, times are the commit's, the owner is 0:0,
// modes are 0755 and 0644. Left out are every .git and, because the compiled
// files in it hold times, every __pycache__. The layer is not compressed: the
// bytes of a compressor change with its version, and the digest with them.
//
// Problem RW-A05: a socket, pipe or device, or a relative link that leaves dir.
func Pack(ctx context.Context, dir string, config Config, layoutDir string) (Image, error) {
	store, err := openLayout(layoutDir)
	if err != nil {
		return Image{}, err
	}
	layer, err := store.writeLayer(ctx, dir, config.Revision.stamp())
	if err != nil {
		return Image{}, err
	}
	image, err := assemble(layer, config)
	if err != nil {
		return Image{}, fmt.Errorf("assemble the image: %w", err)
	}
	return store.add(image)
}

// assemble puts an image together from its layer.
func assemble(layer v1.Layer, config Config) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: config.Revision.stamp()}
	image, err := mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: created, CreatedBy: "roadworthy", Comment: "the built tree"},
	})
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.Created, file.OS, file.Architecture = created, runtime.GOOS, runtime.GOARCH
	file.Config = v1.Config{WorkingDir: "/" + appFolder, Labels: labels(config)}
	for _, name := range slices.Sorted(maps.Keys(config.Env)) {
		file.Config.Env = append(file.Config.Env, name+"="+config.Env[name])
	}
	if web := config.Processes["web"]; web != "" {
		file.Config.Entrypoint = []string{"/bin/sh", "-c", web}
	}
	return mutate.ConfigFile(image, file)
}

func labels(config Config) map[string]string {
	r := config.Revision
	all := map[string]string{
		labelTitle: config.Name, labelRevision: r.Commit, labelSource: sourceLabel(r.Repository),
		labelTree: r.Tree, labelPrefix: r.Prefix,
	}
	if r.Dirty {
		all[labelDirty] = "true"
	}
	for kind, command := range config.Processes {
		all[labelProcess+kind] = command
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// store is an image layout that is written to: each file appears whole, under
// its final name, or not at all.
type store struct{ dir string }

func openLayout(dir string) (store, error) {
	if _, err := layout.FromPath(dir); err == nil {
		return store{dir}, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "index.json")); !errors.Is(err, fs.ErrNotExist) {
		return store{}, fmt.Errorf("open the image layout %s: its index.json cannot be read", dir)
	}
	if _, err := layout.Write(dir, empty.Index); err != nil {
		return store{}, fmt.Errorf("make the image layout: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil { //nolint:gosec // for every user to read
		return store{}, fmt.Errorf("make the image layout: %w", err)
	}
	return store{dir}, nil
}

func (s store) blob(digest v1.Hash) string {
	return filepath.Join(s.dir, "blobs", digest.Algorithm, digest.Hex)
}

// add writes an image whose layer is there already, its index last.
func (s store) add(image v1.Image) (Image, error) {
	manifest, err := image.RawManifest()
	if err != nil {
		return Image{}, fmt.Errorf("write the manifest: %w", err)
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return Image{}, fmt.Errorf("write the configuration: %w", err)
	}
	size := int64(len(manifest) + len(config))
	layers, err := image.Layers()
	for i := 0; err == nil && i < len(layers); i++ {
		var n int64
		n, err = layers[i].Size()
		size += n
	}
	if err != nil {
		return Image{}, fmt.Errorf("measure the layers: %w", err)
	}
	if _, err := s.write(config); err != nil {
		return Image{}, err
	}
	digest, err := s.write(manifest)
	if err != nil {
		return Image{}, err
	}
	entry := v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: int64(len(manifest)), Digest: digest}
	return Image{digest.String(), s.dir, size}, s.list(entry)
}

// write stores a small blob under its digest.
func (s store) write(content []byte) (v1.Hash, error) {
	digest := sha256Of(content)
	return digest, replaceFile(s.blob(digest), content)
}

// list adds an image to the index, unless it is there.
func (s store) list(entry v1.Descriptor) error {
	path, err := layout.FromPath(s.dir)
	if err != nil {
		return fmt.Errorf("read the image layout: %w", err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return fmt.Errorf("read the image layout: %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("read the image layout: %w", err)
	}
	for _, known := range manifest.Manifests {
		if known.Digest == entry.Digest {
			return nil
		}
	}
	manifest.Manifests = append(manifest.Manifests, entry)
	raw, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("write the image layout: %w", err)
	}
	return replaceFile(filepath.Join(s.dir, "index.json"), raw)
}

// replaceFile writes a file whole, through a neighbour and a rename.
func replaceFile(name string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".writing-")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if _, err := file.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return settle(file, name)
}

// settle makes a written temporary file durable and gives it its name.
func settle(file *os.File, name string) error {
	if err := errors.Join(file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
