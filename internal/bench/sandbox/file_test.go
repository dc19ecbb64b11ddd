package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

func TestALargeFileIsCarriedWhole(t *testing.T) {
	ctx := context.Background()
	from, to := start(t, sandbox.Config{}), start(t, sandbox.Config{})
	want := bytes.Repeat([]byte("0123456789abcde\n"), 600_000) // 9.6 MB: pieces, and a rest
	if err := from.WriteFile(ctx, "/tmp/data", want, 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := from.OpenFile(ctx, "/tmp/data")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := to.WriteFrom(ctx, "/tmp/data", file, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := to.ReadFile(ctx, "/tmp/data")
	if err != nil || sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("%d bytes of %d came: %v", len(got), len(want), err)
	}
	if list, err := to.Written(ctx, nil); err != nil || len(list) > 0 {
		t.Errorf("our own file counts as the application's: %v %v", list, err)
	}
	if err := to.WriteFile(ctx, "/tmp/data", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err = to.ReadFile(ctx, "/tmp/data"); err != nil || len(got) > 0 {
		t.Errorf("a file that is written anew keeps %d bytes: %v", len(got), err)
	}
}

func TestFilesThatAreTooManyToListAreTold(t *testing.T) {
	s := start(t, sandbox.Config{})
	if out, _ := run(t, s, shell("mkdir /tmp/many; cd /tmp/many; seq 20100 | xargs touch")); out != "" {
		t.Fatal(out)
	}
	list, err := s.Written(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	last := list[len(list)-1]
	if err := sandbox.Whole(list); err == nil || !last.Partial || !strings.HasSuffix(last.Path, " further files") {
		t.Errorf("%d listed, the last is %+v: %v", len(list), last, err)
	}
	if err := sandbox.Whole(list[:9]); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoRegularFileOrTooLargeIsRefused(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s := start(t, sandbox.Config{})
	if out, _ := run(t, s, shell("mkfifo /tmp/fifo; truncate -s 1T /tmp/vast")); out != "" {
		t.Fatal(out)
	}
	for path, want := range map[string]string{"/tmp/fifo": "not a regular file", "/tmp": "not a regular file", "/tmp/vast": "more than can be read"} {
		if _, err := s.ReadFile(ctx, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	for what, try := range map[string]func() error{
		"write":   func() error { return s.WriteFile(ctx, "/tmp/fifo", []byte("x"), 0o644) },
		"corrupt": func() error { return s.CorruptFile(ctx, "/tmp/fifo") },
	} {
		if err := try(); err == nil || ctx.Err() != nil {
			t.Errorf("%s of a pipe: %v, %v", what, err, ctx.Err())
		}
	}
	text, err := s.ReadFile(ctx, "/proc/net/udp") // its size is told as 0
	if err != nil || !bytes.Contains(text, []byte("local_address")) {
		t.Errorf("got %q, %v", text, err)
	}
	if file, err := s.OpenFile(ctx, "/etc/hostname"); err != nil {
		t.Error(err)
	} else if text, err := io.ReadAll(file); err != nil || file.Close() != nil || len(text) == 0 {
		t.Errorf("got %q, %v", text, err)
	}
}
