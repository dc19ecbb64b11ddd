package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// Bounds of an upgrade.
const (
	crewsTime  = 30 * time.Second       // for a replacement of a worker that is under way
	flushTime  = 2 * time.Second        // for the sinks of the log
	window     = 300 * time.Millisecond // that requests under way get, while nothing is accepted
	between    = 700 * time.Millisecond // two windows
	windows    = 6                      // before streams are ended for an upgrade
	longPause  = 10 * time.Second       // the longest time without accepting
	orderly    = 8 * time.Second        // of it, for streams to end by their policy; then they are cut
	sinkBehind = toStdout + ":"         // in the error of a flush
)

// order asks the master for an upgrade.
type order struct {
	told func(TakeOver) // called just before the exec
	done chan error
}

// Upgrade replaces the program of this master and leaves its workers, its
// sockets and its process id. It returns only where that failed: then nothing
// has changed. Before the exec it tells what takes over.
func (m *master) Upgrade(_ context.Context, told func(TakeOver)) error {
	o := order{told, make(chan error, 1)}
	select {
	case m.orders <- o:
		return <-o.done
	case <-m.reading.Done():
		return refused("the master is ending", "", "", nil)
	}
}

// upgrade does it. What was done until something fails is taken back.
func (m *master) upgrade(ctx context.Context, told func(TakeOver)) error {
	if m.config().Images == nil {
		return refused("this master cannot be upgraded", "", "it is part of another program", nil)
	}
	if !m.configMu.TryLock() {
		return refused("a reload is under way", "", "", nil)
	}
	defer m.configMu.Unlock()
	next, err := m.prove(ctx)
	if err == nil {
		defer next.file.Close()
		m.log.Info("upgrading", "from", m.config().Version, "to", next.Version)
		p := &passing{m: m, next: next, state: m.describe()}
		if err = p.pass(ctx, told); err != nil {
			if p.shutDown && ctx.Err() == nil {
				p.again(ctx)
				m.deaf = true
			}
			p.undo()
		}
	}
	if err == nil {
		return nil // only a substitute of exec comes here
	}
	m.log.Error("the upgrade is given up; this program serves on", "error", oneLine(err.Error()))
	if _, ok := problem.Of(err); !ok {
		err = refused("the upgrade is given up", "", err.Error(), err)
	}
	return err
}

// describe begins a handover.
func (m *master) describe() *handover {
	h := &handover{
		Version: handoverVersion, PID: os.Getpid(), From: m.config().Version, Number: m.upgrades + 1, Started: m.started, Folder: m.folder,
		Listener: -1, Plain: -1, Control: -1, Crews: map[string]*worker.Handover{},
	}
	if level := slog.Level(m.level.Load()); level != m.config().Settings.Log.Level {
		h.Level = &level
	}
	for _, secret := range m.mail.config.Secrets {
		h.Secrets = append(h.Secrets, []byte(secret))
	}
	return h
}

// passing is an upgrade on its way.
type passing struct {
	m     *master
	next  *candidate
	state *handover
	undos []func()

	shutDown bool // the front is gone
	silent   bool // no output is read any more
}

func (p *passing) undo() {
	for _, undo := range slices.Backward(p.undos) {
		undo()
	}
}

// pass hands everything over, in the order in which the pause is shortest.
func (p *passing) pass(ctx context.Context, told func(TakeOver)) error {
	m := p.m
	for _, step := range []func(context.Context) error{p.crews, p.flush, p.sockets, p.quiet, p.output} {
		if err := step(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errors.New("the master is told to stop")
		}
	}
	p.state.Memory, p.state.Tails = m.memory.snapshot(), m.tails.snapshot()
	p.undos = append(p.undos, p.state.drop)
	p.state.Reload = len(m.reload) > 0 || len(m.due) > 0
	fd, err := p.state.file()
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // the last moment at which an end can come first
		return errors.New("the master is told to stop")
	}
	if told != nil {
		told(p.next.TakeOver)
	}
	environ := append(without(m.config().Environ, handoverVariable), fmt.Sprintf("%s=%d", handoverVariable, fd))
	if err := m.config().Images.Exec(p.next.path(), m.config().Images.Argv, environ); err != nil {
		return fmt.Errorf("execute the new program: %w", err)
	}
	return nil
}

// crews freezes the supervisors: from here on no worker is started or reaped.
func (p *passing) crews(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, crewsTime)
	defer cancel()
	for _, name := range p.m.types {
		crew := p.m.crews[name]
		handed, err := crew.Handover(ctx)
		if err != nil {
			return fmt.Errorf("freeze the workers of %s: %w", name, err)
		}
		p.state.Crews[name] = handed
		p.undos = append(p.undos, func() { crew.Resume(handed) })
	}
	return nil
}

// flush lets the log out. What stands in the memory of a sink would be lost:
// of standard output that is not allowed, of others it is told.
func (p *passing) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	err := p.m.router.Flush(ctx)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "to "+sinkBehind) {
		return fmt.Errorf("standard output does not take the log: %w", err)
	}
	p.m.log.Warn("lines are lost that a sink of the log has not taken", "error", oneLine(err.Error()))
	return nil
}

// sockets duplicates what is listened on. The duplicates keep the sockets, and
// the connections that the kernel has queued there, through the exec.
func (p *passing) sockets(context.Context) error {
	p.undos = append(p.undos, p.state.drop)
	var errs [3]error
	p.state.Listener, errs[0] = p.state.pass(p.m.socket())
	if p.m.plain != nil {
		p.state.Plain, errs[1] = p.state.pass(p.m.plain)
	}
	if p.m.control != nil {
		p.state.Control, errs[2] = p.state.pass(p.m.control)
	}
	return errors.Join(errs[:]...)
}

// socket is the one that clients connect to; nil for none.
func (m *master) socket() any {
	switch {
	case m.shared != nil:
		return m.shared
	case m.gate != nil:
		return m.gate.Listener
	}
	return nil
}

// shut ends the front, whose TLS connections no other image can go on with. A
// signal to end that comes meanwhile gives the requests no less time.
func (p *passing) shut(ctx context.Context) error {
	m := p.m
	ctx, cancel := m.ending(context.WithoutCancel(ctx), m.config().Settings.Times.Drain+frontExtra)
	defer cancel()
	p.state.Paused = time.Now()
	p.shutDown = true
	if err := m.front.Shutdown(ctx); err != nil {
		m.log.Warn("requests were cut off", "error", err)
	}
	m.serving.Wait()
	return nil
}

// again goes on after the front has ended: as a new image of this program.
func (p *passing) again(ctx context.Context) {
	m := p.m
	p.next.Version = m.config().Version
	if !p.silent {
		_ = p.output(context.WithoutCancel(ctx)) // what it says was logged
	}
	fd, err := p.state.file()
	if err == nil {
		environ := append(without(m.config().Environ, handoverVariable), fmt.Sprintf("%s=%d", handoverVariable, fd))
		err = m.config().Images.Exec("/proc/self/exe", m.config().Images.Argv, environ)
	}
	if err != nil {
		m.log.Error("the front cannot be opened again", "error", err)
	}
}

// output ends the reading of output, and lets all of it out.
func (p *passing) output(ctx context.Context) error {
	m := p.m
	p.silent = true
	p.undos = append(p.undos, m.resume, func() { m.router.Hurry(false) })
	m.router.Hurry(true) // requests wait meanwhile
	p.state.Heads = m.streams.pause(p.state.keeps)
	m.log.Info("handing over", "to", p.next.Version, "connections", len(p.state.Conns))
	if err := p.flush(ctx); err != nil {
		return err
	}
	p.undos = append(p.undos, func() {
		if err := m.mail.resume(); err != nil {
			m.log.Error("error mail cannot go on", "error", err)
		}
	})
	if err := m.mail.pause(); err != nil {
		m.log.Warn("the state of error mail is not saved", "error", err)
	}
	return nil
}
