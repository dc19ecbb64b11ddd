package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// firstOnly starts a server; of the processes after the first generation all
// but one hang before they answer.
const firstOnly = `test -e "$HANG" && { mkdir "$HANG/one" || exec sleep 600; }; exec python3 app.py`

// An end does not wait for a reload, and starts no worker any more.
func TestAnEndDuringAReloadTakesNothingBack(t *testing.T) {
	hang := filepath.Join(t.TempDir(), "hang")
	r := start(t, []string{"sh", "-c", firstOnly}, map[string]string{"workers": "2", "log.level": "DEBUG"}, "HANG="+hang)
	r.await("two workers", func() bool { return serving(r.status()) == 2 })
	if err := os.Mkdir(hang, 0o700); err != nil {
		t.Fatal(err)
	}
	r.hangup <- struct{}{}
	started := func(generation string) int {
		n := 0
		for line := range strings.Lines(r.log()) {
			if strings.Contains(line, "worker started") && strings.Contains(line, "generation="+generation) {
				n++
			}
		}
		return n
	}
	r.await("a second worker of the new generation", func() bool { return started("2") == 2 })
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if n := started("1"); n != 2 {
		t.Errorf("%d workers of the old generation were started, want 2; the log:\n%s", n, r.log())
	}
	if log := r.log(); strings.Contains(log, "reload failed") || !strings.Contains(log, "reload given up") {
		t.Errorf("the log tells the reload's end otherwise:\n%s", log)
	}
}
