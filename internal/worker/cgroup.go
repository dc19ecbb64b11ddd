package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Cgroup is a delegated cgroup v2 folder below which each worker gets a group
// of its own, so that cgroup.kill reaches what has left the process group, and
// memory.events tells an OOM kill.
type Cgroup struct {
	dir string
}

// Delegated finds the cgroup v2 folder of the master itself. Whether the
// master may make groups in it only OpenCgroup tells.
func Delegated() (string, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("read the own cgroup: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", fmt.Errorf("read the mounts: %w", err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			for group := range strings.Lines(string(own)) {
				if below, ok := strings.CutPrefix(strings.TrimSpace(group), "0::"); ok {
					return filepath.Join(f[1], below), nil
				}
			}
		}
	}
	return "", errors.New("there is no cgroup v2 hierarchy")
}

// OpenCgroup checks that groups can be made below dir and killed as a whole
// (Linux 5.14), and turns on the memory controller if dir has it to give. For
// that no process may be in dir itself: under systemd, say Delegate=yes and
// DelegateSubgroup=master.
func OpenCgroup(dir string) (*Cgroup, error) {
	c := &Cgroup{dir: dir}
	probe, err := c.leaf("probe-" + strconv.Itoa(os.Getpid()))
	if err != nil {
		return nil, err
	}
	defer probe.remove()
	if _, err := os.Stat(filepath.Join(probe.dir, "cgroup.kill")); err != nil {
		return nil, fmt.Errorf("look for cgroup.kill: %w", err)
	}
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err == nil && strings.Contains(" "+string(controllers), " memory") {
		// Without it OOM kills have no name, which the caller sees in Exit.
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+memory"), 0o600)
	}
	return c, nil
}

// leaf is the cgroup of one process.
type leaf struct {
	dir string
	fd  *os.File // the open folder, for CLONE_INTO_CGROUP
}

func (c *Cgroup) leaf(name string) (*leaf, error) {
	dir := filepath.Join(c.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // readable as every cgroup is
		return nil, fmt.Errorf("make a cgroup: %w", err)
	}
	fd, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open a cgroup: %w", err)
	}
	return &leaf{dir: dir, fd: fd}, nil
}

// kill ends every process of the group.
func (l *leaf) kill() error {
	return os.WriteFile(filepath.Join(l.dir, "cgroup.kill"), []byte("1"), 0o600)
}

// oomKills reads memory.events; false where the memory controller is not on.
func (l *leaf) oomKills() (int, bool) { return oomKillsIn(filepath.Join(l.dir, "memory.events")) }

// emptied waits, at most two seconds, until what was killed is gone: only then
// can the group be removed.
func (l *leaf) emptied(clock Clock) {
	for range 400 {
		text, err := os.ReadFile(filepath.Join(l.dir, "cgroup.events"))
		if err != nil || strings.Contains(string(text), "populated 0") {
			return
		}
		<-clock.After(5 * time.Millisecond)
	}
}

// remove removes the group if it is empty.
func (l *leaf) remove() {
	l.fd.Close()
	os.Remove(l.dir)
}

// oomKillsIn reads the line oom_kill of memory.events (v2) or
// memory.oom_control (v1).
func oomKillsIn(path string) (int, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "oom_kill" {
			n, err := strconv.Atoi(f[1])
			return n, err == nil
		}
	}
	return 0, false
}

// OwnOOMKills counts the OOM kills in the master's own memory cgroup, v2 or
// v1, which its workers share unless they have their own. It is the default
// of Config.OOMKills.
func OwnOOMKills() (int, bool) {
	if dir, err := Delegated(); err == nil {
		if n, ok := oomKillsIn(filepath.Join(dir, "memory.events")); ok {
			return n, true
		}
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(own)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && f[1] == "memory" {
			return oomKillsIn(filepath.Join("/sys/fs/cgroup/memory", f[2], "memory.oom_control"))
		}
	}
	return 0, false
}
