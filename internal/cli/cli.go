// Package cli is the command line: a file for each command or family of
// commands, and nothing in them but flags, calls and printing.
//
// The voice, for everything that a person reads here: data goes to standard
// output and everything else to standard error; messages begin in lower case
// and end without a full stop; an error says where, what was got, what was
// wanted and which command mends it; the last line is the next command to type.
//
// The invariant: the exit code is decided in one place, [exitCode], from the
// error or the run. Nothing here calls os.Exit; main does, once. The room reads
// and prints only through [Streams]. Read next: check.go.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// Streams is what a command can touch of the outside world.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) string
	Now      func() time.Time
}

// System returns the streams of this process.
func System() Streams {
	return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Now: time.Now}
}

// ExitInterrupted is what an interrupted command exits with: 128 and SIGINT.
const ExitInterrupted = 130

// Main runs one command line and returns the exit code: those of
// report.Run.ExitCode, 64 for a command line that cannot be understood or
// input that is wrong, 130 when interrupted.
func Main(args []string, streams Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	app := &app{Streams: streams}
	root := app.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return app.exit
	}
	if ctx.Err() != nil && !app.ownSignals {
		fmt.Fprintln(streams.Err, "interrupted; nothing was left behind")
		return ExitInterrupted
	}
	fmt.Fprintln(streams.Err, app.styled(err))
	return exitCode(err)
}

// exitCode maps kinds of errors to exit codes: what a person can mend in the
// input is 64, the rest is the tool's.
func exitCode(err error) int {
	if _, ok := errors.AsType[problem.List](err); ok {
		return report.ExitUsage
	}
	if errors.Is(err, errHurry) {
		return ExitInterrupted
	}
	p, ok := problem.Of(err)
	switch {
	case ok && strings.HasPrefix(p.Code, "RW-E") && p.Code != "RW-E04": // that one is a key file that is none
		return report.ExitFailed // the evidence was refused
	case ok && slices.Contains([]string{"RW-A02", "RW-B01", "RW-B02", "RW-R03", "RW-R05", "RW-R07"}, p.Code):
		return report.ExitFailed // what does not build or start is not ready
	case ok:
		return report.ExitUsage
	case errors.As(err, new(usageError)):
		return report.ExitUsage
	}
	return report.ExitBroken
}

// usageError is a command line that cobra could not understand.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// app is one run of the program.
type app struct {
	Streams
	colour string
	exit   int

	ownSignals bool // the command takes signals itself: none of them explains its error
}

func (a *app) terminal(out io.Writer) (*term.Terminal, error) {
	mode, err := term.ParseMode(a.colour)
	if err != nil {
		return nil, err
	}
	return term.New(out, a.Env, mode), nil
}

// styled makes an error safe for the terminal: it may quote hostile output.
func (a *app) styled(err error) string {
	text := err.Error()
	if _, ok := problem.Of(err); !ok && !errors.As(err, new(problem.List)) {
		text = "error: " + text
	}
	return term.Clean(text)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "roadworthy",
		Short: "takes a web application to production by a written standard, and proves that it meets it",
		Example: `  roadworthy init                 write roadworthy.yaml by looking at the application
  roadworthy check                boot it, stimulate it, judge every claim
  roadworthy check --only log.syslog --verbose
  roadworthy explain log.syslog   what is asked, how it is proven, how it is mended
  roadworthy verify BUNDLE        recompute every verdict from the evidence
  roadworthy run -- COMMAND       run it in production: workers, logs, error mail, status route
  roadworthy reload               new workers, proven before the old ones go`,
		SilenceErrors: true, SilenceUsage: true, Version: Version(),
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if _, err := term.ParseMode(a.colour); err != nil {
				return usageError{err}
			}
			return nil
		},
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(flagError)
	root.Flags().Bool("version", false, "print the version") // without a -v, which is --verbose elsewhere
	root.PersistentFlags().StringVar(&a.colour, "color", "auto", "colour: auto, always or never")
	root.AddCommand(a.check(), a.initialise(), a.verify(), a.explain(), a.schema(), a.doctor(),
		a.runtime(), a.reload(), a.upgrade(), a.canTakeOver(), a.ps(), a.logs(), a.logLevel(), a.configuration(), a.mail(), a.launcher())
	for _, command := range root.Commands() {
		wrapArgs(command)
	}
	return root
}

// knownCommand refuses what is left of the line when no command has that name.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, command := range root.Commands() {
		names = append(names, command.Name())
	}
	near, ok := problem.Nearest(args[0], names)
	if !ok {
		near = "--help"
	}
	return &problem.Problem{
		Code: "RW-U01", Summary: "there is no such command", Got: args[0], Want: strings.Join(names, ", "), Fix: "roadworthy " + near,
	}
}

// flagError names the nearest flag for one that is not there.
func flagError(cmd *cobra.Command, err error) error {
	fix := cmd.CommandPath() + " --help"
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
		if near, ok := problem.Nearest(unknown.GetSpecifiedName(), names); ok {
			fix = cmd.CommandPath() + " --" + near
		}
	}
	return usageError{fmt.Errorf("%w\n  fix  %s", err, fix)}
}

// wrapArgs marks errors about arguments as those of usage.
func wrapArgs(command *cobra.Command) {
	check := command.Args
	if check == nil {
		return
	}
	command.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			if _, ok := problem.Of(err); ok {
				return err // it says the mend itself
			}
			return usageError{fmt.Errorf("%w\n  fix  %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}

// linked is the version that the linker was told, by
// -X github.com/roadworthy-dev/roadworthy/internal/cli.linked=VERSION.
var linked string

// Version tells the program's version: what the linker was told, the module's,
// or the commit it was built from.
func Version() string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "devel"
}
