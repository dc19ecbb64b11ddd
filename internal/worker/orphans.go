package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// recordSuffix ends the names of the files in the run folder that tell which
// processes were started. They lie beside the folders of the workers, where
// only the master can write.
const recordSuffix = ".pid"

// Record is what tells a process from a later one with the same pid: its pid,
// its start and the boot of the machine; "" where there is none.
func Record(pid int) string {
	e, ok := stat(pid)
	if !ok {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d %s\n", pid, e.born, strings.TrimSpace(string(boot)))
}

// Living reports whether the process of a Record runs.
func Living(record string) bool {
	pid, _, _ := strings.Cut(record, " ")
	number, err := strconv.Atoi(pid)
	if err != nil || number <= 0 {
		return false
	}
	e, ok := stat(number)
	return ok && !e.zombie && Record(number) == record
}

func (p *process) recordFile() string { return p.dir + recordSuffix }

// EndOrphans ends what a master that was killed has left of its workers, as
// the records in its run folder tell, and returns how many processes that were:
// SIGTERM, and SIGKILL after stop.
func EndOrphans(run string, stop time.Duration) int {
	paths, err := filepath.Glob(filepath.Join(run, "*"+recordSuffix))
	if err != nil {
		return 0
	}
	records := map[int]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		pid, _, _ := strings.Cut(string(text), " ")
		if number, wrong := strconv.Atoi(pid); err == nil && wrong == nil && number > 1 {
			records[number] = string(text)
		}
	}
	found := signalOrphans(run, records, syscall.SIGTERM)
	for end := time.Now().Add(stop); len(records) > 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if signalOrphans(run, records, 0) == 0 {
			return found
		}
	}
	signalOrphans(run, records, syscall.SIGKILL)
	for range 100 { // the kernel needs a moment
		if signalOrphans(run, records, 0) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return found
}

// signalOrphans signals the groups of the processes on record, and returns how
// many processes they hold. Where the first process of a group is gone, only
// those count that have the run folder in their environment.
func signalOrphans(run string, records map[int]string, s syscall.Signal) int {
	n := 0
	for _, e := range processes() {
		record, ours := records[e.group]
		if !ours || e.zombie || !Living(record) && !strings.Contains(readProc(e.pid, "environ"), run+"/") {
			continue
		}
		n++
		if s != 0 {
			_ = syscall.Kill(e.pid, s) // it may just have ended
		}
	}
	return n
}

// record notes a process for the master after this one.
func (p *process) record() {
	text := Record(p.PID)
	if text != "" {
		_ = os.WriteFile(p.recordFile(), []byte(text), 0o600) // without it, an orphan has nobody but the lifeline
	}
}

func (p *process) unrecord() error {
	if err := os.Remove(p.recordFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the record of %s: %w", p.ID, err)
	}
	return nil
}
