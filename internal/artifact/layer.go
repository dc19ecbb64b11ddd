package artifact

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// appFolder is where the tree is in an image, without the leading slash.
const appFolder = "app"

// fileLayer is an uncompressed layer that is a file. It implements v1.Layer.
type fileLayer struct {
	path   string
	digest v1.Hash
	size   int64
}

// Digest is the SHA-256 of the file.
func (l fileLayer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID is the digest too, since nothing is compressed.
func (l fileLayer) DiffID() (v1.Hash, error) { return l.digest, nil }

// Compressed opens the file.
func (l fileLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Uncompressed opens the file.
func (l fileLayer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Size is the file's length in bytes.
func (l fileLayer) Size() (int64, error) { return l.size, nil }

// MediaType says that the layer is a plain tar archive.
func (l fileLayer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }

// writeLayer archives dir straight into the layout.
func (s store) writeLayer(ctx context.Context, dir string, stamp time.Time) (layer fileLayer, err error) {
	file, err := os.CreateTemp(filepath.Join(s.dir, "blobs", "sha256"), ".writing-")
	if err != nil {
		return fileLayer{}, fmt.Errorf("write the layer: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	sum := sha256.New()
	if err := archive(ctx, dir, stamp, io.MultiWriter(file, sum)); err != nil {
		return fileLayer{}, err
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return fileLayer{}, fmt.Errorf("measure the layer: %w", err)
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	return fileLayer{s.blob(digest), digest, size}, settle(file, s.blob(digest))
}

func sha256Of(content []byte) v1.Hash {
	sum := sha256.Sum256(content)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// archive writes dir as a tar archive: entries in the order of fs.WalkDir,
// which sorts each folder, every other property fixed.
func archive(ctx context.Context, dir string, stamp time.Time, w io.Writer) error {
	from, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer from.close()
	out := tar.NewWriter(w)
	err = fs.WalkDir(from.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read the built tree: %w", err)
		case ctx.Err() != nil:
			return fmt.Errorf("pack the built tree: %w", ctx.Err())
		case d.Name() == ".git" || (d.IsDir() && d.Name() == "__pycache__"):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return from.archiveOne(ctx, out, name, stamp)
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("end the layer: %w", err)
	}
	return nil
}

func (f *folder) archiveOne(ctx context.Context, out *tar.Writer, name string, stamp time.Time) error {
	info, err := f.root.Lstat(name)
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	header := &tar.Header{Name: path.Join(appFolder, name), Mode: 0o644, ModTime: stamp, Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		header.Typeflag, header.Mode, header.Name = tar.TypeDir, 0o755, header.Name+"/"
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := f.root.Readlink(name)
		if err != nil {
			return fmt.Errorf("read the link %s: %w", name, err)
		}
		header.Typeflag, header.Mode = tar.TypeSymlink, 0o777
		if header.Linkname, err = relink(f.path, name, target); err != nil {
			return err
		}
	case info.Mode().IsRegular():
		return f.archiveFile(ctx, out, name, header)
	default:
		return unsafePath(name, "a "+info.Mode().Type().String()+", which no image can carry")
	}
	if err := out.WriteHeader(header); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}

func (f *folder) archiveFile(ctx context.Context, out *tar.Writer, name string, header *tar.Header) (err error) {
	file, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	if info.Mode()&0o111 != 0 {
		header.Mode = 0o755
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := out.WriteHeader(header); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	// The archive refuses more or fewer bytes than the header says, so a file
	// that changes meanwhile is an error, not a mixture.
	if _, err := io.Copy(out, untilDone{ctx, file}); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}
