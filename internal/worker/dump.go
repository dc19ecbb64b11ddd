package worker

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Dump is the stacks of one process.
type Dump struct {
	PID      int    `json:"pid"`
	Language string `json:"language"` // "go", "java", "node", "php", "python", "ruby"
	Text     string `json:"text"`
	Problem  string `json:"problem,omitempty"` // why Text is empty or not whole
}

// dumpSignal is SIGRTMIN+6 of glibc: unlike SIGUSR1, which gunicorn and nginx
// use to reopen logs, hardly anybody has a meaning for it.
const dumpSignal = 40

// dumper knows how to make a language tell its stacks.
type dumper struct {
	deadly bool // the process does not survive
	take   func(ctx context.Context, s *Supervisor, p *process, pid int) (string, error)
}

// dumpers by language. No application is changed: Go and Java answer SIGQUIT
// by themselves, Node opens its inspector on SIGUSR1, and for the others a
// shim in the environment installed a handler before the application began.
var dumpers = map[string]dumper{
	"go":     {true, dumpGo},
	"java":   {false, dumpJava},
	"node":   {false, dumpNode},
	"php":    {false, dumpByShim},
	"python": {false, dumpByShim},
	"ruby":   {false, dumpByShim},
}

// longestDump is how much of a dump is read, in bytes.
const longestDump = 1 << 20

var errNoHandler = errors.New("the process has no handler for the dump signal: its shim was not loaded, or it is stuck before that")

// detect names the language of a process; "" where it is none that we know.
func detect(pid int) string {
	exe := "/proc/" + strconv.Itoa(pid) + "/exe"
	target, err := os.Readlink(exe)
	if err != nil {
		return ""
	}
	base := strings.TrimSuffix(filepath.Base(target), " (deleted)")
	for _, c := range []struct{ prefix, language string }{
		{"python", "python"}, {"pypy", "python"}, {"node", "node"}, {"java", "java"}, {"ruby", "ruby"}, {"php", "php"},
	} {
		if strings.HasPrefix(base, c.prefix) {
			return c.language
		}
	}
	maps := readProc(pid, "maps")
	for _, c := range []struct{ library, language string }{
		{"/libjvm.so", "java"}, {"/libpython", "python"}, {"/libruby", "ruby"}, {"/libnode.so", "node"}, {"/libphp", "php"},
	} {
		if strings.Contains(maps, c.library) {
			return c.language
		}
	}
	if _, err := buildinfo.ReadFile(exe); err == nil {
		return "go"
	}
	return ""
}

func readProc(pid int, name string) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + name) // gone: nothing to read
	return string(text)
}

// dumpGo sends SIGQUIT, of which the process dies, and reads its last output.
func dumpGo(ctx context.Context, s *Supervisor, p *process, pid int) (string, error) {
	return fromOutput(ctx, s, p, pid, "SIGQUIT: quit", "rip ")
}

// dumpJava sends SIGQUIT, which the virtual machine answers on stdout.
func dumpJava(ctx context.Context, s *Supervisor, p *process, pid int) (string, error) {
	return fromOutput(ctx, s, p, pid, "Full thread dump", "JNI global refs")
}

// fromOutput signals with SIGQUIT and waits for a dump among the output lines.
func fromOutput(ctx context.Context, s *Supervisor, p *process, pid int, begin, end string) (string, error) {
	if !catches(pid, int(syscall.SIGQUIT)) {
		return "", errNoHandler
	}
	if err := p.signalOne(pid, syscall.SIGQUIT); err != nil {
		return "", err
	}
	return steady(ctx, s.config.Clock, func() (string, bool) {
		text := strings.Join(s.config.Tail(p.ID, 5000), "\n")
		at := strings.LastIndex(text, begin)
		if at < 0 {
			return "", false
		}
		return text[at:], strings.Contains(text[at:], end)
	})
}

// dumpByShim signals a process whose shim writes the stacks to the dump file.
func dumpByShim(ctx context.Context, s *Supervisor, p *process, pid int) (string, error) {
	if !catches(pid, dumpSignal) {
		return "", errNoHandler
	}
	file, before, err := p.openDump()
	if err != nil {
		return "", err
	}
	file.Close()
	if err := p.signalOne(pid, dumpSignal); err != nil {
		return "", err
	}
	return steady(ctx, s.config.Clock, func() (string, bool) {
		file, size, err := p.openDump()
		if err != nil {
			return "", false
		}
		defer file.Close()
		text, err := io.ReadAll(io.NewSectionReader(file, before, longestDump))
		return string(text), err == nil && size > before
	})
}

// openDump opens the dump file and tells its size. The folder is the worker's,
// who may put anything in its place: a link to what only the master may read,
// or a pipe that nobody writes to.
func (p *process) openDump() (*os.File, int64, error) {
	file, err := os.OpenFile(p.dumpFile(), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("open the dump file: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file any more")
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open the dump file: %w", err), file.Close())
	}
	return file, info.Size(), nil
}
