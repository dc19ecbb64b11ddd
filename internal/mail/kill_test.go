package mail

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reportForEver is what the test's own binary is when it is started to be
// killed: it reports a few kinds and saves as often as it can.
func reportForEver(path string) {
	s, aside, err := readState(path, time.Now())
	if err != nil || aside != "" {
		fmt.Println("broken", aside, err)
		os.Exit(1)
	}
	l := newLedger(testRules(), time.Now())
	l.restore(s, time.Now())
	fmt.Println("has", l.total.Reported)
	for i := 0; ; i++ {
		e := fault()
		e.Fingerprint = fmt.Sprint(i % 50)
		e.Text = strings.Repeat("line\n", 2000)
		l.note(e, time.Now())
		if err := writeState(path, l.snapshot()); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

// Whenever it is killed, the state is whole, and never goes back.
func TestKilledAtAnyMoment(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state.json")
	last := uint64(0)
	for round := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, os.Args[0]) // ends it by SIGKILL
		cmd.Env = append(os.Environ(), "MAIL_TEST_REPORTER="+path, "GORACE=atexit_sleep_ms=0")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		has := uint64(0)
		if _, scanned := fmt.Sscanf(line, "has %d", &has); err != nil || scanned != nil || has < last {
			t.Errorf("round %d begins with %q (%v) after %d", round, line, err, last)
		}
		last = has
		time.Sleep(rand.N(60 * time.Millisecond)) // any moment is the right one
		cancel()
		_ = cmd.Wait()
	}
	n := open(t, Config{Path: path})
	if got := n.Stats().Reported; got < last || got == 0 {
		t.Errorf("%d reported after %d", got, last)
	}
	end(t, n)
	files, _ := os.ReadDir(folder)
	if len(files) > 2 {
		t.Errorf("left behind: %v", files)
	}
}
