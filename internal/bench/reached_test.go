package bench

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Only what our runtime hands on to a worker, on this machine, is no
// destination of the application.
func TestWorkersOfTheRuntimeAreNoDestinations(t *testing.T) {
	b := &Boot{front: "10.1.1.1", workers: map[string]bool{"9001": true}}
	for address, want := range map[string][2]bool{ // a worker; unknown on this machine
		"127.0.0.1:9001": {true, false}, "[::1]:9001": {true, false}, "127.0.0.1:9002": {false, true},
		"10.2.2.2:9001": {false, false}, "nonsense": {false, false},
	} {
		d := sandbox.Destination{Network: "tcp", Source: "127.0.0.1", Address: address}
		if got := [2]bool{b.isWorker(d), b.unknownHere(d)}; got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
	if b.unknownHere(sandbox.Destination{Source: "10.1.1.1", Address: "127.0.0.1:9002"}) {
		t.Error("a request of ours counts as the application's")
	}
}
