package sandbox

import (
	"fmt"
	"os"
	"strings"
)

// hostBase is the first host id of the range that a sandbox's ids map to when
// the host process is root: far above ids that accounts and containers use.
const hostBase = 0x7e5f0000

// hostIDs is how many ids that range holds.
const hostIDs = 65536

// rooted reports whether this process is root over the ids that sandboxes
// want. Root of a container that knows but a few ids (a rootless one) is not,
// and makes sandboxes as an ordinary user does.
func rooted() bool {
	return os.Geteuid() == 0 && maps("/proc/self/uid_map") && maps("/proc/self/gid_map")
}

// maps reports whether the ids of sandboxes are in a map of
// user_namespaces(7): lines of first id inside, first id outside, length.
func maps(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		var inside, outside, length int64
		if _, err := fmt.Sscan(line, &inside, &outside, &length); err == nil && inside <= hostBase && inside+length >= hostBase+hostIDs {
			return true
		}
	}
	return false
}

// HostUID returns the host's user and group id of the application inside: what
// the files of the artifact must belong to, so that it may change them.
func HostUID() int {
	if rooted() {
		return hostBase + AppUID
	}
	return os.Geteuid()
}
