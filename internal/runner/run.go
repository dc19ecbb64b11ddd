package runner

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/front/health"
	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/socketfile"
	"github.com/roadworthy-dev/roadworthy/internal/syslog"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// LaunchCommand is the command of this program that becomes a worker; see
// [worker.Exec].
const LaunchCommand = "launch-worker"

const (
	lastWords  = 5 * time.Second // for mails and logs at the end
	frontExtra = 5 * time.Second // beyond the drain, for the front's own connections
)

// master is a run on its way.
type master struct {
	current  atomic.Pointer[Config] // of the generation that serves
	configMu sync.Mutex
	started  time.Time
	folder   string
	inUse    io.Closer // the lock that tells so of the folder; nil where there is none

	log      *slog.Logger
	level    atomic.Int64
	router   *logs.Router
	memory   *memory
	tails    tails
	captures sync.WaitGroup
	streams  streams
	reading  context.Context //nolint:containedctx // ends when nothing more is read
	stopRead context.CancelFunc

	syslog   *syslog.Sender // nil: nothing is sent there
	mail     *post
	smtp     *mail.SMTP
	requests *requests
	lock     io.Closer

	front      *front.Front
	checks     atomic.Pointer[health.Checks]
	watched    []watched // by checks; guarded by configMu once it runs
	listener   net.Listener
	socketFile *socketfile.File // of the listener, where it is ours; nil for none
	gate       *gate            // the listener where we serve; nil in shared mode
	plain      net.Listener     // answers plain HTTP beside TLS; nil for none
	tls        *tls.Config      // nil: plain HTTP
	shared     *os.File
	serving    sync.WaitGroup

	attending     sync.WaitGroup
	stopAttending func() // nil before it began

	reaper      *worker.Reaper
	stopControl func()
	control     net.Listener // nil for none
	types       []string
	crews       map[string]*worker.Supervisor

	reloads  sync.WaitGroup  // those that nobody waits for
	reload   <-chan struct{} // each value is one that was asked for
	due      chan struct{}   // the same, by an upgrade
	orders   chan order
	deaf     bool      // the front has ended, and cannot be opened again
	handed   *handover // by another image of this program; nil for none
	adopted  atomic.Bool
	upgrades int
	pause    time.Duration // of accepting, in the last upgrade
}

// config is the configuration of the generation that serves.
func (m *master) config() *Config { return m.current.Load() }

// Run runs an application until ctx ends, which stops it gracefully, or
// nothing of its first generation becomes ready. A value on reload makes a new
// generation; its outcome is logged.
func Run(ctx context.Context, config *Config, stdout *os.File, reload <-chan struct{}) (err error) {
	m := &master{
		started: time.Now(), requests: &requests{}, crews: map[string]*worker.Supervisor{}, types: config.types(),
		reload: reload, due: make(chan struct{}, 1),
	}
	m.current.Store(config)
	m.reading, m.stopRead = context.WithCancel(context.Background())
	defer m.stopRead()
	asked := m.inherit()
	if err := m.openLogs(stdout); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.closeLogs()) }()
	if err := m.open(); err != nil {
		return errors.Join(err, m.close(context.WithoutCancel(ctx)))
	}
	if err := m.start(ctx); err != nil {
		if ctx.Err() != nil {
			err = nil // it was told to stop
		}
		return errors.Join(err, m.close(context.WithoutCancel(ctx)))
	}
	return m.obey(ctx, asked)
}

// open makes everything that workers need.
func (m *master) open() error {
	if err := m.makeFolder(); err != nil {
		return err
	}
	if err := m.openMail(); err != nil {
		return err
	}
	var err error
	if m.reaper, err = worker.NewReaper(true, m.claimed); err != nil {
		return err
	}
	for _, name := range m.types {
		if name == "web" {
			if err := m.openFront(); err != nil {
				return err
			}
			if err := m.listen(); err != nil {
				return err
			}
		}
		if m.crews[name], err = m.supervise(name); err != nil {
			return err
		}
	}
	return nil
}

// start starts the first generation of each type, and answers requests from
// the beginning: they wait for the first worker.
func (m *master) start(ctx context.Context) error {
	if m.config().Manifest.Supplies("status.route") {
		if err := m.watch(ctx, m.config()); err != nil {
			return err
		}
	}
	adopted := m.adopt(ctx)
	if m.front != nil && m.shared == nil {
		m.serve()
		m.attend()
	}
	if m.handed != nil {
		m.tookOver()
	}
	var err error
	if m.stopControl, err = m.openControl(); err != nil {
		m.log.Warn("roadworthy reload, logs and log-level will not reach this master", "error", err)
	}
	failures := make([]error, len(m.types))
	var all sync.WaitGroup
	for i, name := range m.types {
		if adopted[name] {
			continue
		}
		all.Go(func() {
			spec, err := m.spec(m.config(), name)
			if err == nil {
				err = m.crews[name].Start(ctx, spec)
			}
			failures[i] = err
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		if ctx.Err() != nil {
			return err
		}
		if _, told := problem.Of(err); told {
			return err
		}
		p := notReady("the application did not start", err)
		p.Fix = "mend what its last lines tell, then run it again"
		return p
	}
	attributes := []any{"app", m.config().Manifest.Name, "pid", os.Getpid(), "took", time.Since(m.started).Round(time.Millisecond).String()}
	if m.listener != nil {
		attributes = append(attributes, "address", m.listener.Addr().String(), "workers", len(m.crews["web"].Snapshot()))
	}
	if m.handed == nil {
		m.log.Info("ready", attributes...)
	}
	return nil
}

func notReady(summary string, err error) *problem.Problem {
	return &problem.Problem{Code: "RW-R03", Summary: summary, Got: err.Error(), Want: "workers that become ready and live on", Fix: "roadworthy logs", Cause: err}
}

// ending bounds what is done at the end: by a time, and by the hurry of whoever
// asked for it.
func (m *master) ending(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	hurry := m.config().Hurry
	go func() { // until cancel, or the time is over
		select {
		case <-hurry:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// close ends everything in the order in which nothing is lost: requests first,
// then workers, then what they said.
func (m *master) close(ctx context.Context) error {
	s := m.config().Settings
	ctx, cancel := m.ending(ctx, s.Times.Drain+s.Times.Stop+frontExtra)
	defer cancel()
	m.forsake()
	if m.stopAttending != nil {
		m.stopAttending()
	}
	var errs []error
	m.socketFile.Remove()
	if m.front != nil {
		drain, done := context.WithTimeout(ctx, s.Times.Drain)
		if err := m.front.Shutdown(drain); err != nil {
			m.log.Warn("requests were cut off", "error", err)
		}
		done()
		m.serving.Wait()
	}
	if m.gate != nil {
		m.gate.cut()
	}
	var all sync.WaitGroup
	for _, crew := range m.crews {
		if crew != nil {
			all.Go(func() { _ = crew.Stop(ctx) }) // that it took too long is an event
		}
	}
	all.Wait()
	m.reloads.Wait()
	if checks := m.checks.Load(); checks != nil {
		checks.Stop()
	}
	if m.reaper != nil {
		m.reaper.Close()
	}
	m.awaitOutput(ctx)
	if m.folder != "" {
		errs = append(errs, os.RemoveAll(m.folder))
	}
	if m.inUse != nil {
		errs = append(errs, m.inUse.Close())
	}
	return errors.Join(errs...)
}

// awaitOutput reads what the workers said to its end, where there is one in
// time: a slow output must not hold up the end, and neither must a process that
// left its worker's session and holds its pipe open. Such a one lives on.
func (m *master) awaitOutput(ctx context.Context) {
	late := time.AfterFunc(endOfOutput, func() { m.router.Hurry(true) })
	defer late.Stop()
	over := time.AfterFunc(2*endOfOutput, m.stopRead)
	defer over.Stop()
	defer context.AfterFunc(ctx, func() { over.Reset(endOfOutput / 4) })() // who is in a hurry gets what stands in the pipes
	m.captures.Wait()
}

// closeLogs lets the last lines and mails out.
func (m *master) closeLogs() error {
	ctx, cancel := m.ending(context.Background(), lastWords)
	defer cancel()
	_ = m.router.Flush(ctx) // so that error mail has seen every trace
	if m.mail != nil {
		if err := m.mail.Close(ctx); err != nil {
			m.log.Warn("error mail is not through; what is pending is told after the next start", "error", err)
		}
	}
	if m.stopControl != nil {
		m.stopControl()
	}
	m.stopRead()
	_ = m.router.Close(ctx) // a sink that is behind has counted what it lost
	if m.syslog != nil {
		_ = m.syslog.Close()
	}
	if m.lock != nil {
		return m.lock.Close()
	}
	return nil
}

// listen opens the address of the front.
func (m *master) listen() error {
	if err := m.listenPlain(); err != nil {
		return err
	}
	s := m.config().Settings
	network, address := s.address()
	inherited, err := m.inherited()
	if err != nil {
		return err
	}
	if m.listener = inherited; inherited == nil {
		if network == "unix" {
			if err := socketfile.Clear(address); err != nil {
				return taken(address, err)
			}
		}
		if m.listener, err = (&net.ListenConfig{}).Listen(context.Background(), network, address); err != nil {
			return taken(address, err)
		}
	}
	if local, ok := m.listener.(*net.UnixListener); ok {
		local.SetUnlinkOnClose(false) // duplicates listen on: workers', or the next image's
		m.socketFile = socketfile.Of(address)
	}
	if s.Mode != "shared" {
		m.openGate()
		return nil
	}
	if m.shared != nil { // inherited
		return m.listener.Close()
	}
	raw, ok := m.listener.(syscall.Conn)
	if !ok {
		return fmt.Errorf("share the listening socket: %T has no descriptor", m.listener)
	}
	if m.shared, err = worker.DupListener(raw); err != nil {
		return fmt.Errorf("share the listening socket: %w", err)
	}
	return m.listener.Close() // the duplicate is the one that workers inherit
}

// lockFile takes a file for this process alone, as long as it lives.
func lockFile(path string) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("take the lock %s: %w", path, err), file.Close())
	}
	return file, nil
}
