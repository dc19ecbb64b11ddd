package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
)

const (
	searchLimit  = 32 << 20 // bytes of one file that are searched
	maxWritten   = 20000    // files that are listed
	corruptBytes = 100      // the header of an SQLite file (file format, section 1.3)
)

// stamp tells whether a file has changed.
type stamp struct {
	inode uint64
	size  int64
	mtime int64
	ctime int64
}

// walk visits everything below the tmpfs, with the path that the application sees.
func (l *layers) walk(visit func(inside, path string, info fs.FileInfo)) {
	for folder, name := range l.upper {
		base := l.root + "/" + name
		_ = filepath.WalkDir(base+"/", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || len(path) <= len(base)+1 {
				return nil //nolint:nilerr // what vanishes while we look was not left behind
			}
			info, err := entry.Info()
			if err == nil {
				visit(filepath.Join(folder, path[len(base):]), path, info)
			}
			return nil
		})
	}
}

func (l *layers) stamps() map[string]stamp {
	all := map[string]stamp{}
	l.walk(func(inside, _ string, info fs.FileInfo) { all[inside] = stampOf(info) })
	return all
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode, s.ctime = stat.Ino, stat.Ctim.Nano()
	}
	return s
}

func (a *agent) doWritten(request writtenRequest) (any, []int, error) {
	var list []Written
	rest := 0
	a.layers.walk(func(inside, path string, info fs.FileInfo) {
		before, known := a.layers.before[inside]
		if known && (before == stampOf(info) || info.IsDir()) {
			return
		}
		if len(list) >= maxWritten {
			rest++
			return
		}
		if w, ok := describe(inside, path, info, request.Needles); ok {
			w.Created = !known && !existed(inside, a.layers.app)
			list = append(list, w)
		}
	})
	list = append(list, heldFiles(request.Needles)...)
	sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	if rest > 0 {
		list = append(list, Written{Path: fmt.Sprintf("%d further files", rest), Kind: "rest", Partial: true})
	}
	return list, nil, nil
}

// existed is false for what the lower layers do not hold. It cannot be asked
// of the overlay itself, where both layers look the same.
func existed(inside, app string) bool {
	if rest, ok := strings.CutPrefix(inside, AppDir+"/"); ok && app != "" {
		_, err := os.Lstat(filepath.Join(app, rest))
		return err == nil
	}
	return false
}

func describe(inside, path string, info fs.FileInfo, needles [][]byte) (Written, bool) {
	w := Written{Path: inside, Size: info.Size(), Kind: "file"}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		w.search(path, needles)
	case mode.IsDir():
		w.Kind = "dir"
	case mode&fs.ModeSymlink != 0:
		w.Kind = "link"
	case mode&fs.ModeSocket != 0:
		w.Kind = "socket"
	case mode&fs.ModeNamedPipe != 0:
		w.Kind = "fifo"
	case mode&fs.ModeCharDevice != 0:
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || stat.Rdev != 0 { // a whiteout of the overlay is device 0:0
			return w, false
		}
		w.Kind = "removed"
	}
	return w, true
}

// search looks for the needles in overlapping pieces, so that memory stays small.
func (w *Written) search(path string, needles [][]byte) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		w.Partial = true
		return
	}
	defer file.Close()
	w.searchIn(file, needles)
}

func (w *Written) searchIn(file io.Reader, needles [][]byte) {
	const piece, overlap = 1 << 20, 4 << 10
	buffer := make([]byte, 0, min(piece, w.Size+1)+overlap) // most files are small, and there may be thousands
	found := make([]bool, len(needles))
	for total := 0; ; {
		n, err := io.ReadFull(file, buffer[len(buffer):cap(buffer)])
		if total == 0 {
			w.Head = bytes.Clone(buffer[:min(n, 64)])
		}
		total += n
		buffer = buffer[:len(buffer)+n]
		for i, needle := range needles {
			if !found[i] && bytes.Contains(buffer, needle) {
				found[i] = true
				w.Hits = append(w.Hits, i)
			}
		}
		if err != nil {
			break
		}
		if total >= searchLimit {
			w.Partial = true
			break
		}
		keep := copy(buffer[:overlap], buffer[len(buffer)-overlap:])
		buffer = buffer[:keep]
	}
	sort.Ints(w.Hits)
}

// heldFiles finds what no folder shows: files that were removed but are still
// open, and memory files (memfd_create(2)).
func heldFiles(needles [][]byte) []Written {
	var list []Written
	seen := map[uint64]bool{}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		parts := strings.Split(link, "/")
		pid, _ := strconv.Atoi(parts[2])
		target, err := os.Readlink(link)
		if err != nil || pid <= 1 || !strings.HasSuffix(target, " (deleted)") {
			continue
		}
		info, err := os.Stat(link)
		if err != nil || !info.Mode().IsRegular() || seen[stampOf(info).inode] {
			continue
		}
		seen[stampOf(info).inode] = true
		w := Written{Path: strings.TrimSuffix(target, " (deleted)"), Size: info.Size(), Kind: "deleted", Created: true, Holder: pid}
		if strings.HasPrefix(target, "/memfd:") {
			w.Kind = "memory"
		}
		if file, err := os.Open(link); err == nil { // a file descriptor of its own, at offset 0
			w.searchIn(file, needles)
			file.Close()
		} else {
			w.Partial = true
		}
		list = append(list, w)
	}
	return list
}
