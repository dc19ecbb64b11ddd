package worker

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// entry is one process of /proc/PID/stat, see proc_pid_stat(5).
type entry struct {
	pid, parent, group int
	zombie             bool
	rss                int64 // bytes
	born               int   // clock ticks from the boot to its start
}

// table is all processes that the master can see, by process id.
type table map[int]entry

// processes reads the table. It costs one read for each process of the
// machine, so that nothing calls it for each request.
func processes() table {
	t := table{}
	folder, err := os.Open("/proc")
	if err != nil {
		return t
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return t
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if e, ok := stat(pid); ok {
				t[pid] = e
			}
		}
	}
	return t
}

// stat reads one process; false where there is none.
func stat(pid int) (entry, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return entry{}, false
	}
	end := bytes.LastIndexByte(text, ')') // the name before it may hold anything
	if end < 0 {
		return entry{}, false
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 22 {
		return entry{}, false
	}
	number := func(i int) int { n, _ := strconv.Atoi(fields[i]); return n }
	return entry{
		pid: pid, parent: number(1), group: number(2), zombie: fields[0] == "Z" || fields[0] == "X",
		rss: int64(number(21)) * int64(os.Getpagesize()), born: number(19),
	}, true
}

// of returns the living processes of a worker: those of its process group and
// the descendants of its first process.
func (t table) of(leader int) []entry {
	var list []entry
	for _, e := range t {
		if !e.zombie && (e.group == leader || t.descends(e, leader)) {
			list = append(list, e)
		}
	}
	return list
}

func (t table) descends(e entry, ancestor int) bool {
	for range 64 { // a cycle cannot be, but the table is not read at one moment
		if e.pid == ancestor {
			return true
		}
		parent, ok := t[e.parent]
		if !ok || e.parent <= 1 {
			return false
		}
		e = parent
	}
	return false
}

// resident is the sum of the resident sets of a worker's processes in bytes.
// Pages that they share count for each of them, so that it is an upper bound.
func (t table) resident(leader int) int64 {
	sum := int64(0)
	for _, e := range t.of(leader) {
		sum += e.rss
	}
	return sum
}

// proportional is the sum of the PSS of a worker's processes in bytes, from
// smaps_rollup; the resident set stands in for a process that cannot be read.
func (t table) proportional(leader int) int64 {
	sum := int64(0)
	for _, e := range t.of(leader) {
		if pss, ok := pssOf(e.pid); ok {
			sum += pss
		} else {
			sum += e.rss
		}
	}
	return sum
}

func pssOf(pid int) (int64, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, false
	}
	return kilobytes(string(text), "Pss:")
}

// kilobytes finds a line "KEY N kB" and returns it in bytes.
func kilobytes(text, key string) (int64, bool) {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == key {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n * 1024, err == nil
		}
	}
	return 0, false
}
