package peer

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Wrk drives an address with wrk and returns how many requests it made, and how
// many a second. An answer that is no success is an error.
func (b *Bench) Wrk(address string, seconds, clients int) (requests, rate float64, err error) {
	words := []string{"-t1", "-c" + strconv.Itoa(clients), "-d" + strconv.Itoa(seconds) + "s", "--timeout", "10s", "http://" + address + "/"}
	text, err := exec.CommandContext(b.ctx, "wrk", words...).CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("run wrk: %w: %s", err, text)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, " requests in ") {
			_, _ = fmt.Sscan(line, &requests)
		}
		if number, ok := strings.CutPrefix(line, "Requests/sec:"); ok {
			_, _ = fmt.Sscan(number, &rate)
		}
		if strings.HasPrefix(line, "Non-2xx") || strings.HasPrefix(line, "Socket errors") {
			return 0, 0, fmt.Errorf("wrk says: %s", line)
		}
	}
	if requests == 0 {
		return 0, 0, fmt.Errorf("wrk counted no request: %s", text)
	}
	return requests, rate, nil
}
