package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

// contender is a server that can be reloaded.
type contender struct {
	name   string
	start  func(b *peer.Bench) (*peer.Program, error)
	reload func(b *peer.Bench, p *peer.Program) error
	rest   time.Duration // that belongs to a reload: workers that do not reply for now may still be replaced
}

// contenders lists those that are installed; ours is the first.
func contenders(b *peer.Bench) []contender {
	all := []contender{{name: "ours", start: func(b *peer.Bench) (*peer.Program, error) {
		return startOurs(b, "2", []string{b.Sample}, "SAMPLE=plain")
	}, reload: roadworthyReload}}
	if b.Has("gunicorn") {
		all = append(all,
			contender{name: "ours with gunicorn below", start: startBefore, reload: roadworthyReload},
			contender{name: "gunicorn HUP", start: startGunicorn, reload: func(_ *peer.Bench, p *peer.Program) error { return p.Signal(syscall.SIGHUP) }})
	}
	if b.Has("uwsgi") {
		all = append(all, contender{name: "uWSGI chain", start: startUWSGI, reload: chain, rest: 2500 * time.Millisecond})
	}
	return all
}

func startOurs(b *peer.Bench, workers string, command []string, env ...string) (*peer.Program, error) {
	words := []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", workers, "--set", "times.settle=0s", "--set", "log.access=off", "--"}
	return b.Start(peer.Spec{Name: "run", Args: append(words, command...), Env: env}) //nolint:wrapcheck // says enough
}

func roadworthyReload(b *peer.Bench, p *peer.Program) error {
	_, err := b.Call(b.Tool, "reload", "--pid", strconv.Itoa(p.PID()))
	return err //nolint:wrapcheck // says enough
}

func gunicorn(workers, address string) []string {
	return []string{"gunicorn", "--workers", workers, "--threads", "4", "--log-level", "warning", "--bind", address, "sample:app"}
}

func startBefore(b *peer.Bench) (*peer.Program, error) {
	if _, err := b.File("sample.py", peer.WSGI); err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	return startOurs(b, "2", gunicorn("1", "127.0.0.1:{port}"))
}

func startGunicorn(b *peer.Bench) (*peer.Program, error) {
	if _, err := b.File("sample.py", peer.WSGI); err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	return b.Start(peer.Spec{Name: "gunicorn", Args: gunicorn("2", "ADDRESS")}) //nolint:wrapcheck // says enough
}

func startUWSGI(b *peer.Bench) (*peer.Program, error) {
	if _, err := b.File("sample.py", peer.WSGI); err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	return b.Start(peer.Spec{Name: "uwsgi", Args: []string{ //nolint:wrapcheck // says enough
		"uwsgi", "--plugin", "python3", "--http-socket", "ADDRESS", "--master", "--processes", "2", "--threads", "4", "--enable-threads",
		"--lazy-apps", "--need-app", "--disable-logging", "--die-on-term", "--master-fifo", "FOLDER/fifo", "--module", "sample:app",
	}})
}

// chain tells uWSGI to reload one worker after the other.
func chain(b *peer.Bench, _ *peer.Program) error {
	fifo, err := os.OpenFile(b.Folder+"/fifo", os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open uWSGI's fifo: %w", err)
	}
	defer fifo.Close()
	if _, err := fifo.WriteString("c"); err != nil {
		return fmt.Errorf("tell uWSGI to reload: %w", err)
	}
	return nil
}
