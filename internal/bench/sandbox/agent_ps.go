package sandbox

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processes reads /proc (proc(5)). What ends while it looks is left out.
func processes() ([]ProcessInfo, error) {
	pids, err := everyProcess()
	if err != nil {
		return nil, err
	}
	sockets := tcpSockets()
	var list []ProcessInfo
	for _, pid := range pids {
		if info, ok := process(pid); ok {
			info.attach(sockets)
			list = append(list, info)
		}
	}
	return list, nil
}

// everyProcess lists the processes inside, the agent aside.
func everyProcess() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && pid != 1 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// delays adds up for each process how long its threads wanted a processor.
func delays() (map[int]float64, error) {
	pids, err := everyProcess()
	all := map[int]float64{}
	for _, pid := range pids {
		all[pid] = delayed("/proc/" + strconv.Itoa(pid))
	}
	return all, err
}

func process(pid int) (ProcessInfo, bool) {
	folder := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return ProcessInfo{}, false
	}
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if open < 0 || end < open || len(fields) < 22 {
		return ProcessInfo{}, false
	}
	number := func(i int) int { n, _ := strconv.Atoi(fields[i]); return n }
	started, _ := strconv.ParseUint(fields[19], 10, 64)
	args, _ := os.ReadFile(folder + "/cmdline")
	exe, _ := os.Readlink(folder + "/exe")
	return ProcessInfo{
		PID: pid, Name: string(stat[open+1 : end]), State: fields[0],
		Parent: number(1), Group: number(2), Session: number(3), Threads: number(17),
		Started: started, Resident: int64(number(21)) * int64(os.Getpagesize()), Exe: exe,
		Args: strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00"),
	}, true
}

// delayed sums the time on run queues of all threads: the second field of
// /proc/PID/task/TID/schedstat, in nanoseconds (Documentation/scheduler/sched-stats
// of the kernel). It is 0 where the kernel keeps no such account.
func delayed(folder string) float64 {
	tasks, _ := filepath.Glob(folder + "/task/*/schedstat")
	var sum float64
	for _, path := range tasks {
		data, _ := os.ReadFile(path)
		if fields := strings.Fields(string(data)); len(fields) > 1 {
			ns, _ := strconv.ParseFloat(fields[1], 64)
			sum += ns / 1e9
		}
	}
	return sum
}

type tcpSocket struct {
	local, remote string
	listening     bool
}

// attach adds the sockets that the process holds.
func (p *ProcessInfo) attach(sockets map[string]tcpSocket) {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID))
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue
		}
		socket, ok := sockets[target]
		switch {
		case !ok:
		case socket.listening:
			p.Listening = append(p.Listening, socket.local)
		default:
			p.Accepted = append(p.Accepted, socket.local+" "+socket.remote)
		}
	}
}

// tcpSockets reads /proc/net/tcp and tcp6 by inode, in the form of the links in /proc/PID/fd.
func tcpSockets() map[string]tcpSocket {
	const established, listen = "01", "0A"
	all := map[string]tcpSocket{}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, _ := os.ReadFile(name)
		for row := range strings.Lines(string(data)) {
			f := strings.Fields(row)
			if len(f) < 10 || (f[3] != established && f[3] != listen) {
				continue
			}
			all["socket:["+f[9]+"]"] = tcpSocket{local: kernelAddress(f[1]), remote: kernelAddress(f[2]), listening: f[3] == listen}
		}
	}
	return all
}

// kernelAddress reads "0100007F:1F90": groups of four bytes in host order, port in hexadecimal.
func kernelAddress(text string) string {
	address, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(raw)%4 != 0 {
		return text
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	ip, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)).String()
}
