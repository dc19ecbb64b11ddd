package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/runner"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

func (a *app) configuration() *cobra.Command {
	group := &cobra.Command{Use: "config", Short: "look at the configuration of roadworthy run"}
	var flags runFlags
	var origin, asJSON bool
	show := &cobra.Command{
		Use:   "show [-- COMMAND…]",
		Short: "show every setting; secrets stay hidden",
		Example: `  roadworthy config show --origin    and where each value comes from
  PORT=80 roadworthy config show --origin --set times.drain=5s`,
		Args: behindDash,
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.options(cmd, args)
			if err != nil {
				return err
			}
			config, err := runner.Load(options)
			if err != nil {
				return err
			}
			if asJSON {
				text, err := json.MarshalIndent(config.Table, "", "  ")
				return a.printJSON(append(text, '\n'), err)
			}
			var shown strings.Builder
			if origin {
				if _, err := config.Table.WriteTo(&shown); err != nil {
					return err
				}
			} else {
				for _, s := range config.Table.Settings {
					fmt.Fprintf(&shown, "%s: %s\n", s.Key, term.Line(s.Value))
				}
			}
			_, err = io.WriteString(a.Out, term.Clean(shown.String()))
			return err
		},
	}
	flags.add(show)
	show.Flags().BoolVar(&origin, "origin", false, "where each value comes from: flag, environment, file, default")
	show.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	group.AddCommand(show)
	return group
}

func (a *app) mail() *cobra.Command {
	group := &cobra.Command{Use: "mail", Short: "error mail"}
	var master masterFlags
	test := &cobra.Command{
		Use:   "test [ADDRESS…]",
		Short: "send a test mail through the server of a running master, or of the environment",
		Example: `  roadworthy mail test
  SMTP_URL=smtp://mail.example.org roadworthy mail test you@example.org`,
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := master.ask(cmd, http.MethodPost, "/mail/test?"+url.Values{"to": args}.Encode())
			if err == nil {
				defer body.Close()
				told, err := io.ReadAll(body)
				fmt.Fprint(a.Out, term.Clean(string(told)))
				return err
			}
			options, optionsErr := (&runFlags{}).options(cmd, nil)
			if optionsErr != nil || a.Env("SMTP_URL") == "" {
				return err // of the master, which was meant
			}
			told, err := runner.TestMail(cmd.Context(), options, args)
			fmt.Fprint(a.Out, term.Clean(told))
			return err
		},
	}
	master.add(test)
	group.AddCommand(test, a.mailMute(), a.mailFixed())
	return group
}

func (a *app) mailMute() *cobra.Command {
	var master masterFlags
	var length string
	cmd := &cobra.Command{
		Use:   "mute FINGERPRINT",
		Short: "mail nothing about a kind of error for a while; it is counted on",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.done(master.ask(cmd, http.MethodPost, "/mail/mute/"+url.PathEscape(args[0])+"?"+url.Values{"for": {length}}.Encode()))
		},
	}
	master.add(cmd)
	cmd.Flags().StringVar(&length, "for", "24h", "how long")
	return cmd
}

func (a *app) mailFixed() *cobra.Command {
	var master masterFlags
	cmd := &cobra.Command{
		Use:   "fixed FINGERPRINT",
		Short: "say that a kind of error is mended: when it comes back, that is mailed at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.done(master.ask(cmd, http.MethodPost, "/mail/fixed/"+url.PathEscape(args[0])))
		},
	}
	master.add(cmd)
	return cmd
}

// done closes the body of an answer that says nothing.
func (a *app) done(body io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	return body.Close()
}
