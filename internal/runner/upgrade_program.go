package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// TakeOverCommand is the command of this program that tells whether it could
// go on with what another image of it runs.
const TakeOverCommand = "can-take-over"

// proofTime is how long the new program may take for its answer.
const proofTime = 20 * time.Second

// Images is what a master needs to be continued by another program.
type Images struct {
	Argv   []string                                        // of this process
	Exec   func(path string, argv, environ []string) error // such as [syscall.Exec]
	Asked  <-chan struct{}                                 // each value is an upgrade
	Handed *Handed                                         // what the image before left; nil for none
}

// TakeOver is what a program says of itself that may go on with a run.
type TakeOver struct {
	Handover int      `json:"handover"` // the form of what is handed over
	Version  string   `json:"version"`
	Types    []string `json:"types"`
	Mode     string   `json:"mode"`
	Address  string   `json:"address"`
	TLS      bool     `json:"tls"`
	Plain    string   `json:"plain"` // address beside TLS; "" for none
}

// TakeOverOf tells what this program would do with a configuration.
func TakeOverOf(c *Config) TakeOver {
	network, address := c.Settings.address()
	t := TakeOver{
		Handover: handoverVersion, Version: c.Version, Types: c.types(), Mode: c.Settings.Mode, Address: network + ":" + address,
		TLS: c.Settings.TLS.Certificate != "" || len(c.Settings.TLS.Domains) > 0,
	}
	if t.TLS {
		t.Plain = c.Settings.TLS.Plain
	}
	return t
}

// Prove refuses what a master would end of before it serves: settings that read
// well and cannot be used, such as a certificate that does not fit its key. It
// listens nowhere and connects to nobody.
func (c *Config) Prove() error {
	m := &master{log: slog.New(slog.DiscardHandler), requests: &requests{}}
	m.current.Store(c)
	if c.sendsSyslog() {
		if _, err := m.openSyslog(); err != nil {
			return err
		}
		_ = m.syslog.Close() // it has not connected
	}
	if !slices.Contains(c.types(), "web") {
		return nil
	}
	if err := m.openFront(); err != nil {
		return err
	}
	m.front.Close()
	return nil
}

// candidate is the program that is to take over.
type candidate struct {
	TakeOver

	file *os.File // it and no other, even where its path means another one by now
}

func (c *candidate) path() string {
	path := ""
	if raw, err := c.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { path = fmt.Sprintf("/proc/self/fd/%d", fd) })
	}
	return path
}

// refused is the problem of a program that cannot take over.
func refused(summary, at, got string, cause error) error {
	return &problem.Problem{
		Code: "RW-R07", Summary: summary, At: at, Got: got, Want: "a program that can go on with this run; the present one does so meanwhile",
		Fix: "roadworthy upgrade", Cause: cause,
	}
}

// programPath finds the file that this program would be started from today.
func (c *Config) programPath() string {
	path := c.Images.Argv[0]
	if !strings.Contains(path, "/") {
		found, err := exec.LookPath(path)
		if err != nil {
			return c.Self
		}
		path = found
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return c.Self
	}
	return absolute
}

// prove asks the program at our path whether it would take over: it runs, it
// reads the configuration, and it would do the same with it.
func (m *master) prove(ctx context.Context) (*candidate, error) {
	path := m.config().programPath()
	file, err := os.Open(path)
	if err != nil {
		return nil, refused("the new program cannot be read", path, err.Error(), err)
	}
	c := &candidate{file: file}
	if err := m.question(ctx, c, path); err != nil {
		file.Close()
		return nil, err
	}
	return c, nil
}

func (m *master) question(ctx context.Context, c *candidate, path string) error {
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path(), m.config().takeOverArgs()...)
	cmd.Env, cmd.WaitDelay = m.config().Environ, time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		got := strings.TrimSpace(stderr.String())
		if got == "" {
			got = err.Error()
		}
		return refused("the new program does not work with this configuration", path, got[:min(len(got), 2000)], err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &c.TakeOver); err != nil {
		return refused("the new program is not roadworthy", path, err.Error(), err)
	}
	now := TakeOverOf(m.config())
	for _, point := range []struct {
		name     string
		is, will any
	}{
		{"form of the handover", now.Handover, c.Handover},
		{"process types", strings.Join(m.types, ", "), strings.Join(c.Types, ", ")},
		{"mode", now.Mode, c.Mode},
		{"address", now.Address, c.Address},
		{"TLS", now.TLS, c.TLS},
		{"address that answers plain HTTP", now.Plain, c.Plain},
	} {
		if point.is != point.will {
			return refused("the new program would not go on with this run: only a restart changes the "+point.name, path, fmt.Sprint(point.will), nil)
		}
	}
	return nil
}

// takeOverArgs is the command line of the question.
func (c *Config) takeOverArgs() []string {
	args := []string{TakeOverCommand}
	if c.Options.Manifest != "" {
		args = append(args, "--manifest="+c.Options.Manifest)
	}
	if c.File != "" {
		args = append(args, "--config="+c.File)
	}
	for _, name := range c.Only {
		args = append(args, "--only="+name)
	}
	for _, key := range slices.Sorted(maps.Keys(c.Flags)) {
		args = append(args, "--set="+key+"="+c.Flags[key])
	}
	return append(append(args, "--"), c.Command...)
}
