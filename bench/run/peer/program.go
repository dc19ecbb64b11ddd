package peer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	bootTime = 60 * time.Second // a busy machine is slow
	stopTime = 20 * time.Second
	tick     = time.Second / 100 // of CPU times, proc_pid_stat(5)
)

// Spec says how to start a program. In Config, Args and Env, ADDRESS is the address
// that it listens on, FOLDER the folder, and FILE the file that
// holds Config.
type Spec struct {
	Name    string
	Config  string // text of its configuration file; "" for none
	Args    []string
	Env     []string // besides the environment of all
	Dir     string   // "" for the folder
	Stdout  *os.File // nil: a file NAME.log in the folder
	Address string   // where it listens; "" finds a free address, "-" is for one that does not listen
	Fill    []string // more words to replace in Config and Args: word, text, word, text
}

// Program is a running child.
type Program struct {
	Name, Address string

	command *exec.Cmd
	log     string
	ended   chan struct{}
}

// Start starts a program and waits until it answers GET /.
func (b *Bench) Start(s Spec) (*Program, error) {
	p := &Program{Name: s.Name, Address: s.Address, log: b.Folder + "/" + s.Name + ".log", ended: make(chan struct{})}
	if p.Address == "" {
		var err error
		if p.Address, err = Address(); err != nil {
			return nil, err
		}
	}
	if err := b.prepare(p, s); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	go func() { defer close(p.ended); _ = p.command.Wait() }() // Stop waits for it
	b.all = append(b.all, p)
	if s.Address == "-" {
		return p, nil
	}
	err := b.Until(bootTime, s.Name+" does not answer on "+p.Address, func() bool { return p.gone() || p.answers(b.ctx) })
	if err == nil && p.gone() {
		err = fmt.Errorf("%s ended at once", s.Name)
	}
	if err != nil {
		text, _ := os.ReadFile(p.log)
		return nil, errors.Join(err, errors.New(string(text)))
	}
	return p, nil
}

// prepare makes the command and its files.
func (b *Bench) prepare(p *Program, s Spec) error {
	file := b.Folder + "/" + s.Name + ".conf"
	fill := strings.NewReplacer(append([]string{"FOLDER", b.Folder, "FILE", file, "ADDRESS", p.Address}, s.Fill...)...)
	if s.Config != "" {
		if err := os.WriteFile(file, []byte(fill.Replace(s.Config)), 0o600); err != nil {
			return fmt.Errorf("write its configuration: %w", err)
		}
	}
	args := make([]string, len(s.Args))
	for i, arg := range s.Args {
		args[i] = fill.Replace(arg)
	}
	p.command = exec.Command(args[0], args[1:]...) //nolint:noctx // Stop ends it, gracefully
	p.command.Dir = b.Folder
	if s.Dir != "" {
		p.command.Dir = s.Dir
	}
	p.command.Env = b.environment()
	for _, variable := range s.Env {
		p.command.Env = append(p.command.Env, fill.Replace(variable))
	}
	log, err := os.Create(p.log)
	if err != nil {
		return fmt.Errorf("make a file for its output: %w", err)
	}
	p.command.Stdout, p.command.Stderr = log, log
	if s.Stdout != nil {
		p.command.Stdout = s.Stdout
	}
	return nil
}

// environment is that of every program: nothing of the user's own state is
// read or written, and no program may use more than two processors.
func (b *Bench) environment() []string {
	return append(os.Environ(), "GOMAXPROCS=2", "HOME="+b.Folder, "XDG_DATA_HOME="+b.Folder, "XDG_CONFIG_HOME="+b.Folder,
		"XDG_STATE_HOME="+b.Folder, "XDG_RUNTIME_DIR="+b.Folder, "PYTHONPATH="+b.Folder, "PYTHONDONTWRITEBYTECODE=1")
}

// answers tells whether it answers GET / with a success.
func (p *Program) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Address+"/", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: bootTime}
	reply, err := client.Do(request)
	if err != nil {
		return false
	}
	reply.Body.Close()
	return reply.StatusCode == http.StatusOK
}

func (p *Program) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// PID is its process id.
func (p *Program) PID() int { return p.command.Process.Pid }

// Signal sends it a signal.
func (p *Program) Signal(s syscall.Signal) error {
	return p.command.Process.Signal(s) //nolint:wrapcheck // says enough
}

// Stop ends it: SIGTERM, then SIGKILL for it and what it has started.
func (p *Program) Stop() {
	if p.gone() {
		return
	}
	family := tree(p.PID())
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		for _, pid := range family {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-p.ended
	}
}

// Log returns what it wrote so far.
func (p *Program) Log() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// Own lists its process alone, Tree that of its children too.
func (p *Program) Own() []int { return []int{p.PID()} }

// Tree lists its process and all below it.
func (p *Program) Tree() []int { return tree(p.PID()) }

func tree(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks { // a child belongs to the thread that started it
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for child := range strings.FieldsSeq(string(children)) {
			id, _ := strconv.Atoi(child)
			all = append(all, tree(id)...)
		}
	}
	return all
}

// CPU returns the CPU time that some processes have spent; of children that
// have ended, too.
func CPU(pids []int) (time.Duration, error) {
	total := time.Duration(0)
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, fs.ErrNotExist) && len(pids) > 1 {
			continue // a worker that ended
		}
		if err != nil {
			return 0, fmt.Errorf("read the CPU time: %w", err)
		}
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		for _, field := range fields[11:15] { // utime, stime, cutime, cstime
			ticks, _ := strconv.Atoi(field)
			total += time.Duration(ticks) * tick
		}
	}
	return total, nil
}

// PSS returns the proportional memory of some processes, in MiB.
func PSS(pids []int) (float64, error) {
	total := 0.0
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, fmt.Errorf("read the memory: %w", err)
		}
		for line := range strings.Lines(string(data)) {
			if number, ok := strings.CutPrefix(line, "Pss:"); ok {
				kib, _ := strconv.ParseFloat(strings.Fields(number)[0], 64)
				total += kib / 1024
			}
		}
	}
	return total, nil
}
