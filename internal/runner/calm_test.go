package runner_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rssFile is how many KiB of a process are pages of files; proc_pid_status(5).
func (p *program) rssFile() (kib int) {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssFile:"); ok {
			if kib, err = strconv.Atoi(strings.Fields(rest)[0]); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return kib
}

// What a start, a load or a reload needed, the master gives back afterwards.
func TestPagesAreGivenBack(t *testing.T) {
	t.Parallel()
	p := launch(t, "", languages["python"], nil, nil, nil)
	p.ready(2)
	calm := func(after string) {
		peak := p.rssFile()
		p.await("pages given back after "+after, func() bool {
			now := p.rssFile()
			peak = max(peak, now)
			return now < peak*6/10
		})
		t.Logf("after %s: %d KiB of files, then %d", after, peak, p.rssFile())
	}
	calm("a start")
	load := (&running{t: t, url: p.url}).load(8)
	time.Sleep(2 * time.Second)
	load.end()
	calm("a load")
	if out, err := p.order("reload", "--pid", strconv.Itoa(p.cmd.Process.Pid)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calm("a reload")
}
