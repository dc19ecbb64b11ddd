package runner

import (
	"bufio"
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// mapping is one range of addresses of this process.
type mapping struct{ from, to uintptr }

// slim gives back what only the start needed: the free part of the heap, and
// the pages of the program itself, of which those that are used come back from
// the kernel's cache at their next use, without a read from the disk.
func slim() {
	debug.FreeOSMemory()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for _, m := range clean(maps, program) {
		forget(m)
	}
}

// clean lists the mappings of a program file that nobody can have written to;
// proc_pid_maps(5).
func clean(maps []byte, program string) []mapping {
	var list []mapping
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || !strings.HasPrefix(fields[1], "r") || strings.Contains(fields[1], "w") || !strings.HasSuffix(lines.Text(), " "+program) {
			continue
		}
		low, high, _ := strings.Cut(fields[0], "-")
		from, err1 := strconv.ParseUint(low, 16, 64)
		to, err2 := strconv.ParseUint(high, 16, 64)
		if err1 == nil && err2 == nil && from < to {
			list = append(list, mapping{uintptr(from), uintptr(to)})
		}
	}
	return list
}
