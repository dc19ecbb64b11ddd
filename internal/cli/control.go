package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/runner"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// masterFlags say which running master is meant.
type masterFlags struct {
	app string
	pid int
}

func (f *masterFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.app, "app", "", "name of the application; any")
	cmd.Flags().IntVar(&f.pid, "pid", 0, "process id of the master; any")
}

// ask sends one request to the master that is meant.
func (f *masterFlags) ask(cmd *cobra.Command, method, target string) (io.ReadCloser, error) {
	client, err := runner.Find(cmd.Context(), f.app, f.pid)
	if err != nil {
		return nil, err
	}
	return client.Do(cmd.Context(), method, target)
}

func (a *app) reload() *cobra.Command {
	var master masterFlags
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "replace the workers of a running master by a new generation, one by one",
		Long:  "Reads the configuration anew and starts a new generation. A generation that does not get ready is ended; the old one serves on, and this command fails and says why.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := master.ask(cmd, http.MethodPost, "/reload")
			if err != nil {
				return err
			}
			defer body.Close()
			fmt.Fprintln(a.Out, "reloaded")
			if told, _ := io.ReadAll(body); len(told) > 0 { // the reload is done, whatever is told of it
				fmt.Fprintf(a.Err, "%s\n", told)
			}
			return nil
		},
	}
	master.add(cmd)
	return cmd
}

func (a *app) logLevel() *cobra.Command {
	var master masterFlags
	cmd := &cobra.Command{
		Use:   "log-level LEVEL",
		Short: "change the level of a running master: DEBUG, INFO, WARNING, ERROR",
		Long: "Change which lines a running master passes on, of what the application writes. An application that drops its\n" +
			"own DEBUG lines by LOG_LEVEL, as package app does, goes on to do so: building them for each request has its price.",
		Example: "  roadworthy log-level DEBUG",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := runner.ParseLevel(args[0]); err != nil {
				return err
			}
			body, err := master.ask(cmd, http.MethodPut, "/log-level/"+url.PathEscape(args[0]))
			if err != nil {
				return err
			}
			return body.Close()
		},
	}
	master.add(cmd)
	return cmd
}

func (a *app) logs() *cobra.Command {
	var master masterFlags
	var follow, asJSON bool
	var last int
	var level, process string
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "show the last lines of a running master",
		Example: `  roadworthy logs -f                  and what comes
  roadworthy logs --level ERROR       stack traces are whole
  roadworthy logs --process web.2 -n 20`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			least, err := runner.ParseLevel(level)
			if err != nil {
				return err
			}
			query := url.Values{
				"last": {strconv.Itoa(last)}, "follow": {strconv.FormatBool(follow)}, "level": {strconv.Itoa(int(least))}, "process": {process},
			}
			body, err := master.ask(cmd, http.MethodGet, "/logs?"+query.Encode())
			if err != nil {
				return err
			}
			defer body.Close()
			return a.printLogs(cmd, body, asJSON)
		},
	}
	master.add(cmd)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	cmd.Flags().IntVarP(&last, "lines", "n", 100, "lines of the past; -1 for all that are kept")
	cmd.Flags().StringVar(&level, "level", "DEBUG", "least level")
	cmd.Flags().StringVar(&process, "process", "", "process type or worker, such as web or web.2")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func (a *app) printLogs(cmd *cobra.Command, body io.Reader, asJSON bool) error {
	lines := json.NewDecoder(body)
	for {
		var line runner.LogLine
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) || cmd.Context().Err() != nil {
			return nil //nolint:nilerr // the end, or Ctrl-C
		}
		if err != nil {
			return fmt.Errorf("read the log of the master: %w", err)
		}
		if line.Dropped > 0 {
			fmt.Fprintf(a.Err, "… %d lines were dropped, since this reader is slow\n", line.Dropped)
		}
		if asJSON {
			text, err := json.Marshal(line)
			if err := a.printJSON(append(text, '\n'), err); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(a.Out, "%s %-7s %s | %s\n", line.Time.Local().Format("15:04:05.000"), line.Level, line.Worker, term.Clean(line.Text)); err != nil {
			return fmt.Errorf("print the log: %w", err)
		}
	}
}

// printJSON prints what is JSON so that nothing in it can steer a terminal.
func (a *app) printJSON(text []byte, err error) error {
	if err == nil {
		_, err = a.Out.Write(term.CleanJSON(text))
	}
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

func (a *app) ps() *cobra.Command {
	var master masterFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "show the workers of a running master, and the errors that it has seen",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := master.ask(cmd, http.MethodGet, "/status")
			if err != nil {
				return err
			}
			defer body.Close()
			if asJSON {
				return a.printJSON(io.ReadAll(body))
			}
			var s runner.Status
			if err := json.NewDecoder(body).Decode(&s); err != nil {
				return fmt.Errorf("read the status of the master: %w", err)
			}
			return a.printStatus(s)
		},
	}
	master.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (a *app) printStatus(s runner.Status) error {
	now := a.Now()
	age := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return now.Sub(t).Round(time.Second).String()
	}
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "%s · %s · pid %d · up %s · level %s", s.App, s.Environment, s.PID, age(s.Since), s.Level)
	for _, address := range s.Addresses {
		fmt.Fprintf(&shown, " · %s", address)
	}
	fmt.Fprintln(&shown)
	columns := tabwriter.NewWriter(&shown, 0, 4, 2, ' ', 0)
	fmt.Fprintln(columns, "\nworker\tpid\tgeneration\tstate\tfor\tin flight\tmemory\trestarts\tlast exit")
	for _, w := range s.Workers {
		fmt.Fprintf(columns, "%s\t%d\t%d\t%s\t%s\t%d\t%d MiB\t%d\t%s\n", w.ID, w.PID, w.Generation, w.State, age(w.Since), w.InFlight, w.Memory>>20, w.Restarts, w.LastExit)
	}
	if len(s.Errors) > 0 {
		fmt.Fprintln(columns, "\nerror\tcount\tfirst\tlast\trelease")
		for _, e := range s.Errors {
			fmt.Fprintf(columns, "%s\t%d\t%s ago\t%s ago\t%s\n", term.Line(e.Title), e.Count, age(e.First), age(e.Last), term.Line(e.Release))
		}
	}
	if err := columns.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	_, err := io.WriteString(a.Out, term.Clean(shown.String()))
	return err
}
