package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/runner"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// runFlags are those of commands that read the configuration of a run.
type runFlags struct {
	manifest, file string
	set            []string
	only           []string
	once           bool
	given          map[string]*string // settings with a flag of their own, by key
}

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.manifest, "manifest", "", "the manifest; roadworthy.yaml where there is one")
	flags.StringVar(&f.file, "config", "", "the application's configuration file")
	flags.StringArrayVar(&f.set, "set", nil, "a setting by key, such as --set times.drain=10s")
	f.given = map[string]*string{
		"workers": flags.String("workers", "", "worker processes"),
		"port":    flags.String("port", "", "port to listen on"),
		"listen":  flags.String("listen", "", "address to listen on: host:port or unix:/path"),
	}
}

// options turns flags into options; the command is what stands behind --.
func (f *runFlags) options(cmd *cobra.Command, args []string) (runner.Options, error) {
	o := runner.Options{Command: args, Once: f.once, Only: f.only, Manifest: f.manifest, File: f.file, Flags: map[string]string{}, Environ: os.Environ(), Version: Version()}
	for key, value := range f.given {
		if cmd.Flags().Changed(key) {
			o.Flags[key] = *value
		}
	}
	for _, pair := range f.set {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return o, &problem.Problem{Code: "RW-U01", Summary: "a setting has no value", At: "--set", Got: pair, Want: "KEY=VALUE", Fix: cmd.CommandPath() + " --set " + pair + "=…"}
		}
		o.Flags[key] = value
	}
	var err error
	if o.Self, err = os.Executable(); err != nil {
		return o, fmt.Errorf("find the program itself: %w", err)
	}
	return o, nil
}

func (a *app) runtime() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [-- COMMAND…]",
		Short: "run the application in production: workers, logs, error mail, status route",
		Example: `  roadworthy run -- python3 app.py           two workers or more behind port 8000
  roadworthy run --workers 4 --port 80       the processes of roadworthy.yaml
  roadworthy run --set mode=shared           workers that inherit one socket
  roadworthy reload                          new workers, proven before the old ones go`,
		Args: behindDash,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ownSignals = true
			signals := make(chan os.Signal, 4)
			signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR2) // before what takes time
			defer signal.Stop(signals)
			if flags.once { // whoever becomes the command dies of a signal as it would
				signal.Reset()
				a.ownSignals = false // of one that came before
				if cmd.Context().Err() != nil {
					return context.Cause(cmd.Context())
				}
			}
			handed, err := runner.Inherit()
			if err != nil {
				return err
			}
			options, err := flags.options(cmd, args)
			if err != nil {
				return err
			}
			config, err := runner.Load(options)
			if err != nil {
				handed.End()
				return err
			}
			if flags.once {
				return become(config)
			}
			return runUntilSignal(cmd.Context(), signals, config, handed)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringArrayVar(&flags.only, "only", nil, "only this process type of the manifest")
	cmd.Flags().BoolVar(&flags.once, "once", false, "run the command once, with the application's settings in its environment")
	return cmd
}

// behindDash refuses arguments that do not stand behind "--".
func behindDash(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
		return &problem.Problem{
			Code: "RW-U01", Summary: "the command stands behind two dashes", Got: args[0], Want: "roadworthy run -- COMMAND",
			Fix: "roadworthy run -- " + strings.Join(args, " "),
		}
	}
	return nil
}

// errHurry is how a run ends that was interrupted twice.
var errHurry = errors.New("stopped in a hurry: requests may have been lost")

// runUntilSignal lets SIGTERM and SIGINT stop the run, SIGHUP reload it, and
// SIGUSR2 upgrade the program, which may have left a run to this one. A
// second one ends it at once, as people expect who press Ctrl-C again.
func runUntilSignal(ctx context.Context, signals chan os.Signal, config *runner.Config, handed *runner.Handed) error {
	if os.Getenv("GOGC") == "" {
		// A master's heap is small: to collect it half as often costs a few
		// megabytes under load and saves processor time of each request.
		debug.SetGCPercent(200)
	}
	early := ctx.Err() != nil && !strings.Contains(context.Cause(ctx).Error(), syscall.SIGHUP.String())
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // the command line's own context would end at SIGHUP
	defer stop()
	if early { // before the signals were ours
		stop()
	}
	reload, asked := make(chan struct{}, 1), make(chan struct{}, 1)
	config.Images = images(asked, handed, signals)
	hurry, ended := make(chan struct{}), make(chan error, 1)
	config.Hurry = hurry
	hurryUp := sync.OnceFunc(func() { close(hurry) })
	go func() { ended <- runner.Run(ctx, config, os.Stdout, reload) }()
	for stopping := false; ; {
		select {
		case err := <-ended:
			select {
			case <-hurry:
				return errors.Join(errHurry, err)
			default:
				return err
			}
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				poke(reload)
			case s == syscall.SIGUSR2:
				poke(asked)
			case stopping && s == syscall.SIGINT:
				hurryUp()
			default:
				stopping = true
				stop()
			}
		}
	}
}

// poke asks for something, unless that waits to be done already.
func poke(order chan<- struct{}) {
	select {
	case order <- struct{}{}:
	default:
	}
}

// become replaces this process by the command.
func become(config *runner.Config) error {
	if len(config.Command) == 0 {
		return &problem.Problem{Code: "RW-U01", Summary: "there is no command", At: "--once", Want: "a command", Fix: "roadworthy run --once -- COMMAND"}
	}
	path, err := exec.LookPath(config.Command[0])
	if err != nil {
		return &problem.Problem{Code: "RW-U01", Summary: "the command cannot be executed", Got: err.Error(), Want: "a program", Fix: "roadworthy run --once -- COMMAND", Cause: err}
	}
	if err := syscall.Exec(path, config.Command, config.Surroundings.Environ(true)); err != nil {
		return fmt.Errorf("execute %s: %w", path, err)
	}
	return nil
}

// launcher is the second half of the start of some workers.
func (a *app) launcher() *cobra.Command {
	return &cobra.Command{
		Use: runner.LaunchCommand, Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return worker.Exec(args) },
	}
}
