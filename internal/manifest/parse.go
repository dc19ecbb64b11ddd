package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

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
	root := r.decode(data)
	if root == nil {
		return nil, r.err()
	}
	if root.kind == kindNothing { // an empty file lacks every key
		root = &node{kind: kindMapping, at: root.at}
	}
	r.check(root, manifestShape, "", root.at)
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
	data, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.List{{
			Code: codeNoFile, Summary: "there is no " + filepath.Base(path) + " here", At: path, Want: "a file " + filepath.Base(path),
			Fix: "roadworthy init", Cause: err,
		}}
	}
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// readBounded reads one byte more than allowed at most; Parse then refuses.
func readBounded(path string) (_ []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the manifest: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	return data, nil
}
