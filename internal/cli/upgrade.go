package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

// images lets a run be continued by another file of this program. A signal that
// asks for something would end an image that does not listen to it yet, and
// with it the workers: meanwhile it is ignored, which an exec keeps.
func images(asked <-chan struct{}, handed *runner.Handed, signals chan<- os.Signal) *runner.Images {
	become := func(path string, argv, environ []string) error {
		signal.Ignore(syscall.SIGHUP, syscall.SIGUSR2)
		err := syscall.Exec(path, argv, environ)
		signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR2)
		return err //nolint:wrapcheck // the runner says what it was about
	}
	return &runner.Images{Argv: os.Args, Exec: become, Asked: asked, Handed: handed}
}

func (a *app) upgrade() *cobra.Command {
	var master masterFlags
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "replace the program of a running master and keep its workers, without losing a request",
		Long: `Starts the file of roadworthy anew that the master was started from, in the same process: its id,
its workers and its sockets stay. Put the new file in the place of the old one first, by renaming it.
SIGUSR2 does the same.

The new program is asked before: if it does not work, does not take the configuration, or would change
what only a restart can change, nothing happens and this command says why.

Connections that wait for a request stay open. New ones are not accepted for a moment; the kernel
queues them. That moment lasts as long as the requests under way need, at most 0.3 s, and the start
of the new program, about 0.1 s. WebSockets and event streams are ended by their policy
(ROADWORTHY_STREAMS), which makes the moment about two seconds longer; those that would linger for
more than 8 seconds are cut. Where requests take longer, it is tried six times in six seconds, and
then the moment may last 10 seconds; if there are requests even then, the upgrade is given up. With TLS connections cannot stay open: they are
closed as at the end of a run, and the moment is up to five seconds long. Workers that share a socket
(mode=shared) accept all the time.

Where the new program supplies something else than the workers were told, such as error mail, a reload
follows by itself; so does one that was asked for meanwhile.

roadworthy logs -f ends and has to be called again; what it shows is kept. Counters begin anew.`,
		Example: `  mv roadworthy.new /usr/local/bin/roadworthy
  roadworthy upgrade`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := runner.Find(cmd.Context(), master.app, master.pid)
			if err != nil {
				return err
			}
			now, err := client.Upgrade(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(a.Out, "upgraded to %s · pid %d · %d workers · nothing was accepted for %s\n", now.Version, now.PID, len(now.Workers), now.Pause.Round(time.Millisecond))
			return nil
		},
	}
	master.add(cmd)
	return cmd
}

// canTakeOver is what a master asks a new program before it becomes that.
func (a *app) canTakeOver() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use: runner.TakeOverCommand, Hidden: true, Args: behindDash,
		Short: "tell whether this program could go on with what another one runs",
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.options(cmd, args)
			if err != nil {
				return err
			}
			config, err := runner.Load(options)
			if err != nil {
				return err
			}
			if err := config.Prove(); err != nil {
				return err
			}
			return json.NewEncoder(a.Out).Encode(runner.TakeOverOf(config))
		},
	}
	flags.add(cmd)
	cmd.Flags().StringArrayVar(&flags.only, "only", nil, "only this process type of the manifest")
	return cmd
}
