package bench

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Family returns the processes that belong to this start of the application:
// the process itself, all its descendants and all of its session, zombies
// aside. What has left both the tree and the session is not in it.
func (p *Process) Family(ctx context.Context) ([]sandbox.ProcessInfo, error) {
	all, err := p.boot.sandbox.Processes(ctx)
	if err != nil {
		return nil, err
	}
	return familyOf(all, p.PID), nil
}

func familyOf(all []sandbox.ProcessInfo, root int) []sandbox.ProcessInfo {
	in := map[int]bool{root: true}
	for grown := true; grown; {
		grown = false
		for _, info := range all {
			if (in[info.Parent] || info.Session == root) && !in[info.PID] {
				in[info.PID], grown = true, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(info sandbox.ProcessInfo) bool { return !in[info.PID] || info.State == "Z" })
}

// Delays gives for each process of this start how long its threads were ready
// to run and got no processor, in seconds, summed.
func (p *Process) Delays(ctx context.Context) (map[int]float64, error) {
	family, err := p.Family(ctx)
	if err != nil {
		return nil, err
	}
	all, err := p.boot.sandbox.Delays(ctx)
	own := map[int]float64{}
	for _, info := range family {
		own[info.PID] = all[info.PID]
	}
	return own, err
}

// DelayedSince sums what the processes of this start that are still there have
// waited for a processor since [Process.Delays] was asked, in seconds.
func (p *Process) DelayedSince(ctx context.Context, before map[int]float64) (seconds float64, err error) {
	now, err := p.Delays(ctx)
	for pid, sum := range now {
		seconds += max(0, sum-before[pid])
	}
	return seconds, err
}

// Candidates returns the descendants of the process that may be its workers:
// they hold its listening socket, or a connection that came from us.
func (p *Process) Candidates(ctx context.Context) ([]sandbox.ProcessInfo, error) {
	family, err := p.Family(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(family, func(info sandbox.ProcessInfo) bool {
		return info.PID == p.PID || !p.listens(info) && len(p.Connections(info)) == 0
	}), nil
}

func (p *Process) listens(info sandbox.ProcessInfo) bool {
	return slices.ContainsFunc(info.Listening, func(at string) bool { return strings.HasSuffix(at, ":"+strconv.Itoa(p.Port)) })
}

// Connections lists our ends ("IP:port") of the connections to the port of p
// that a process of it has accepted and still holds. One that only waits in
// the kernel's queue is held by nobody.
func (p *Process) Connections(info sandbox.ProcessInfo) []string {
	var list []string
	for _, pair := range info.Accepted {
		local, remote, _ := strings.Cut(pair, " ")
		if strings.HasPrefix(remote, p.boot.front+":") && strings.HasSuffix(local, ":"+strconv.Itoa(p.Port)) {
			list = append(list, remote)
		}
	}
	return list
}
