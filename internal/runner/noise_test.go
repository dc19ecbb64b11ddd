package runner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// reader reads the output of a master into a file, unless it is stalled.
type reader struct {
	path string
	gate sync.Mutex // held while it is stalled
	done chan struct{}
}

// readerOf puts a reader behind the output of a command.
func readerOf(t *testing.T, cmd *exec.Cmd) *reader {
	t.Helper()
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = to
	r := &reader{path: filepath.Join(t.TempDir(), "stdout"), done: make(chan struct{})}
	file, err := os.Create(r.path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		defer file.Close()
		defer from.Close()
		for buf := make([]byte, 256<<10); ; {
			r.gate.Lock()
			r.gate.Unlock() //nolint:staticcheck // waits for its turn
			n, err := from.Read(buf)
			if _, failed := file.Write(buf[:n]); err != nil || failed != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { to.Close() })
	return r
}

func (r *reader) bytes(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// outburst is what the application says of one burst.
type outburst struct {
	Lines   int     `json:"lines"`
	Seconds float64 `json:"seconds"`
	Slowest float64 `json:"slowest"`
}

func (p *program) burst(seconds float64, megabytes int) outburst {
	p.t.Helper()
	var b outburst
	status, body := p.get(fmt.Sprintf("/burst/%g/%d", seconds, megabytes))
	if status != http.StatusOK || json.Unmarshal([]byte(body), &b) != nil {
		p.t.Fatalf("got %d %s", status, body)
	}
	return b
}

var droppedLines = regexp.MustCompile(`dropped (\d+) lines" sink=(\w+)`)

// dropped adds up the records of losses of a sink.
func dropped(log []byte, sink string) int {
	sum := 0
	for _, found := range droppedLines.FindAllSubmatch(log, -1) {
		if n, err := strconv.Atoi(string(found[1])); err == nil && string(found[2]) == sink {
			sum += n
		}
	}
	return sum
}

// F8: whatever an application writes comes out byte for byte; what nobody
// reads costs bounded memory, no crash and no time of the application, and is
// counted to the line.
func TestWhateverIsWrittenComesOut(t *testing.T) {
	seconds := 2.0
	if soak {
		seconds = 20
	}
	var out *reader
	p := launch(t, "", []string{"python3", "noisy.py"}, map[string]string{"log.access": "off", "workers": "1", "times.probe": "0s"}, nil, func(cmd *exec.Cmd) { out = readerOf(t, cmd) })
	p.ready(1)
	memory := p.watchMemory()
	for seed := range 3 {
		path := filepath.Join(t.TempDir(), "expected")
		before := len(out.bytes(t))
		if status, body := p.get(fmt.Sprintf("/odd/%d%s", seed, path)); status != http.StatusOK {
			t.Fatalf("got %d %s", status, body)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p.await("the odd lines", func() bool { return len(out.bytes(t))-before >= len(want) })
		got := out.bytes(t)[before:]
		if at := bytes.Index(got, []byte("BEGIN\n")); at < 0 || !bytes.Equal(got[at:][:min(len(want), len(got)-at)], want) {
			differs := 0
			for at >= 0 && differs < min(len(want), len(got)-at) && got[at+differs] == want[differs] {
				differs++
			}
			t.Errorf("seed %d: %d bytes came out, not the %d that were written; at byte %d: %.200q", seed, len(got), len(want), differs, got[max(0, at)+differs:])
		}
	}
	fast := p.burst(seconds, 100)
	p.await("the burst", func() bool { return countBursts(out.bytes(t))+dropped(out.bytes(t), "stdout") >= fast.Lines })
	out.gate.Lock()
	stalled := p.burst(seconds, 100)
	most := memory()
	out.gate.Unlock()
	p.await("the rest", func() bool {
		return countBursts(out.bytes(t))+dropped(out.bytes(t), "stdout") >= fast.Lines+stalled.Lines
	})
	lost := dropped(out.bytes(t), "stdout")
	if sum := countBursts(out.bytes(t)) + lost; sum != fast.Lines+stalled.Lines || lost == 0 {
		t.Errorf("%d lines came or were counted, %d of them lost; want %d", sum, lost, fast.Lines+stalled.Lines)
	}
	if most > 64<<20 {
		t.Errorf("the master took %d MiB of its own, want 64 at most", most>>20)
	}
	if limit := 1.5*fast.Seconds + 1; stalled.Seconds > limit {
		t.Errorf("nobody read: the burst took the application %.1f s, want %.1f s at most", stalled.Seconds, limit)
	}
	if status, _ := p.get("/tail"); status != http.StatusOK {
		t.Errorf("got %d", status)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.awaitEnd(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	p.cmd.Stdout.(*os.File).Close()
	<-out.done
	if text := out.bytes(t); !bytes.Contains(text, []byte("\na tail without an end")) {
		t.Errorf("the last line is missing: %q", text[max(0, len(text)-300):])
	}
	t.Logf("100 MB/s for %g s: read in time %.2f s (slowest write %.0f ms), stalled %.2f s (%.0f ms); %d of %d lines lost and counted; %d MiB of memory at most, beside the program's own file",
		seconds, fast.Seconds, 1000*fast.Slowest, stalled.Seconds, 1000*stalled.Slowest, lost, fast.Lines+stalled.Lines, most>>20)
}

func countBursts(log []byte) int {
	return bytes.Count(log, []byte(strings.Repeat("b", 127)+"\n"))
}
