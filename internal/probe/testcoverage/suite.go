package testcoverage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

const (
	keptHead = 8 << 20 // bytes of output that are kept from its beginning
	keptTail = 1 << 20 // and from its end
	maxText  = 300     // bytes of an excerpt

	// anew makes Go run tests whose result it has in its cache.
	anew = "GOFLAGS=\"${GOFLAGS:-} -count=1\"; export GOFLAGS\n"
)

// output keeps the beginning and the end of what a suite prints. One writer
// at a time.
type output struct{ head, tail []byte }

// Write keeps what is within the bounds. It never fails.
func (o *output) Write(p []byte) (int, error) {
	n := min(len(p), keptHead-len(o.head))
	o.head = append(o.head, p[:n]...)
	o.tail = append(o.tail, p[n:]...)
	if len(o.tail) > 2*keptTail {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-keptTail:]...)
	}
	return len(p), nil
}

func (o *output) bytes() []byte {
	return bytes.Join([][]byte{o.head, o.tail[max(0, len(o.tail)-keptTail):]}, nil)
}

var escape = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// excerpt is the end of a text, in as many whole lines as there is room for.
func excerpt(text []byte) string {
	text = text[max(0, len(text)-8*maxText):]
	plain := strings.ToValidUTF8(strings.TrimSpace(escape.ReplaceAllString(string(text), "")), "")
	if len(plain) <= maxText {
		return plain
	}
	plain = strings.ToValidUTF8(plain[len(plain)-maxText:], "")
	if _, rest, found := strings.Cut(plain, "\n"); found && rest != "" {
		return rest
	}
	return plain
}

// cut shortens a text for the record.
func cut(text string, limit int) string {
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}

// suite runs the declared suite in copies of the workshop.
type suite struct {
	command string
	build   []string // the build steps that a changed source needs
	limit   time.Duration
	steps   time.Duration // limit of the build steps in all
}

// test runs the suite in a copy. An error is the tool's; whatever the suite
// does is in the record.
func (s suite) test(ctx context.Context, c *bench.Copy) (Run, []byte, error) {
	run := Run{Done: true, Limit: s.limit.Seconds()}
	out := &output{}
	started := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	err := c.Run(limited, anew+s.command, out)
	run.Seconds = time.Since(started).Seconds()
	code, ended := exitCode(err)
	switch {
	case ctx.Err() != nil:
		return run, nil, ctx.Err()
	case limited.Err() != nil && (!ended || code != 0):
		run.TimedOut = true
	case ended:
		run.Exit = code
	default:
		return run, nil, fmt.Errorf("run the test suite: %w", err)
	}
	if !run.passed() {
		run.Last = excerpt(out.bytes())
	}
	return run, out.bytes(), nil
}

// rebuild runs the build steps in a copy and says why one failed.
func (s suite) rebuild(ctx context.Context, c *bench.Copy) (failed string, err error) {
	limited, cancel := context.WithTimeout(ctx, s.steps)
	defer cancel()
	for _, step := range s.build {
		out := &output{}
		err := c.Run(limited, step, out)
		code, ended := exitCode(err)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case ended && code == 0:
		case limited.Err() != nil:
			return fmt.Sprintf("not ended after %s", s.steps.Round(time.Second)), nil
		case ended:
			return cut(fmt.Sprintf("exit code %d of %s: %s", code, step, excerpt(out.bytes())), 2*maxText), nil
		default:
			return "", fmt.Errorf("run a build step: %w", err)
		}
	}
	return "", nil
}

// whole builds and tests in a copy.
func (s suite) whole(ctx context.Context, c *bench.Copy) (Run, error) {
	started := time.Now()
	failed, err := s.rebuild(ctx, c)
	built := time.Since(started).Seconds()
	if err != nil || failed != "" {
		return Run{Done: true, Unbuilt: failed, Built: built}, err
	}
	run, _, err := s.test(ctx, c)
	run.Built = built
	return run, err
}

// exitCode tells how a command ended; false where it did not end by itself.
func exitCode(err error) (int, bool) {
	var exit interface{ ExitCode() int }
	switch {
	case err == nil:
		return 0, true
	case errors.As(err, &exit):
		return exit.ExitCode(), true
	}
	return 0, false
}

// installs matches a build step that does nothing but fetch dependencies,
// which are in the copy already.
var installs = regexp.MustCompile(`^(npm (ci|i|install)|pnpm (i|install)|yarn( install)?|bundle install|composer install|go mod download|cargo fetch|poetry install|uv sync|pipenv (install|sync)|(\S*/)?(python3? -m )?pip3? install (-r|--requirement) ?[^ ]+)( --?[a-z][a-z0-9=-]*)*$`)

// affected leaves out build steps that no change of a source matters to.
func affected(steps []string) []string {
	var kept []string
	for _, step := range steps {
		if !installs.MatchString(strings.TrimSpace(step)) {
			kept = append(kept, step)
		}
	}
	return kept
}

// failures are lines by which known runners say that tests failed.
var failures = regexp.MustCompile(`(?m)^(--- FAIL: .*|FAIL\t.*|FAILED \((failures|errors).*|=+ .*\b\d+ (failed|errors?)\b.* in [0-9.]+s.* =+|\d+ failed.* in [0-9.]+s.*|(#|ℹ) fail [1-9]\d*|not ok \d+.*|\s+[1-9]\d* failing|Tests: +\d+ failed.*|.*Tests run: \d+, +Failures: ([1-9]\d*|0, Errors: [1-9]).*|\d+ examples?, [1-9]\d* failures?.*|\d+ runs, \d+ assertions, ([1-9]\d* failures|\d+ failures, [1-9]\d* errors).*|FAILURES!|test result: FAILED.*)$`)

// failed lists lines that tell of failed tests.
func failed(text []byte) []string {
	var lines []string
	plain := bytes.ReplaceAll(escape.ReplaceAll(text, nil), []byte("\r"), nil)
	for _, line := range failures.FindAll(plain, -1) {
		expected := bytes.Contains(line, []byte("# TODO")) || bytes.Contains(line, []byte("# SKIP")) // of TAP
		if !expected && len(lines) < 5 {
			lines = append(lines, cut(strings.TrimSpace(string(line)), 200))
		}
	}
	return lines
}
