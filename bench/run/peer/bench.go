// Package peer is what the programs below bench/run share: it starts the
// production runtime and its peers as children with files of their own, asks
// the kernel for their CPU time and memory, drives them, and prints the rows of
// one table.
//
// The invariant: every program is a child of the one that measures, listens on
// the loopback, and is ended by its process id before [Main] returns, whatever
// went wrong. Contenders take turns within a round, so that a busy machine
// disturbs all alike, and medians count; see [Bench.Rounds].
//
// The package knows no goal and no contender, and never fails because a number
// is bad: it asserts nothing. A peer that is not installed is named on standard
// error with its Debian package, and left out.
//
// Read next: program.go, then table.go; bench/run/front is a small user.
package peer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Bench is a measurement on its way.
type Bench struct {
	Folder string // private, gone at the end
	Short  bool   // to try whether everything works; the numbers mean little
	Tool   string // the program roadworthy
	Sample string // the program of bench/run/sample

	ctx    context.Context //nolint:containedctx // a Bench lives as long as it
	load   string          // average when the measurement began
	rounds int             // asked for; 0 leaves it to the measurement
	out    io.Writer
	all    []*Program
}

// Main runs a measurement and returns the exit code. It adds the flags -short,
// -rounds, -tool and -sample to those that the program has defined.
func Main(name string, measure func(b *Bench) error) int {
	b := &Bench{out: os.Stdout}
	flag.BoolVar(&b.Short, "short", false, "one short round of each: the numbers mean little")
	flag.IntVar(&b.rounds, "rounds", 0, "rounds of each measurement; 0 for as many as it needs")
	flag.StringVar(&b.Tool, "tool", "bin/roadworthy", "the program roadworthy")
	flag.StringVar(&b.Sample, "sample", "bin/sample", "the program of bench/run/sample")
	flag.Parse()
	if err := b.run(measure); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

func (b *Bench) run(measure func(b *Bench) error) error {
	var stop context.CancelFunc
	b.ctx, stop = signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	var err error
	if b.Tool, err = filepath.Abs(b.Tool); err != nil {
		return fmt.Errorf("find roadworthy: %w", err)
	}
	if b.Sample, err = filepath.Abs(b.Sample); err != nil {
		return fmt.Errorf("find the sample: %w", err)
	}
	if b.Folder, err = os.MkdirTemp("", "bench-run-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(b.Folder)
	defer b.StopAll()
	b.Again()
	return measure(b)
}

// Again reads the load average anew, for the rows that follow.
func (b *Bench) Again() {
	text, _ := os.ReadFile("/proc/loadavg")
	b.load, _, _ = strings.Cut(string(text), " ")
}

// Pick returns one of two amounts: the usual one, or that of a short run.
func Pick[T any](b *Bench, usual, short T) T {
	if b.Short {
		return short
	}
	return usual
}

// Count returns how many rounds to measure: what was asked for, else the usual
// number, or that of a short run.
func (b *Bench) Count(usual, short int) int {
	if b.rounds > 0 {
		return b.rounds
	}
	return Pick(b, usual, short)
}

// Rounds calls measure for each of some contenders in each of some rounds;
// every round begins with another contender.
func (b *Bench) Rounds(rounds, contenders int, measure func(contender int) error) error {
	for round := range rounds {
		for i := range contenders {
			if err := b.ctx.Err(); err != nil {
				return err //nolint:wrapcheck // it was interrupted
			}
			if err := measure((round + i) % contenders); err != nil {
				return err
			}
		}
	}
	return nil
}

// packages names where programs come from.
var packages = map[string]string{
	"supervisord": "supervisor", "multilog": "daemontools", "uwsgi": "uwsgi uwsgi-plugin-python3", "python3": "python3",
}

// Has tells whether a program is installed; if not, it says so.
func (b *Bench) Has(program string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	from := packages[program]
	if from == "" {
		from = program
	}
	b.Say("%s is not installed and left out: apt-get install %s", program, from)
	return false
}

// Say tells what is going on, beside the table.
func (b *Bench) Say(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }

// File writes a file into the folder and returns its path. In the text, FOLDER
// is the folder.
func (b *Bench) File(name, text string) (string, error) {
	path := filepath.Join(b.Folder, name)
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "FOLDER", b.Folder)), 0o600); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return path, nil
}

// Address finds a free address on the loopback.
func Address() (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Until asks again and again until something is so, or a time is over.
func (b *Bench) Until(limit time.Duration, what string, so func() bool) error {
	for end := time.Now().Add(limit); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %v", what, limit)
		}
		if err := b.ctx.Err(); err != nil {
			return err //nolint:wrapcheck // it was interrupted
		}
	}
	return nil
}

// StopAll ends all programs that are still running, the last one first.
func (b *Bench) StopAll() {
	for _, p := range slices.Backward(b.all) {
		p.Stop()
	}
	b.all = nil
}

// Median returns the middle of some numbers; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Call runs a program to its end and returns what it wrote.
func (b *Bench) Call(words ...string) (string, error) {
	return call(exec.CommandContext(b.ctx, words[0], words[1:]...), b.environment())
}

// Go runs the go command, with the caches of the user.
func (b *Bench) Go(words ...string) (string, error) {
	return call(exec.CommandContext(b.ctx, "go", words...), os.Environ())
}

func call(command *exec.Cmd, environment []string) (string, error) {
	command.Env = environment
	text, err := command.CombinedOutput()
	if err != nil {
		return string(text), errors.Join(fmt.Errorf("call %s: %w", command.Path, err), errors.New(string(text)))
	}
	return string(text), nil
}
