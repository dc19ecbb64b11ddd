package artifact

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ScanFiles looks for secrets in every file below dir, by the same forms and
// bounds as [ScanHistory]; the findings have no commit. Links are not
// followed, since what they lead to is not in the folder or found there.
func ScanFiles(ctx context.Context, dir string) (History, error) {
	s := &scan{bounds: scanBounds, seen: map[secretKey]int{}}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return History{}, fmt.Errorf("open the folder to scan: %w", err)
	}
	defer root.Close()
	past := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil || !entry.Type().IsRegular() {
			return firstOf(ctx.Err(), err)
		}
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case info.Size() > s.blob:
			s.history.Larger++
			return nil
		case s.history.Bytes+info.Size() > s.bytes:
			past++
			return nil
		}
		content, err := fs.ReadFile(root.FS(), name)
		if err != nil {
			return err
		}
		s.history.Blobs++
		s.history.Bytes += info.Size()
		s.examine(version{path: filepath.ToSlash(name)}, content)
		return nil
	})
	if err != nil {
		return History{}, fmt.Errorf("scan %s: %w", filepath.Base(dir), err)
	}
	if s.history.Larger > 0 {
		s.miss("%d files are larger than %d KiB", s.history.Larger, s.blob>>10)
	}
	if past > 0 {
		s.miss("%d files are past the bound of %d MiB", past, s.bytes>>20)
	}
	sortFindings(s.history.Findings)
	s.history.Complete = len(s.history.Missed) == 0
	return s.history, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
