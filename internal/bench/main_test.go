package bench

import (
	"os"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent() // a sandbox's process 1 is this program
	os.Exit(m.Run())
}
