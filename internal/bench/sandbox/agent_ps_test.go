package sandbox

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestDelayed: twice as many threads as processors must wait for each other.
func TestDelayed(t *testing.T) {
	const spin = 200 * time.Millisecond
	before := delayed("/proc/self")
	var work sync.WaitGroup
	procs := runtime.GOMAXPROCS(2 * runtime.NumCPU())
	defer runtime.GOMAXPROCS(procs)
	for range 2 * runtime.NumCPU() {
		work.Go(func() {
			for end := time.Now().Add(spin); time.Now().Before(end); {
			}
		})
	}
	work.Wait()
	if got := delayed("/proc/self") - before; got < spin.Seconds()/2 || got > 60 {
		t.Errorf("threads waited %.3f s for a processor", got)
	}
	if got := delayed("/proc/none"); got != 0 {
		t.Errorf("no process waited %.3f s", got)
	}
}
