package bench

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Traced is what a process and its children did, as strace told it.
type Traced struct {
	Programs []Program // executed, in order of the first time, each command line once
	Files    []string  // opened, absolute, each once, in order of the first time
	Dropped  int       // lines of the trace that were too many to keep
}

// Program is one executed program.
type Program struct {
	Path string   // absolute
	Args []string // as far as strace shows them
}

var (
	// strace -f -y: `123 execve("/bin/ls", ["ls", "-l"], 0x7ff… /* 8 vars */) = 0`.
	executed = regexp.MustCompile(`^\d+ +execve\("((?:[^"\\]|\\.)*)", \[(.*?)\](?:\.\.\.)?, .*\) += 0$`)
	// A call that another process interrupts is told in two parts:
	// `123 execve("/bin/ls", … <unfinished ...>` and `123 <... execve resumed>) = 0`.
	begun = regexp.MustCompile(`^(\d+) +execve\(.* <unfinished \.\.\.>$`)
	ended = regexp.MustCompile(`^(\d+) +<\.\.\. execve resumed>(.*)$`)
	// strace -f -y: `123 openat(AT_FDCWD</app>, "x", O_RDONLY) = 5</app/x>`, or the
	// end of a call that another process interrupted: `123 <... openat resumed>…) = 5</app/x>`.
	opened   = regexp.MustCompile(`^\d+ +(?:<\.\.\. )?open(?:at)?(?: resumed>|\().*= \d+<(/.*)>$`)
	argument = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// failedOpen recognises the many places where an interpreter looks for a file
// that is not there: they would leave no room for what was done.
func failedOpen(line []byte) bool {
	return !bytes.Contains(line, []byte("execve")) && bytes.Contains(line, []byte(") = -1 E"))
}

// Traced reads the trace of a process that was launched with Trace.
func (p *Process) Traced() Traced {
	t := Traced{Dropped: p.Trace.Dropped()}
	programs, files, halves := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, line := range p.Trace.Lines() {
		if m := begun.FindStringSubmatch(line.Text); m != nil {
			halves[m[1]] = strings.TrimSuffix(line.Text, " <unfinished ...>")
			continue
		}
		if m := ended.FindStringSubmatch(line.Text); m != nil {
			line.Text = halves[m[1]] + m[2]
		}
		if m := opened.FindStringSubmatch(line.Text); m != nil {
			path := unquote(strings.TrimSuffix(m[1], " (deleted)"))
			if !files[path] && !strings.Contains(line.Text, "O_DIRECTORY") {
				files[path] = true
				t.Files = append(t.Files, path)
			}
		} else if m := executed.FindStringSubmatch(line.Text); m != nil && !programs[m[0][strings.IndexByte(m[0], ' '):]] {
			programs[m[0][strings.IndexByte(m[0], ' '):]] = true
			t.Programs = append(t.Programs, programOf(m[1], m[2]))
		}
	}
	return t
}

var escape = regexp.MustCompile(`\\(?:[0-7]{1,3}|x[0-9a-f]{2}|.)`)

// unquote reads a path as strace writes it: bytes that are no printable ASCII
// stand as octal or hexadecimal numbers, or as letters, as in C.
func unquote(path string) string {
	return escape.ReplaceAllStringFunc(path, func(code string) string {
		if named := strings.IndexByte("abtnvfr", code[1]); named >= 0 {
			return string("\a\b\t\n\v\f\r"[named])
		}
		digits, base := code[1:], 8
		if code[1] == 'x' {
			digits, base = code[2:], 16
		}
		if n, err := strconv.ParseUint(digits, base, 8); err == nil {
			return string([]byte{byte(n)})
		}
		return code[1:]
	})
}

func programOf(path, list string) Program {
	path = unquote(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(sandbox.AppDir, path)
	}
	program := Program{Path: path}
	for _, m := range argument.FindAllStringSubmatch(list, 32) {
		program.Args = append(program.Args, m[1][:min(len(m[1]), 200)])
	}
	return program
}
