package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func openArchive(t testing.TB, folder string, opts ArchiveOptions) *Archive {
	t.Helper()
	a, err := OpenArchive(folder, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func readAll(t testing.TB, folder string, q Query) []Record {
	t.Helper()
	var all []Record
	if err := Read(t.Context(), folder, q, func(r Record) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func put(t testing.TB, a *Archive, records ...Record) {
	t.Helper()
	if n, err := a.Write(t.Context(), records); n != len(records) || err != nil {
		t.Fatal(n, err)
	}
}

func anyRecord(t *rapid.T, at time.Time) Record {
	return Record{
		Time: at, Level: slog.Level(rapid.IntRange(-8, 12).Draw(t, "level")), Found: rapid.Bool().Draw(t, "found"), Open: rapid.Bool().Draw(t, "open"),
		Part: rapid.Uint32Range(0, 3).Draw(t, "part"), Lines: rapid.Uint32Range(0, 3).Draw(t, "lines"),
		Language: rapid.SampledFrom([]string{"", "python", "go"}).Draw(t, "language"), RequestID: rapid.SampledFrom([]string{"", "a-b", `q"x`}).Draw(t, "id"),
		Text:   rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\nRS \x00"))), 0, 60).Draw(t, "text"),
		Source: rapid.SampledFrom(sources).Draw(t, "source"),
	}
}

var sources = []*Source{web, {Type: "web", Slot: 2, Generation: 3, PID: 5, Stream: Stderr}, {Type: "roadworthy", Stream: Own}}

func TestTheArchiveGivesBackWhatItTook(t *testing.T) {
	folder := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		below := filepath.Join(folder, fmt.Sprint(n))
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		var all []Record
		for range rapid.IntRange(1, 4).Draw(rt, "openings") {
			a, err := OpenArchive(below, ArchiveOptions{Segments: 100})
			if err != nil {
				rt.Fatal(err)
			}
			var batch []Record
			for range rapid.IntRange(0, 20).Draw(rt, "records") {
				at = at.Add(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "later")) * time.Microsecond)
				batch = append(batch, anyRecord(rt, at))
			}
			put(t, a, batch...)
			all = append(all, batch...)
			_ = a.Close()
		}
		got := readAll(t, below, Query{Level: LevelTrace})
		if len(got) != len(all) {
			rt.Fatalf("%d records, want %d", len(got), len(all))
		}
		for i := range got {
			want := all[i]
			want.Text = append([]byte{}, want.Text...)
			if !reflect.DeepEqual(got[i], want) {
				rt.Fatalf("%+v, want %+v", got[i], want)
			}
		}
	})
}

func TestTheArchiveIsBoundedAndPrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "logs")
	a := openArchive(t, folder, ArchiveOptions{Segment: minSegment, Segments: 3})
	for i := range 200 {
		put(t, a, numbered(i*50, 50)...)
	}
	entries, _ := os.ReadDir(folder)
	size := int64(0)
	for _, e := range entries {
		info, _ := e.Info()
		size += info.Size()
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if len(entries) != 4 || size > 3*(minSegment+20_000) {
		t.Errorf("%d files of %d bytes", len(entries), size)
	}
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v", info.Mode())
	}
	if _, err := OpenArchive(folder, ArchiveOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	got := readAll(t, folder, Query{})
	for i, r := range got {
		if !strings.HasPrefix(string(r.Text), fmt.Sprintf("line %d ", 10_000-len(got)+i)) {
			t.Fatalf("record %d of %d: %q", i, len(got), r.Text)
		}
	}
}

func TestQueries(t *testing.T) {
	folder := t.TempDir()
	a := openArchive(t, folder, ArchiveOptions{})
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for i := range 100 {
		put(t, a, Record{Time: start.Add(time.Duration(i) * time.Minute), Source: sources[i%3], Level: slog.Level(4 * (i % 4)), Text: fmt.Append(nil, i), Lines: 1})
	}
	for want, q := range map[int]Query{
		100: {}, 75: {Level: slog.LevelWarn}, 67: {Processes: []string{"web"}}, 33: {Processes: []string{"web.2"}}, 66: {Processes: []string{"web.2", "roadworthy"}},
		40: {From: start.Add(time.Hour)}, 10: {From: start.Add(time.Hour), Until: start.Add(70 * time.Minute)}, 7: {Last: 7}, 5: {Last: 5, Level: slog.LevelError}, 0: {From: start.Add(100 * time.Hour)},
	} {
		if got := readAll(t, folder, q); len(got) != want {
			t.Errorf("%+v: %d records, want %d", q, len(got), want)
		} else if q.Last == 7 && string(got[0].Text) != "93" {
			t.Errorf("the last 7 begin with %s", got[0].Text)
		}
	}
}

func TestRecordsAreOrderedByTime(t *testing.T) {
	folder := t.TempDir()
	a := openArchive(t, folder, ArchiveOptions{Segment: minSegment})
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for i := range 30_000 { // a trace is held back for a while, so it comes late
		at := start.Add(time.Duration(i) * time.Millisecond)
		if i%10 == 9 {
			at = at.Add(-300 * time.Millisecond)
		}
		put(t, a, Record{Time: at, Source: web, Text: []byte("x"), Lines: 1})
	}
	got := readAll(t, folder, Query{})
	for i := 1; i < len(got); i++ {
		if got[i].Time.Before(got[i-1].Time) {
			t.Fatalf("record %d of %d is from %v, the one before from %v", i, len(got), got[i].Time, got[i-1].Time)
		}
	}
	if len(got) < 5000 {
		t.Errorf("%d records", len(got))
	}
}

func TestATornEndHidesNothingElse(t *testing.T) {
	folder := t.TempDir()
	a := openArchive(t, folder, ArchiveOptions{})
	put(t, a, numbered(0, 3)...)
	_ = a.Close()
	whole, _ := os.ReadFile(segmentPath(folder, 1))
	second := bytes.Index(whole, []byte("line 2"))
	for cut := range whole {
		if err := os.WriteFile(segmentPath(folder, 1), append(bytes.Clone(whole[:cut]), 0, 0, 0), 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(segmentPath(folder, 2))
		b := openArchive(t, folder, ArchiveOptions{})
		put(t, b, numbered(3, 1)...)
		_ = b.Close()
		if cut > 0 && cut < len(segmentMagic)+2 {
			continue // a file that is no segment is an error, tested below
		}
		got := readAll(t, folder, Query{})
		if len(got) == 0 || !strings.HasPrefix(string(got[len(got)-1].Text), "line 3 ") || cut > second && len(got) < 3 {
			t.Fatalf("cut at %d: %q", cut, rebuild(got))
		}
	}
}

func TestAForeignFileIsNamed(t *testing.T) {
	folder := t.TempDir()
	_ = os.WriteFile(segmentPath(folder, 1), []byte("something else\n"), 0o600)
	err := Read(t.Context(), folder, Query{}, func(Record) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "0001.log is no log segment") {
		t.Error(err)
	}
}

func TestAFollowerThatLagsSaysWhatIsMissing(t *testing.T) {
	folder := t.TempDir()
	a := openArchive(t, folder, ArchiveOptions{Segment: minSegment, Segments: 2})
	put(t, a, numbered(0, 10)...)
	f := follower{folder: folder}
	var got []Record
	f.emit = func(r Record) error { got = append(got, r); return nil }
	defer f.close()
	_ = f.past(t.Context())
	for i := range 100 {
		put(t, a, numbered(10+i*50, 50)...)
	}
	if err := f.past(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, missing := 0, 0
	for _, r := range got {
		var n int
		if _, err := fmt.Sscanf(string(r.Text), `level=WARN msg="%d records were removed`, &n); err == nil {
			next += n
			missing = n
		} else if _, err := fmt.Sscanf(string(r.Text), "line %d ", &n); err != nil || n != next {
			t.Fatalf("%q where line %d should be", r.Text, next)
		} else {
			next++
		}
	}
	if next != 5010 || missing == 0 {
		t.Errorf("%d records, %d missing", next, missing)
	}
}

// child is this test's own program, started again.
func child(mode string) {
	switch mode {
	case "write":
		a, err := OpenArchive(os.Getenv("LOGS_TEST_FOLDER"), ArchiveOptions{Segment: minSegment, Segments: 1000})
		if err != nil {
			panic(err)
		}
		for i := 0; ; i++ {
			if _, err := a.Write(context.Background(), numbered(i, 1)); err != nil {
				panic(err)
			}
			fmt.Println(i) // told only after it was taken
		}
	case "full":
		full()
	case "feed":
		feed()
	case "flood":
		flood()
	case "burst":
		burst()
	}
}

// full writes to a disk that takes 90,000 bytes of each file.
func full() {
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 90_000, Max: 90_000})
	a, err := OpenArchive(os.Getenv("LOGS_TEST_FOLDER"), ArchiveOptions{Segments: 100})
	if err != nil {
		panic(err)
	}
	failures := 0
	for i := 0; i < 50; {
		if n, err := a.Write(context.Background(), numbered(100*i, 100)); n == 0 && err != nil {
			failures++
		} else {
			i++
		}
	}
	fmt.Println(failures)
}

func TestAWriteThatFailsHalfWayLeavesNothingTwice(t *testing.T) {
	folder := t.TempDir()
	out, err := startChild(t, "full", "LOGS_TEST_FOLDER="+folder).Output()
	if err != nil || strings.TrimSpace(string(out)) == "0" {
		t.Fatalf("%q failures, %v", out, err)
	}
	got := readAll(t, folder, Query{})
	for i, r := range got {
		if !strings.HasPrefix(string(r.Text), fmt.Sprintf("line %d ", i)) {
			t.Fatalf("record %d is %q", i, r.Text)
		}
	}
	if len(got) != 5000 {
		t.Errorf("%d records", len(got))
	}
}

func startChild(t *testing.T, mode string, env ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), append(env, "LOGS_TEST_CHILD="+mode)...)
	return c
}

func TestNothingThatWasTakenIsLostByAKill(t *testing.T) {
	folder := t.TempDir()
	told := 0
	for range 3 {
		c := startChild(t, "write", "LOGS_TEST_FOLDER="+folder)
		out := &bytes.Buffer{}
		c.Stdout = out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		err := Follow(ctx, folder, Query{From: time.Now()}, 5*time.Millisecond, func(r Record) error {
			if seen++; seen == 2000 { // read by this process while the other writes
				_ = c.Process.Kill()
				cancel()
			}
			return nil
		})
		cancel()
		_ = c.Wait()
		if err != nil {
			t.Fatal(err)
		}
		told += strings.Count(out.String(), "\n")
	}
	got := readAll(t, folder, Query{})
	if len(got) < told || len(got) > told+3 {
		t.Errorf("%d records, %d were taken in 3 lives", len(got), told)
	}
}

func FuzzSegment(f *testing.F) {
	folder := f.TempDir()
	a := openArchive(f, folder, ArchiveOptions{})
	put(f, a, numbered(0, 3)...)
	whole, _ := os.ReadFile(segmentPath(folder, 1))
	f.Add(whole)
	f.Add([]byte(segmentMagic + "0\nS 1 web 1 1 1 9\nR 2026-01-02T03:04:05.000000Z 1 0 99999999999\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		folder := t.TempDir()
		_ = os.WriteFile(segmentPath(folder, 1), data, 0o600)
		_ = Read(context.Background(), folder, Query{Level: -100}, func(r Record) error {
			if r.Source == nil || len(r.Text) > len(data) {
				t.Fatal("a record from nowhere")
			}
			return nil
		})
	})
}
