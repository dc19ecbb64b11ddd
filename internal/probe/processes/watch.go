package processes

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

const (
	starts   = 2 // of a process under watch
	maxFound = 20
	outlive  = 2 * time.Second
)

// watch starts a type twice, one after the other, and looks at its tree and files.
func watch(ctx context.Context, b *bench.Bench, name string) (Watch, error) {
	w := Watch{Type: name, Left: []Left{}, Outlived: []string{}, PIDFiles: []PIDFile{}}
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return w, err
	}
	defer boot.Close()
	for range starts {
		if goOn, err := w.once(ctx, b, boot); err != nil || !goOn {
			return w, err
		}
	}
	return w, nil
}

// once watches one start and reports whether another makes sense.
func (w *Watch) once(ctx context.Context, b *bench.Bench, boot *bench.Boot) (bool, error) {
	p, err := boot.Launch(ctx, bench.Launch{Process: w.Type, NoWait: true})
	if err != nil {
		return false, err
	}
	w.Lived, w.Stopped = false, false
	answers := answered(ctx, b, boot, p, serves(w.Type), b.Manifest.Boot)
	w.Started = answers
	if err := w.look(ctx, boot, p); err != nil {
		return false, err
	}
	if answers && serves(w.Type) {
		_ = play(ctx, b, p)
	}
	if err := w.look(ctx, boot, p); err != nil {
		return false, err
	}
	if p.Ended() {
		if exit, err := p.Wait(ctx, time.Second); err == nil {
			w.Exit, w.Tail = exit.String(), tail(p)
		}
		return false, ctx.Err()
	}
	w.Lived = true
	_, killed, err := p.Stop(ctx, stopLimit)
	if err != nil {
		return false, err
	}
	w.Stopped = !killed
	return w.Stopped, w.after(ctx, boot)
}

// answered waits until the port answers, whether the process still lives or not.
func answered(ctx context.Context, b *bench.Bench, boot *bench.Boot, p *bench.Process, serves bool, limit time.Duration) bool {
	if !serves {
		return ready(ctx, p, false, limit)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := boot.Client(p)
	defer client.Close()
	for ended := 0; ctx.Err() == nil; {
		if reply := client.Get(ctx, b.Landing()); reply.Err == "" && reply.Status < 500 {
			return true
		}
		if p.Ended() { // what it left behind gets a moment to listen
			if ended++; ended > 100 {
				return false
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// look notes processes that have left, and files that hold a process id.
func (w *Watch) look(ctx context.Context, boot *bench.Boot, p *bench.Process) error {
	all, err := boot.Sandbox().Processes(ctx)
	if err != nil {
		return err
	}
	ids := map[int]bool{}
	for _, info := range all {
		ids[info.PID] = true
		if info.State == "Z" {
			continue
		}
		w.Seen++
		switch {
		case info.PID == p.PID:
		case info.Parent <= 1:
			w.leave(Left{Program: info.Name, How: "orphan", Serves: len(info.Listening) > 0})
		case info.Session != p.PID:
			w.leave(Left{Program: info.Name, How: "session", Serves: len(info.Listening) > 0})
		}
	}
	written, err := boot.Written(ctx)
	if err == nil {
		err = sandbox.Whole(written)
	}
	if err != nil {
		return err
	}
	for _, file := range written {
		w.file(file, ids, p.PID)
	}
	return nil
}

func (w *Watch) leave(left Left) {
	if !slices.Contains(w.Left, left) && len(w.Left) < maxFound {
		w.Left = append(w.Left, left)
	}
}

var (
	pidName = regexp.MustCompile(`(?i)(^|[^a-z])pid([^a-z]|$)`)
	pidText = regexp.MustCompile(`(?i)\bpid\b\W{1,4}(\d+)`)
)

// file notes a file that holds the id of a process. An id from an earlier
// start does not count.
func (w *Watch) file(file sandbox.Written, ids map[int]bool, root int) {
	line, _, _ := bytes.Cut(bytes.TrimSpace(file.Head), []byte("\n"))
	number, err := strconv.Atoi(string(bytes.TrimSpace(line)))
	if m := pidText.FindSubmatch(file.Head); err != nil && m != nil {
		number, err = strconv.Atoi(string(m[1]))
	}
	// Numbers that are no ids must not count: those of processes are at least the first one's.
	if err != nil || !ids[number] || number < root {
		return
	}
	i := slices.IndexFunc(w.PIDFiles, func(f PIDFile) bool { return f.Path == file.Path })
	if i < 0 {
		if len(w.PIDFiles) >= maxFound {
			return
		}
		w.PIDFiles = append(w.PIDFiles, PIDFile{Path: file.Path, Named: pidName.MatchString(path.Base(file.Path))})
		i = len(w.PIDFiles) - 1
	}
	w.PIDFiles[i].note(root)
}

// after looks for what outlives the process that was started.
func (w *Watch) after(ctx context.Context, boot *bench.Boot) error {
	end := time.Now().Add(outlive)
	for {
		all, err := boot.Sandbox().Processes(ctx)
		if err != nil {
			return err
		}
		var left []string
		for _, info := range all {
			if len(info.Listening) > 0 {
				left = append(left, info.Name+" on "+strings.Join(info.Listening, ", "))
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			w.Outlived = append(w.Outlived, left[:min(len(left), maxFound)]...)
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}
