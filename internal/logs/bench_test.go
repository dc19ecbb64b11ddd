package logs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ordinary returns about a MiB of ordinary lines of 132 bytes, newline included.
func ordinary() ([]byte, int) {
	var b strings.Builder
	lines := 8000
	for i := range lines {
		head := fmt.Sprintf("2024-01-02 15:04:05,%03d INFO [worker-%d] com.example.Shop - order %d was paid ", i%1000, i%8, i)
		b.WriteString(head + strings.Repeat("x", 131-len(head)) + "\n")
	}
	return []byte(b.String()), lines
}

// BenchmarkPipeToArchive carries lines from a pipe to a file with a time on each
// record, levels and grouping on.
func BenchmarkPipeToArchive(b *testing.B) {
	piece, lines := ordinary()
	a, err := OpenArchive(b.TempDir(), ArchiveOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	r := NewRouter(WallClock{}, Outlet{Name: "archive", Sink: a, Policy: Block})
	read, write, err := NewPipe()
	if err != nil {
		b.Fatal(err)
	}
	feeder := exec.Command(os.Args[0]) // its CPU is not ours
	feeder.Env = append(os.Environ(), "LOGS_TEST_CHILD=feed", fmt.Sprintf("LOGS_TEST_PIECES=%d", max(b.N/lines, 1)))
	feeder.Stdout = write
	start, before := time.Now(), cpu()
	if err := feeder.Start(); err != nil {
		b.Fatal(err)
	}
	_ = write.Close()
	if err := NewCapture(read, Source{Type: "web", Slot: 1}, r, CaptureOptions{Grouping: traces}).Run(b.Context()); err != nil {
		b.Fatal(err)
	}
	_ = feeder.Wait()
	if err := r.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	n := float64(r.Stats().Outlets[0].Written.Lines)
	b.ReportMetric(n/time.Since(start).Seconds()/1e3, "klines/s")
	b.ReportMetric((cpu()-before).Seconds()/n*1e6, "cpu-s/Mline")
	b.SetBytes(int64(len(piece) / lines))
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// feed writes pieces of lines to stdout.
func feed() {
	piece, _ := ordinary()
	var pieces int
	_, _ = fmt.Sscan(os.Getenv("LOGS_TEST_PIECES"), &pieces)
	for range pieces {
		_, _ = os.Stdout.Write(piece)
	}
}

// BenchmarkCapture carries lines to a sink that takes them at once.
func BenchmarkCapture(b *testing.B) {
	piece, lines := ordinary()
	for i, grouping := range []func(func(Group)) Grouping{nil, newIndented, traces} {
		b.Run(fmt.Sprint(i), func(b *testing.B) {
			c := NewCapture(&endless{text: piece, left: b.N * len(piece) / lines}, Source{Type: "web"}, nowhere{}, CaptureOptions{Grouping: grouping})
			b.ReportAllocs()
			_ = c.Run(b.Context())
		})
	}
}

type nowhere struct{}

func (nowhere) Publish([]Record) {}

// endless gives a text over and over.
type endless struct {
	text     []byte
	at, left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= n
	return n, nil
}

func (*endless) SetReadDeadline(time.Time) error { return nil }

// BenchmarkMultilog gives the same lines to the multilog of daemontools, with
// its time on each line.
func BenchmarkMultilog(b *testing.B) {
	if _, err := exec.LookPath("multilog"); err != nil {
		b.Skip("this comparison needs multilog: apt-get install daemontools")
	}
	_, lines := ordinary()
	read, write, err := NewPipe()
	if err != nil {
		b.Fatal(err)
	}
	feeder := exec.Command(os.Args[0])
	feeder.Env = append(os.Environ(), "LOGS_TEST_CHILD=feed", fmt.Sprintf("LOGS_TEST_PIECES=%d", max(b.N/lines, 1)))
	feeder.Stdout = write
	peer := exec.Command("multilog", "t", "s8388608", "n8", b.TempDir())
	peer.Stdin = read
	start := time.Now()
	if err := feeder.Start(); err != nil {
		b.Fatal(err)
	}
	if err := peer.Start(); err != nil {
		b.Fatal(err)
	}
	_, _ = write.Close(), read.Close()
	_ = feeder.Wait()
	if err := peer.Wait(); err != nil {
		b.Fatal(err)
	}
	n := float64(max(b.N/lines, 1) * lines)
	used := peer.ProcessState.UserTime() + peer.ProcessState.SystemTime()
	b.ReportMetric(n/time.Since(start).Seconds()/1e3, "klines/s")
	b.ReportMetric(used.Seconds()/n*1e6, "cpu-s/Mline")
}
