package runner

import (
	"bufio"
	"bytes"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

const (
	calmEvery = 2 * time.Second // between two looks
	calmBelow = 1 << 19         // bytes allocated between two looks, below which nothing much happens
	calmAfter = 1 << 20         // bytes allocated since pages were given back, from which on that is worth it
)

// calm finds the moments at which pages are given back: when there was work,
// and is none. The measure of work is what was allocated, since it counts a
// start, a reload, requests and lines of the log alike.
type calm struct{ given, last uint64 } // bytes allocated until then

func (c *calm) look(allocated uint64) bool {
	quiet := allocated-c.last < calmBelow
	c.last = allocated
	if !quiet || allocated-c.given < calmAfter {
		return false
	}
	c.given = allocated
	return true
}

// allocated is how many bytes this process ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// mapping is one range of addresses of this process.
type mapping struct{ from, to uintptr }

// slim gives back what only the work needed: the free part of the heap, and
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
