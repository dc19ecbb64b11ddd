package runner

import (
	"context"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// inherit takes over what does not depend on workers: it is called first of
// all. It returns what asks for an upgrade.
func (m *master) inherit() <-chan struct{} {
	m.orders = make(chan order)
	if m.config().Images == nil {
		return nil
	}
	asked := m.config().Images.Asked
	if m.config().Images.Handed == nil {
		return asked
	}
	h := m.config().Images.Handed.state
	m.handed, m.config().Images.Handed = h, nil
	m.started, m.upgrades, m.folder = h.Started, h.Number, h.Folder
	m.streams.heads = h.Heads
	return asked
}

// openGate puts the gate into the listener, with the connections that were
// handed over.
func (m *master) openGate() {
	var kept []net.Conn
	if m.handed != nil {
		kept = takeConns(m.handed.Conns)
	}
	m.gate = newGate(m.listener, m.config().Settings.Times.Idle, m.tls == nil, kept)
	m.listener = m.gate
}

// address is where the front listens.
func (s Settings) address() (network, address string) {
	if path, ok := strings.CutPrefix(s.Listen, "unix:"); ok {
		return "unix", path
	}
	if s.Listen == "" {
		return "tcp", ":" + strconv.Itoa(s.Port)
	}
	return "tcp", s.Listen
}

// inheritLog takes over what roadworthy logs shows, and the level that was set.
func (m *master) inheritLog() {
	h := m.handed
	if h == nil {
		return
	}
	m.memory.restore(h.Memory)
	for id, text := range h.Tails {
		m.tails.open(id).bytes = text
	}
}

// claimed reports whether a process waits to be adopted: the reaper leaves it.
func (m *master) claimed(pid int) bool {
	return m.handed != nil && !m.adopted.Load() && m.handed.holds(pid)
}

// inherited is the listening socket that was handed over; nil for none.
func (m *master) inherited() (net.Listener, error) {
	if m.handed == nil {
		return nil, nil //nolint:nilnil // it is opened then
	}
	if m.config().Settings.Mode == "shared" && m.handed.Listener >= 0 {
		return m.inheritShared()
	}
	return takeListener(m.handed.Listener)
}

// inheritShared keeps the socket that workers inherit as a raw duplicate.
func (m *master) inheritShared() (net.Listener, error) {
	fd, err := unix.FcntlInt(uintptr(m.handed.Listener), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, refused("the listening socket was not handed over", "", err.Error(), err)
	}
	m.shared = os.NewFile(uintptr(fd), "listener")
	return takeListener(m.handed.Listener)
}

// adopt goes on with the workers that were handed over. Those of a process type
// for which that fails are ended, and it is started anew.
func (m *master) adopt(ctx context.Context) (adopted map[string]bool) {
	adopted = map[string]bool{}
	h := m.handed
	if h == nil {
		return adopted
	}
	defer m.adopted.Store(true)
	for _, name := range m.types {
		state := h.Crews[name]
		if state == nil {
			continue
		}
		err := m.crews[name].Adopt(state)
		if err == nil {
			adopted[name] = true
			continue
		}
		m.log.Error("workers cannot be taken over; new ones are started", "process", name, "error", err)
		m.abandon(ctx, name, state)
	}
	return adopted
}

// abandon ends what was handed over, and makes a supervisor that knows nothing
// of it.
func (m *master) abandon(ctx context.Context, name string, state *worker.Handover) {
	for _, p := range state.Processes {
		_ = unix.Kill(-p.Backend.PID, unix.SIGTERM)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.config().Settings.Times.Stop)
	defer cancel()
	_ = m.crews[name].Stop(stop)
	for _, p := range state.Processes { // those that it did not know
		_ = unix.Kill(-p.Backend.PID, unix.SIGKILL)
	}
	crew, err := m.supervise(name)
	if err != nil {
		m.log.Error("no supervisor can be made", "process", name, "error", err)
		return
	}
	m.crews[name] = crew
}

// forsake ends the workers that were handed over, where they cannot be adopted
// because something else failed before.
func (m *master) forsake() {
	if m.handed != nil && !m.adopted.Load() {
		(&Handed{m.handed}).End()
	}
}

// tookOver tells how it went.
func (m *master) tookOver() {
	m.pause = time.Since(m.handed.Paused)
	if level := m.handed.Level; level != nil {
		m.SetLevel(*level)
	}
	m.log.Info("took over", "from", m.handed.From, "version", m.config().Version, "pid", os.Getpid(), "pause", m.pause.Round(time.Millisecond).String(),
		"connections", len(m.handed.Conns))
	if told := slices.ContainsFunc(m.types, m.toldOtherwise); told || m.handed.Reload {
		m.log.Info("a reload follows the upgrade", "asked", m.handed.Reload, "workers_told_otherwise_what_is_supplied", told)
		m.due <- struct{}{}
	}
}

// toldOtherwise reports whether the workers that were taken over do not know
// what this program supplies: they would leave it to us, or do it a second
// time.
func (m *master) toldOtherwise(name string) bool {
	handed := m.handed.Crews[name]
	spec, err := m.spec(m.config(), name)
	if handed == nil || err != nil { // that it cannot be started is told when it must be
		return false
	}
	tokens := []string{"STATUS_TOKEN"}
	for _, setting := range m.config().Manifest.Config.WithEffect(manifest.EffectToken) {
		tokens = append(tokens, setting.Name)
	}
	said := func(env []string) (list []string) {
		for _, entry := range env {
			switch name, _, _ := strings.Cut(entry, "="); {
			case name == "ROADWORTHY_SUPPLIES":
				list = append(list, entry)
			case slices.Contains(tokens, name):
				list = append(list, name) // whoever has it answers the status route
			}
		}
		slices.Sort(list)
		return list
	}
	return !slices.Equal(said(handed.Env()), said(spec.Env))
}
