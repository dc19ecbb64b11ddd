package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// checkFlags are the flags of check.
type checkFlags struct {
	options check.Options
	repeat  int
	json    bool
	format  string
	reports []string
	verbose bool
}

func (a *app) check() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [FOLDER]",
		Short: "boot the application in a sandbox, stimulate it, and judge every claim of the standard",
		Example: `  roadworthy check                          the commit that is checked out here
  roadworthy check --dirty                  the working tree as it is
  roadworthy check --only log.syslog -v     one requirement, with what passed
  roadworthy check --quick                  what is answered in seconds
  roadworthy check --report sarif=out.sarif --report junit=out.xml
  roadworthy check --keep --only port       leave the sandbox to look into`,
		Long: `Builds the application from a clean checkout, boots it in sandboxes with fresh
values, makes each thing happen that the standard asks for, and judges what was
seen. The signed evidence goes to .roadworthy/check.roadworthy, with a page
beside it.

Exit codes: 0 ready, 1 not ready, 2 the tool broke, 3 not proven, 64 wrong input.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Dir = "."
			if len(args) == 1 {
				f.options.Dir = args[0]
			}
			return a.runCheck(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Manifest, "manifest", manifest.Name, "file name of the manifest in the folder")
	flags.StringVar(&f.options.Commit, "commit", "", "commit to check instead of HEAD")
	flags.BoolVar(&f.options.Dirty, "dirty", false, "check the working tree as it is")
	flags.StringSliceVar(&f.options.Only, "only", nil, "requirements to check, by id")
	flags.BoolVar(&f.options.Quick, "quick", false, "leave out what takes long")
	flags.BoolVar(&f.options.Keep, "keep", false, "leave the sandboxes until Enter is pressed")
	flags.Uint64Var(&f.options.Seed, "seed", 0, "seed of everything random; 0 draws one")
	flags.IntVar(&f.repeat, "repeat", 1, "check that many times and compare the verdicts")
	flags.BoolVar(&f.json, "json", false, "the same as --format json")
	flags.StringVar(&f.format, "format", "text", "what goes to standard output: "+formatNames())
	flags.StringArrayVar(&f.reports, "report", nil, "FORMAT=FILE: write a report to a file; may be repeated")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show what passed as well")
	_ = cmd.RegisterFlagCompletionFunc("only", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return requirementIDs(), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func formatNames() string {
	names := make([]string, len(report.Formats))
	for i, entry := range report.Formats {
		names[i] = entry.Name
	}
	return strings.Join(names, ", ")
}

func requirementIDs() []string {
	ids := make([]string, len(standard.Requirements))
	for i, r := range standard.Requirements {
		ids[i] = r.ID
	}
	return ids
}

func (a *app) runCheck(ctx context.Context, f checkFlags) (err error) {
	if f.json {
		f.format = "json"
	}
	if err := a.fillIn(&f); err != nil {
		return err
	}
	// A wrong name must be noticed before a minute of work, not after it.
	if _, err := report.New(f.format, report.Settings{}); err != nil {
		return err
	}
	files, err := reportFiles(f.reports)
	if err != nil {
		return err
	}
	if err := f.repeats(); err != nil {
		return err
	}
	if f.repeat > 1 {
		return a.repeatCheck(ctx, f)
	}
	result, err := a.oneCheck(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	if err := a.writeReports(f, files, result.Run); err != nil {
		return err
	}
	a.exit = result.Run.ExitCode()
	if f.options.Keep {
		a.holdOpen(ctx, result)
	}
	return nil
}

// repeats checks --repeat, whose only output is what differed.
func (f checkFlags) repeats() error {
	switch {
	case f.repeat < 1:
		return usageError{fmt.Errorf("--repeat wants a number of checks, got %d\n  fix  --repeat 3", f.repeat)}
	case f.repeat > 1 && (f.format != "text" || len(f.reports) > 0 || f.options.Keep):
		return usageError{errors.New("--repeat goes with none of --json, --format, --report and --keep\n  fix  leave them out")}
	}
	return nil
}

// fillIn completes the options with what the user's machine gives.
func (a *app) fillIn(f *checkFlags) error {
	f.options.Tool = Version()
	if f.options.Seed == 0 {
		var seed [8]byte
		_, _ = rand.Read(seed[:]) // never fails
		f.options.Seed = binary.LittleEndian.Uint64(seed[:])
	}
	if cache, err := os.UserCacheDir(); err == nil {
		f.options.CacheDir = filepath.Join(cache, "roadworthy")
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return fmt.Errorf("find the folder for the signing key: %w", err)
	}
	f.options.KeyDir = filepath.Join(config, "roadworthy")
	f.options.Bundle = filepath.Join(f.options.Dir, stateDir, "check.roadworthy")
	return realFolder(filepath.Dir(f.options.Bundle))
}

// stateDir is where a check leaves its evidence, in the application's folder.
const stateDir = ".roadworthy"

func (a *app) oneCheck(ctx context.Context, f checkFlags) (*check.Result, error) {
	terminal, err := a.terminal(a.Err)
	if err != nil {
		return nil, err
	}
	progress := &liveProgress{ctx: ctx, terminal: terminal, now: a.Now, quiet: f.format != "text"}
	defer progress.Close()
	result, err := check.Run(ctx, f.options, progress, a.Now)
	if err != nil || result.Run.Bundle == "" {
		return result, err
	}
	if err := ignoreState(filepath.Join(f.options.Dir, stateDir)); err != nil {
		return nil, errors.Join(err, result.Close())
	}
	return result, nil
}

// writeReports prints the run, and writes the files that were asked for and
// the page beside the bundle.
func (a *app) writeReports(f checkFlags, files map[string]string, run report.Run) error {
	run.Next = nextCommand(run, f.options.Dir)
	if run.Bundle != "" {
		page := filepath.Join(f.options.Dir, stateDir, "check.html")
		_ = os.Remove(page) // one that is a link would lead us elsewhere
		files[page] = "html"
	}
	for path, name := range files {
		if err := writeReport(path, name, run); err != nil {
			return err
		}
	}
	terminal, err := a.terminal(a.Out)
	if err != nil {
		return err
	}
	format, err := report.New(f.format, report.Settings{Terminal: terminal, Verbose: f.verbose})
	if err != nil {
		return err
	}
	return format.Write(a.Out, run)
}

// ignoreState keeps the evidence out of the repository, so that checking does
// not make the tree dirty.
func ignoreState(dir string) error {
	path := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if err := os.WriteFile(path, []byte("*\n"), 0o644); err != nil { //nolint:gosec // as every .gitignore
		return fmt.Errorf("keep the evidence out of the repository: %w", err)
	}
	return nil
}

// realFolder refuses a link in the place of the folder for evidence: a
// repository must not choose where else on this machine we write.
func realFolder(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	got := "something else"
	if err != nil {
		got = err.Error()
	} else if info.Mode()&os.ModeSymlink != 0 {
		got = "a link"
	}
	return &problem.Problem{
		Code: "RW-U01", Summary: "the evidence cannot be written here", At: dir, Got: got, Want: "a folder, or nothing", Fix: "rm " + dir,
	}
}

func writeReport(path, name string, run report.Run) error {
	format, err := report.New(name, report.Settings{})
	if err != nil {
		return err
	}
	var document bytes.Buffer
	if err := format.Write(&document, run); err != nil {
		return fmt.Errorf("write the %s report: %w", name, err)
	}
	if err := os.WriteFile(path, document.Bytes(), 0o644); err != nil { //nolint:gosec // reports are for all to read
		return &problem.Problem{
			Code: "RW-U01", Summary: "the report cannot be written", At: path, Got: err.Error(),
			Fix: "mkdir -p " + filepath.Dir(path), Cause: err,
		}
	}
	return nil
}

// reportFiles reads --report FORMAT=FILE into file → format.
func reportFiles(flags []string) (map[string]string, error) {
	files := map[string]string{}
	for _, flag := range flags {
		name, path, ok := strings.Cut(flag, "=")
		if !ok || path == "" {
			return nil, usageError{fmt.Errorf("--report wants FORMAT=FILE, got %q\n  fix  --report sarif=check.sarif", flag)}
		}
		if _, err := report.New(name, report.Settings{}); err != nil {
			return nil, err
		}
		files[path] = name
	}
	return files, nil
}

// nextCommand is what a person would type next.
func nextCommand(run report.Run, dir string) string {
	for _, outcome := range []standard.Outcome{standard.Fail, standard.Error, standard.Unknown} {
		for _, r := range run.Requirements {
			if r.Outcome == outcome {
				return "roadworthy explain " + r.ID
			}
		}
	}
	if run.Bundle != "" {
		return "roadworthy verify " + run.Bundle
	}
	return "roadworthy check " + dir
}

// holdOpen tells how to look into the sandboxes and waits.
func (a *app) holdOpen(ctx context.Context, result *check.Result) {
	for _, boot := range result.Kept {
		fmt.Fprintf(a.Err, "kept  sudo nsenter --target %d --all --root --wd=/app /bin/sh\n", boot.Sandbox().PID())
	}
	fmt.Fprintln(a.Err, "the sandboxes stay until you press Enter")
	done := make(chan struct{})
	go func() { // ends with the process: a read of the terminal cannot be interrupted
		_, _ = a.In.Read(make([]byte, 1))
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// liveProgress shows a check as it goes.
type liveProgress struct {
	ctx      context.Context
	terminal *term.Terminal
	now      func() time.Time
	quiet    bool
	mu       sync.Mutex
	bar      *term.Progress
	phase    string
}

// Step implements check.Events.
func (p *liveProgress) Step(name, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet || p.phase == name || detail == "" {
		return
	}
	p.phase = name
	fmt.Fprintf(p.terminal, "%s  %s\n", name, p.terminal.Line(detail))
}

// Plan implements check.Events.
func (p *liveProgress) Plan(requirements []string) {
	if !p.quiet {
		p.mu.Lock()
		p.bar = term.NewProgress(p.ctx, p.terminal, len(requirements), p.now)
		p.mu.Unlock()
	}
}

// Start implements check.Events.
func (p *liveProgress) Start(requirement string) {
	if p.bar != nil {
		p.bar.Start(requirement)
	}
}

// Finish implements check.Events.
func (p *liveProgress) Finish(r report.Requirement, took time.Duration) {
	if p.bar == nil {
		return
	}
	p.bar.Finish(r.ID, r.Outcome, took)
	var block strings.Builder
	text := report.NewText(report.Settings{Terminal: p.terminal})
	if err := text.WriteFinding(&block, report.Host{}, r); err == nil && block.Len() > 0 {
		p.bar.Print(block.String())
	}
}

// Close takes the progress off the screen.
func (p *liveProgress) Close() {
	if p.bar != nil {
		p.bar.Close()
	}
}
