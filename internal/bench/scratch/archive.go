package scratch

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// pack writes the folders and regular files below root as a tar archive.
// Anything else, such as a symbolic link, is an error: the copy would share it.
func pack(w io.Writer, root string) error {
	tw := tar.NewWriter(w)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		return packOne(tw, root, path, entry)
	})
	if err = errors.Join(err, tw.Close()); err != nil {
		return fmt.Errorf("pack data folder: %w", err)
	}
	return nil
}

func packOne(tw *tar.Writer, root, path string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm())}
	switch {
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		return tw.WriteHeader(h)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a folder nor a regular file", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = tw.Write(content)
	return err
}

// unpack writes the archive into the folder root, all of it owned by cred.
// The caller has checked that the archive is one that pack wrote.
func unpack(archive []byte, root string, cred *syscall.Credential) error {
	tr := tar.NewReader(bytes.NewReader(archive))
	buffer := make([]byte, 128<<10)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = unpackOne(tr, h, root, cred, buffer)
		}
		if err != nil {
			return fmt.Errorf("unpack template: %w", err)
		}
	}
}

func unpackOne(r io.Reader, h *tar.Header, root string, cred *syscall.Credential, buffer []byte) error {
	name := filepath.FromSlash(h.Name)
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q is outside of the folder", h.Name)
	}
	path, mode := filepath.Join(root, name), fs.FileMode(h.Mode).Perm() // Perm keeps nine bits
	if h.Typeflag == tar.TypeDir {
		if err := os.Mkdir(path, mode); err != nil {
			return err
		}
		return giveAway(path, cred)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if cred != nil {
		err = f.Chown(int(cred.Uid), int(cred.Gid))
	}
	if err == nil {
		// Hides File.ReadFrom, which would allocate a buffer for each file.
		_, err = io.CopyBuffer(struct{ io.Writer }{f}, r, buffer)
	}
	return errors.Join(err, f.Close())
}
