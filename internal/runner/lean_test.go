package runner

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestCleanMappings(t *testing.T) {
	const maps = `00400000-00500000 r-xp 00000000 fd:01 12 /opt/the program
00500000-00600000 r--p 00100000 fd:01 12 /opt/the program
00600000-00610000 rw-p 00200000 fd:01 12 /opt/the program
00700000-00710000 ---p 00200000 fd:01 12 /opt/the program
7f0000000000-7f0000100000 r-xp 00000000 fd:01 13 /lib/other program
c000000000-c000400000 rw-p 00000000 00:00 0
zz-yy r-xp 00000000 fd:01 12 /opt/the program
`
	want := []mapping{{0x400000, 0x500000}, {0x500000, 0x600000}}
	if got := clean([]byte(maps), "/opt/the program"); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestCalm(t *testing.T) {
	var c calm
	for i, step := range []struct {
		mebibytes float64 // allocated since the last look
		want      bool
	}{
		{8, false},   // a start
		{0.4, true},  // which is over
		{0.4, false}, // nothing to give back
		{0.4, false},
		{0.4, true}, // by now enough
		{90, false}, // a load
		{90, false},
		{0, true},
	} {
		if got := c.look(c.last + uint64(step.mebibytes*(1<<20))); got != step.want {
			t.Errorf("look %d: %t", i, got)
		}
	}
}

// TestSlim: the process goes on, with fewer pages of its program.
func TestSlim(t *testing.T) {
	before := filePages(t)
	slim()
	after := filePages(t)
	t.Logf("pages of files: %d KiB, then %d KiB", before, after)
	if after >= before {
		t.Errorf("pages of files: %d KiB before, %d KiB after", before, after)
	}
}

func filePages(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("SKIPPED: there is no /proc")
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssFile:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no RssFile")
	return 0
}
