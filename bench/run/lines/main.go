// Command lines measures what becomes of log lines: goals P8 and P9, from the
// standard output of an application through roadworthy run into a file, with
// traces, levels and times on, beside multilog t of daemontools; goal P10,
// messages to a syslog server over TCP; and goal P11, the detector of traces
// alone. The last two are benchmarks of their rooms.
//
// Lines of 132 bytes come from the sample, in writes of 8,000 lines, as fast as
// the pipe takes them. The time ends when the file has all of them. A file that
// takes nothing for a moment makes the runtime drop lines, which counts against
// its rate: only lines in the file count, and dropped ones are named. The
// standard output of the runtime is a file, as that of multilog is.
//
// It asserts nothing. Read next: bench/run/peer.
package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

func main() {
	if code := peer.Main("lines", measure); code != 0 {
		os.Exit(code) //nolint:forbidigo // this is a main
	}
}

// sample is what one run of some lines took.
type sample struct{ written, rate, cpu float64 } // lines, thousand a second, seconds for a million

func measure(b *peer.Bench) error {
	contenders := []func(*peer.Bench, int) (sample, error){ours}
	if b.Has("multilog") {
		contenders = append(contenders, multilog)
	}
	count, rounds := peer.Pick(b, 1_000_000, 200_000), b.Count(7, 1)
	seen := make([][]sample, 2)
	err := b.Rounds(rounds, len(contenders), func(i int) error {
		s, err := contenders[i](b, count)
		seen[i] = append(seen[i], s)
		return err
	})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	report(b, seen, count, rounds)
	b.StopAll()
	b.Again()
	return rooms(b)
}

func report(b *peer.Bench, seen [][]sample, count, rounds int) {
	of := func(list []sample, value func(sample) float64) float64 {
		values := make([]float64, len(list))
		for i, s := range list {
			values[i] = value(s)
		}
		return peer.Median(values)
	}
	rate, cpu := func(s sample) float64 { return s.rate }, func(s sample) float64 { return s.cpu }
	what := "log lines into a file"
	if written := of(seen[0], func(s sample) float64 { return s.written }); int(written) < count {
		what += fmt.Sprintf(" (%.0f of %d dropped)", float64(count)-written, count)
	}
	rates := peer.Row{ID: "P8", What: what, Ours: peer.Number(of(seen[0], rate)) + " k/s", Peers: "multilog not installed", Rounds: rounds}
	spent := peer.Row{ID: "P9", What: "CPU for a million of them", Ours: peer.Number(of(seen[0], cpu)) + " s", Peers: rates.Peers, Rounds: rounds}
	if len(seen[1]) > 0 {
		rates.Peers, spent.Peers = "multilog "+peer.Number(of(seen[1], rate))+" k/s", "multilog "+peer.Number(of(seen[1], cpu))+" s"
		rates.Ratio, spent.Ratio = of(seen[0], rate)/of(seen[1], rate), of(seen[0], cpu)/of(seen[1], cpu)
		rates.Goal, spent.Goal = peer.AtLeast(3, "× multilog"), peer.AtMost(0.5, "× multilog")
	}
	b.Row(rates)
	b.Row(spent)
}

// marker is within every line of the sample and within none of the runtime's.
const marker = "com.example.Shop"

func ours(b *peer.Bench, count int) (sample, error) {
	defer b.StopAll()
	file, err := os.Create(b.Folder + "/lines.out")
	if err != nil {
		return sample{}, fmt.Errorf("make a file: %w", err)
	}
	defer file.Close()
	run, err := b.Start(peer.Spec{
		Name: "run", Args: []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", "1", "--set", "log.format=prefix", "--set", "log.access=off", "--", b.Sample},
		Env: []string{"SAMPLE=plain"}, Stdout: file,
	})
	if err != nil {
		return sample{}, err //nolint:wrapcheck // says enough
	}
	before, err := peer.CPU(run.Own())
	if err != nil {
		return sample{}, err //nolint:wrapcheck // says enough
	}
	begun := time.Now()
	reply, err := http.Post("http://"+run.Address+"/lines?count="+strconv.Itoa(count), "", nil) //nolint:noctx // the runtime has a deadline
	if err != nil {
		return sample{}, fmt.Errorf("ask for lines: %w", err)
	}
	reply.Body.Close()
	took := lastGrowth(file, int64(count)*132).Sub(begun)
	after, err := peer.CPU(run.Own())
	if err != nil {
		return sample{}, err //nolint:wrapcheck // says enough
	}
	written, err := lines(file.Name())
	return sample{float64(written), float64(written) / took.Seconds() / 1e3, (after - before).Seconds() / float64(count) * 1e6}, err
}

// lastGrowth waits until a file has stopped growing, for a moment if it has
// some size and for long if not, and returns when it grew for the last time.
func lastGrowth(file *os.File, least int64) time.Time {
	const settled, stalled = 200 * time.Millisecond, 3 * time.Second
	size, since := int64(0), time.Now()
	for {
		info, err := file.Stat()
		if err != nil {
			return since
		}
		if now := info.Size(); now != size {
			size, since = now, time.Now()
		}
		still := time.Since(since)
		if still > stalled || size >= least && still > settled {
			return since
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// lines counts those of the sample.
func lines(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("count the lines: %w", err)
	}
	return bytes.Count(text, []byte(marker)), nil
}

func multilog(b *peer.Bench, count int) (sample, error) {
	folder := b.Folder + "/multilog"
	defer os.RemoveAll(folder)
	read, write, err := os.Pipe()
	if err != nil {
		return sample{}, fmt.Errorf("make a pipe: %w", err)
	}
	feeder := exec.Command(b.Sample) //nolint:noctx // it ends by itself
	feeder.Env = append(os.Environ(), "SAMPLE=lines", "COUNT="+strconv.Itoa(count))
	feeder.Stdout = write
	log := exec.Command("multilog", "t", "s16777215", "n100", folder) //nolint:noctx // it ends when the feeder has
	log.Stdin = read
	begun := time.Now()
	for _, command := range []*exec.Cmd{feeder, log} {
		if err := command.Start(); err != nil {
			return sample{}, fmt.Errorf("start %s: %w", command.Path, err)
		}
	}
	read.Close()
	write.Close()
	_ = feeder.Wait()
	if err := log.Wait(); err != nil {
		return sample{}, fmt.Errorf("run multilog: %w", err)
	}
	took := time.Since(begun)
	cpu := log.ProcessState.UserTime() + log.ProcessState.SystemTime()
	return sample{float64(count), float64(count) / took.Seconds() / 1e3, cpu.Seconds() / float64(count) * 1e6}, nil
}

// rooms calls the benchmarks of two rooms.
func rooms(b *peer.Bench) error {
	rounds := b.Count(5, 1)
	bench := func(name, room, unit string) (float64, error) {
		text, err := b.Go("test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", peer.Pick(b, "1s", "0.2s"), "-count", strconv.Itoa(rounds), room)
		if err != nil {
			return 0, err //nolint:wrapcheck // says enough
		}
		var values []float64
		for line := range strings.Lines(text) {
			fields := strings.Fields(line)
			for i, field := range fields {
				if field == unit && i > 0 {
					value, _ := strconv.ParseFloat(fields[i-1], 64)
					values = append(values, value)
				}
			}
		}
		return peer.Median(values), nil
	}
	sent, err := bench("BenchmarkTCP", "./internal/syslog", "Mmsg/s")
	if err != nil {
		return err
	}
	b.Row(peer.Row{ID: "P10", What: "syslog over TCP, to a server that discards", Ours: peer.Number(sent) + " M/s", Peers: "–", Measured: sent, Goal: peer.AtLeast(1, " M/s"), Rounds: rounds})
	found, err := bench("BenchmarkGrouperOrdinary", "./internal/trace", "lines/s")
	if err != nil {
		return err
	}
	b.Row(peer.Row{ID: "P11", What: "detector of traces alone, ordinary lines", Ours: peer.Number(found/1e6) + " M/s", Peers: "–", Measured: found / 1e6, Goal: peer.AtLeast(1, " M/s"), Rounds: rounds})
	return nil
}
