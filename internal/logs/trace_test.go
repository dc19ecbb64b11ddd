package logs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

// traces is the grouping as the runner wires it.
func traces(emit func(Group)) Grouping {
	return trace.NewGrouper(trace.Limits{}, func(g trace.Group) { emit(Group{Text: g.Text, Lines: g.Lines, Language: g.Language}) })
}

func TestStackTracesAreOneRecord(t *testing.T) {
	python := "Traceback (most recent call last):\n  File \"/srv/app.py\", line 5, in <module>\n    main()\n    ~~~~^^\n  File \"/srv/app.py\", line 2, in main\n    raise ValueError(\"no\")\nValueError: no\n"
	text := "starting\n" + python
	for i := range 500 {
		text += fmt.Sprintf("2024-01-02 15:04:05 INFO request %d\n", i)
	}
	text += "2024-01-02 15:04:05 CRITICAL failed\n" + python
	read, write, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	go func() {
		_, _ = io.WriteString(write, text)
		_ = write.Close()
	}()
	got := &list{}
	if err := NewCapture(read, Source{Type: "web", Slot: 1, Stream: Stderr}, got, CaptureOptions{Grouping: traces}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := got.all()
	if rebuild(all) != text || len(all) != 503 {
		t.Fatalf("%d records, the text is the same: %v", len(all), rebuild(all) == text)
	}
	if r := all[1]; r.Language != trace.Python || r.Level != slog.LevelError || r.Lines != uint32(strings.Count(python, "\n")) {
		t.Errorf("%+v", r)
	}
	if r := all[502]; r.Language != trace.Python || r.Level != LevelFatal || !r.Found {
		t.Errorf("%+v: %q", r, r.Text)
	}
}
