package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestUnquote(t *testing.T) {
	for given, want := range map[string]string{
		`/usr/share/a.crt`:                 "/usr/share/a.crt",
		`/certs/F\305\221tan\303\272s.crt`: "/certs/Főtanús.crt",
		`/x\tb\n\\n \"q\" \76`:             "/x\tb\n\\n \"q\" >",
		`/x\x3ey\0`:                        "/x>y\x00",
		`/ends\`:                           `/ends\`,
	} {
		if got := unquote(given); got != want {
			t.Errorf("%s gives %q, want %q", given, got, want)
		}
	}
}

// TestTracedInterrupted: what a process executed while another one made a call
// is told in two lines.
func TestTracedInterrupted(t *testing.T) {
	p := &Process{Trace: newCapture()}
	for _, line := range []string{
		`7 execve("/usr/bin/env", ["env"], 0x7f /* 8 vars */) = 0`,
		`8 execve("./bin/app", ["./bin/app", "migrate"], 0x7f /* 8 vars */ <unfinished ...>`,
		`9 execve("/usr/bin/gone", ["gone"], 0x7f /* 8 vars */ <unfinished ...>`,
		`7 openat(AT_FDCWD</app>, "a", O_RDONLY <unfinished ...>`,
		`8 <... execve resumed>)              = 0`,
		`9 <... execve resumed>)              = -1 ENOENT (No such file or directory)`,
		`7 <... openat resumed>)              = 3</app/a>`,
	} {
		p.Trace.add("trace", []byte(line+"\n"))
	}
	traced := p.Traced()
	var paths []string
	for _, program := range traced.Programs {
		paths = append(paths, program.Path)
	}
	if !slices.Equal(paths, []string{"/usr/bin/env", "/app/bin/app"}) || !slices.Equal(traced.Programs[1].Args, []string{"./bin/app", "migrate"}) {
		t.Errorf("executed %v", traced.Programs)
	}
	if !slices.Equal(traced.Files, []string{"/app/a"}) {
		t.Errorf("opened %v", traced.Files)
	}
}

func TestATraceKeepsWhatWasDone(t *testing.T) {
	trace := newCapture()
	trace.useless = failedOpen
	for _, line := range []string{
		`7 openat(AT_FDCWD</app>, "x", O_RDONLY) = -1 ENOENT (No such file or directory)`,
		`7 <... openat resumed>) = -1 ENOENT (No such file or directory)`,
		`7 openat(AT_FDCWD</app>, "y", O_RDONLY) = 5</app/y>`,
		`7 execve("/bin/ls", ["ls", "secret"], 0x7ff /* 8 vars */) = -1 ENOENT (No such file or directory)`,
		`7 openat(AT_FDCWD</app>, "z", O_RDONLY <unfinished ...>`,
	} {
		trace.add("trace", []byte(line+"\n"))
	}
	text := trace.Text()
	if len(trace.Lines()) != 3 || !strings.Contains(text, "/app/y") || !strings.Contains(text, "secret") {
		t.Errorf("it keeps\n%s", text)
	}
}
