// Command front compares our front with nginx, haproxy and caddy as proxies to
// one nginx backend on the loopback.
//
// Each round drives every proxy once, in turn, with wrk; the main number is the
// CPU time of the proxy's process tree per request, which a busy machine
// disturbs less than throughput. It prints medians and ratios to nginx.
// Everything runs as a child of this program, with its files in a temporary
// folder, and ends with it. Needs nginx, haproxy, caddy and wrk:
//
//	go run ./bench/run/front -rounds 7 -seconds 3
//
// It asserts nothing; docs tell what the numbers were. Read next: proxies.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds; the median counts")
	seconds := flag.Int("seconds", 3, "duration of one run of wrk")
	clients := flag.Int("clients", 32, "connections of wrk")
	only := flag.String("only", "", "comma list of proxies; all when empty")
	serve := flag.String("serve", "", "for the child: be the front, on this address")
	backend := flag.String("backend", "", "for the child: the worker's address")
	profile := flag.String("profile", "", "for the child: write a CPU profile here")
	flag.Parse()
	var err error
	if *serve != "" {
		err = beFront(*serve, *backend, *profile)
	} else {
		err = compare(os.Stdout, *rounds, *seconds, *clients, *only, *profile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "front:", err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

// sample is what one run of wrk saw.
type sample struct{ rate, micros float64 }

func compare(out io.Writer, rounds, seconds, clients int, only, profile string) error {
	folder, err := os.MkdirTemp("", "bench-front-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithCancel(context.Background())
	all, err := startAll(ctx, folder, only, profile)
	defer func() {
		cancel()
		for _, p := range all {
			_ = p.command.Wait() // it was told to end
		}
	}()
	if err != nil {
		return err
	}
	proxies := all[1:]
	samples := map[string][]sample{}
	for round := range rounds {
		for i := range proxies {
			p := proxies[(round+i)%len(proxies)]
			s, err := drive(ctx, p, seconds, clients)
			if err != nil {
				return fmt.Errorf("drive %s: %w", p.name, err)
			}
			samples[p.name] = append(samples[p.name], s)
		}
	}
	report(out, proxies, samples)
	return nil
}

func drive(ctx context.Context, p *proxy, seconds, clients int) (sample, error) {
	before, err := cpu(p.command.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	text, err := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(clients), "-d"+strconv.Itoa(seconds)+"s", "http://"+p.address+"/").CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("run wrk: %w: %s", err, text)
	}
	after, err := cpu(p.command.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	var requests, rate float64
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, " requests in ") {
			_, _ = fmt.Sscan(line, &requests)
		}
		if number, ok := strings.CutPrefix(line, "Requests/sec:"); ok {
			_, _ = fmt.Sscan(number, &rate)
		}
		if strings.HasPrefix(line, "Non-2xx") || strings.HasPrefix(line, "Socket errors") {
			return sample{}, fmt.Errorf("wrk says: %s", line)
		}
	}
	if requests == 0 {
		return sample{}, fmt.Errorf("wrk counted no request: %s", text)
	}
	return sample{rate, float64((after - before).Microseconds()) / requests}, nil
}

// cpu returns the CPU time of a process and its children, ended ones included.
func cpu(pid int) (time.Duration, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	total := time.Duration(0)
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime in ticks of 10 ms
		ticks, _ := strconv.Atoi(field)
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for child := range strings.FieldsSeq(string(children)) {
		id, _ := strconv.Atoi(child)
		if spent, err := cpu(id); err == nil {
			total += spent
		}
	}
	return total, nil
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func report(out io.Writer, proxies []*proxy, samples map[string][]sample) {
	rate, micros := func(s sample) float64 { return s.rate }, func(s sample) float64 { return s.micros }
	nginx := samples["nginx"]
	fmt.Fprintf(out, "%-9s %10s %8s %12s %8s\n", "proxy", "req/s", "x nginx", "CPU us/req", "x nginx")
	for _, p := range proxies {
		s := samples[p.name]
		fmt.Fprintf(out, "%-9s %10.0f", p.name, median(s, rate))
		if len(nginx) > 0 {
			fmt.Fprintf(out, " %8.2f %12.1f %8.2f\n", median(s, rate)/median(nginx, rate), median(s, micros), median(s, micros)/median(nginx, micros))
		} else {
			fmt.Fprintf(out, " %8s %12.1f\n", "", median(s, micros))
		}
	}
}
