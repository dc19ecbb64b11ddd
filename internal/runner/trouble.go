package runner

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// lastSaid is how many lines a mail about a crash loop holds.
const lastSaid = 20

// mailTrouble tells people of what no stack trace tells: workers that hang,
// and workers that do not stay alive.
func (m *master) mailTrouble(process string, e worker.Event) {
	event := mail.Event{Worker: cmp.Or(e.Worker.Worker, process), Release: m.config().Settings.Release, Level: slog.LevelError, Time: e.Time}
	switch e.Kind {
	case worker.HungWorker:
		event.Fingerprint, event.Title, event.Text = "hung:"+e.Worker.Worker, "a worker hung: "+e.Why, stacks(e.Dumps)
		if len(e.Dumps) > 0 {
			event.Language = e.Dumps[0].Language
		}
		m.log.Error("stacks of a hung worker", "worker", e.Worker.Worker, "why", e.Why, "dump", event.Text)
	case worker.CrashLoop:
		event.Fingerprint, event.Title = "crash-loop:"+process, "the workers of "+process+" end soon after their start, again and again"
		event.Text = fmt.Sprintf("The longest pause between two tries is %s. They said last:\n\n%s", e.Pause, m.said(process))
	default:
		return
	}
	m.mail.Report(event)
}

// stacks writes the dumps of the processes of one worker below each other.
func stacks(dumps []worker.Dump) string {
	if len(dumps) == 0 {
		return "No stacks: none of its processes is of a language that can tell them.\n"
	}
	var b strings.Builder
	for _, d := range dumps {
		fmt.Fprintf(&b, "process %d, %s\n", d.PID, d.Language)
		if d.Problem != "" {
			fmt.Fprintf(&b, "not whole: %s\n", d.Problem)
		}
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(d.Text, "\n"))
	}
	return b.String()
}

// said returns the last lines of a process type.
func (m *master) said(process string) string {
	var b strings.Builder
	_ = m.memory.read(context.Background(), LogQuery{Last: lastSaid, Level: everything, Process: process}, func(line LogLine) error {
		fmt.Fprintf(&b, "%s %s\n", line.Worker, line.Text)
		return nil
	})
	return b.String()
}
