package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Parse reads a manifest. path is only what its problems name as the file; ""
// stands for [Name].
//
// Whatever is wrong is returned at once as a [problem.List] in the order of
// the file; the manifest is then nil. Any input ends within bounded time.
func Parse(path string, data []byte) (*Manifest, error) {
	if path == "" {
		path = Name
	}
	r := &reader{report: &report{path: path}}
	root := r.decode(data, limits)
	if root == nil {
		return nil, r.err()
	}
	if root.Kind == document.Nothing { // an empty file lacks every key
		root = &document.Node{Kind: document.Mapping, At: root.At}
	}
	r.check(root, manifestShape, "", root.At)
	r.read(root)
	if err := r.err(); err != nil {
		return nil, err
	}
	return r.m, nil
}

// Load reads the manifest of the application in a folder. A missing file is
// the problem RW-M07, which wraps [fs.ErrNotExist].
func Load(dir string) (*Manifest, error) { return LoadFile(filepath.Join(dir, Name)) }

// LoadFile is Load for a manifest of another name.
func LoadFile(path string) (*Manifest, error) {
	data, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// ReadFile reads the text of a manifest, one byte more than allowed at most;
// [Parse] then refuses. A repository is a stranger's: what is no plain file,
// or a link that leaves the folder, is the problem RW-M07.
func ReadFile(path string) (_ []byte, err error) {
	bad := func(summary string, cause error) error {
		return problem.List{{
			Code: codeNoFile, Summary: summary, At: path, Want: "a file " + filepath.Base(path), Fix: "roadworthy init", Cause: cause,
		}}
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, bad("there is no folder "+filepath.Dir(path), err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the folder of the manifest: %w", err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	info, err := folder.Stat(filepath.Base(path)) // before it is opened: a pipe would wait for a writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, bad("there is no "+filepath.Base(path)+" here", err)
	case err != nil && !errors.Is(err, fs.ErrPermission):
		return nil, bad(filepath.Base(path)+" is a link that leaves the folder", err)
	case err == nil && !info.Mode().IsRegular():
		return nil, bad(filepath.Base(path)+" is no plain file", nil)
	}
	f, err := folder.Open(filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("open the manifest: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, int64(limits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	return data, nil
}
