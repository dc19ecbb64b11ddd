package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
)

const (
	// MaxFile is the size of the largest file that is read, in bytes.
	MaxFile  = 256 << 20
	maxPiece = 4 << 20 // bytes of a file that one message carries
)

// OpenFile opens a regular file inside for reading. Whatever is no regular
// file, or larger than MaxFile, is an error: nothing is read in part.
func (s *Sandbox) OpenFile(ctx context.Context, path string) (*os.File, error) {
	var file *os.File
	err := s.call(ctx, opFile, fileRequest{Path: path, Action: "open"}, &struct{}{}, func(files []*os.File) error {
		file = files[0]
		return nil
	})
	return file, err
}

// ReadFile reads a whole file inside, as OpenFile opens it.
func (s *Sandbox) ReadFile(ctx context.Context, path string) ([]byte, error) {
	file, err := s.OpenFile(ctx, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, MaxFile))
}

// WriteFile writes a file inside that the application can read.
func (s *Sandbox) WriteFile(ctx context.Context, path string, data []byte, mode uint32) error {
	return s.WriteFrom(ctx, path, bytes.NewReader(data), mode)
}

// WriteFrom is WriteFile with all that is read from a reader.
func (s *Sandbox) WriteFrom(ctx context.Context, path string, from io.Reader, mode uint32) error {
	buffer := make([]byte, maxPiece)
	for offset := int64(0); ; {
		n, err := io.ReadFull(from, buffer)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		request := fileRequest{Path: path, Action: "write", Data: buffer[:n], Offset: offset, Mode: mode}
		if err := s.call(ctx, opFile, request, &struct{}{}, nil); err != nil || last {
			return err
		}
		offset += int64(n)
	}
}

// CorruptFile overwrites the first bytes of a file inside and remembers them
// for RestoreFile: the fault for services that are files.
func (s *Sandbox) CorruptFile(ctx context.Context, path string) error {
	return s.call(ctx, opFile, fileRequest{Path: path, Action: "corrupt"}, &struct{}{}, nil)
}

// RestoreFile undoes CorruptFile.
func (s *Sandbox) RestoreFile(ctx context.Context, path string) error {
	return s.call(ctx, opFile, fileRequest{Path: path, Action: "restore"}, &struct{}{}, nil)
}
