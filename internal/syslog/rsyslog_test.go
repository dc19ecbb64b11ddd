package syslog

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rsyslogd is a real daemon, started as a child.
type rsyslogd struct {
	folder string
	ports  map[string]string
	cmd    *exec.Cmd
}

const rsyslogConf = `
global(workDirectory="%[1]s" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="on")
module(load="imudp")
module(load="imtcp")
module(load="imptcp")
module(load="imuxsock" sysSock.use="off")
input(type="imudp" address="127.0.0.1" port="%[2]s" name="udp")
input(type="imtcp" address="127.0.0.1" port="%[3]s" name="tcp")
input(type="imptcp" address="127.0.0.1" port="%[4]s" name="ptcp")
input(type="imptcp" path="%[1]s/stream" name="stream")
input(type="imuxsock" socket="%[1]s/log" createPath="off" rateLimit.interval="0" useSysTimeStamp="off")
template(name="line" type="string" string="%%inputname%%|%%syslogfacility-text%%.%%syslogseverity-text%%|%%app-name%%|%%procid%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
main_queue(queue.type="LinkedList" queue.size="2000000" queue.discardMark="2000000" queue.workerThreads="1" queue.timeoutShutdown="10000" queue.dequeueBatchSize="1024")
*.* action(type="omfile" file="%[1]s/out" template="line" asyncWriting="off" ioBufferSize="64k" flushOnTXEnd="on")
`

func freePort(t testing.TB) string {
	t.Helper()
	l := listen(t, "tcp", "127.0.0.1:0")
	defer l.Close()
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	return port
}

func startRsyslogd(t testing.TB) *rsyslogd {
	t.Helper()
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Fatal("this test needs rsyslogd: apt-get install rsyslog")
	}
	folder, err := os.MkdirTemp("", "rs") // a unix socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	r := &rsyslogd{folder: folder, ports: map[string]string{"udp": freePort(t), "tcp": freePort(t), "ptcp": freePort(t)}}
	conf := fmt.Sprintf(rsyslogConf, folder, r.ports["udp"], r.ports["tcp"], r.ports["ptcp"])
	if err := os.WriteFile(filepath.Join(folder, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start(t)
	t.Cleanup(func() { r.end(syscall.SIGKILL) })
	return r
}

func (r *rsyslogd) start(t testing.TB) {
	t.Helper()
	for _, name := range []string{"log", "stream", "pid"} {
		_ = os.Remove(filepath.Join(r.folder, name))
	}
	r.cmd = exec.Command("rsyslogd", "-n", "-f", filepath.Join(r.folder, "conf"), "-i", filepath.Join(r.folder, "pid"))
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "rsyslogd", func() bool {
		_, err := os.Stat(filepath.Join(r.folder, "pid"))
		_, socket := os.Stat(filepath.Join(r.folder, "log"))
		probe, dial := net.Dial("tcp", "127.0.0.1:"+r.ports["ptcp"])
		if probe != nil {
			_ = probe.Close()
		}
		return err == nil && socket == nil && dial == nil
	})
}

func (r *rsyslogd) end(signal os.Signal) {
	_ = r.cmd.Process.Signal(signal)
	_, _ = r.cmd.Process.Wait()
}

// lines returns what arrived, without the lines of the daemon itself.
func (r *rsyslogd) lines() []string {
	f, err := os.Open(filepath.Join(r.folder, "out"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []string
	for in := bufio.NewScanner(f); in.Scan(); {
		if strings.Contains(in.Text(), "guestbook") {
			all = append(all, in.Text())
		}
	}
	return all
}

func (r *rsyslogd) wait(t testing.TB, n int) []string {
	t.Helper()
	eventually(t, fmt.Sprintf("%d lines in rsyslogd", n), func() bool { return len(r.lines()) >= n })
	return r.lines()
}

func (r *rsyslogd) options(kind string) Options {
	switch kind {
	case "udp":
		return Options{Network: "udp", Address: "127.0.0.1:" + r.ports["udp"]}
	case "tcp", "ptcp":
		return Options{Network: "tcp", Address: "127.0.0.1:" + r.ports[kind]}
	case "ptcp-lf":
		return Options{Network: "tcp", Address: "127.0.0.1:" + r.ports["ptcp"], Framing: LineFeed}
	case "stream":
		return Options{Network: "unix", Address: r.folder + "/stream", Format: RFC5424}
	}
	return Options{Network: "unix", Address: r.folder + "/log"}
}

func TestRsyslogUnderstandsEachTransportAndFormat(t *testing.T) {
	r := startRsyslogd(t)
	total := 0
	for _, kind := range []string{"udp", "tcp", "ptcp", "ptcp-lf", "stream", "unix"} {
		for _, format := range []Format{RFC5424, RFC3164} {
			if kind == "unix" && format == RFC5424 {
				continue // imuxsock reads what the C library writes; so RFC 3164 is the default there
			}
			o := r.options(kind)
			o.Format = format
			s := newSender(t, o)
			trace := Message{Time: time.Now(), Severity: Error, Origin: origin, Params: []Param{{"request_id", `r"1]`}}, Text: []byte("Traceback: grüße\n  File \"x\"\x00\nValueError: 5"), Lines: 3}
			sendAll(t, s, []Message{trace})
			total++
			got := r.wait(t, total)[total-1]
			want := `|Traceback: grüße#012  File "x"#000#012ValueError: 5`
			if !strings.Contains(got, "|user.err|guestbook|web.1|") || !strings.HasSuffix(strings.NewReplacer("| Trace", "|Trace", "|\ufeff", "|").Replace(got), want) {
				t.Errorf("%s, format %d: %q", kind, format, got)
			}
			if data := `|stdout|[roadworthy@32473 generation="1" request_id="r\"1\]"]|`; format == RFC5424 && !strings.Contains(got, data) {
				t.Errorf("%s: %q lacks %q", kind, got, data)
			}
		}
	}
}

// inOrder checks that numbers rise, and returns them.
func inOrder(t *testing.T, lines []string) []int {
	t.Helper()
	all := numbers(t, lines)
	for i := 1; i < len(all); i++ {
		if all[i] <= all[i-1] {
			t.Fatalf("message %d after %d", all[i], all[i-1])
		}
	}
	return all
}

// queue is a bounded queue before a sender: it drops its oldest and counts them.
type queue struct {
	waiting []Message
	dropped int
	limit   int
}

func (q *queue) offer(messages []Message) {
	q.waiting = append(q.waiting, messages...)
	if over := len(q.waiting) - q.limit; over > 0 {
		q.dropped += over
		q.waiting = q.waiting[over:]
	}
}

func (q *queue) pass(s *Sender, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	n, _ := s.Send(ctx, q.waiting)
	q.waiting = q.waiting[n:]
}

func TestAStoppedRsyslogdCostsExactlyWhatIsCounted(t *testing.T) {
	r := startRsyslogd(t)
	for _, kind := range []string{"tcp", "ptcp", "unix"} {
		_ = os.Truncate(r.folder+"/out", 0)
		s := newSender(t, r.options(kind))
		q := &queue{limit: 20_000}
		sent := 0
		feed := func(rounds int) {
			for range rounds {
				q.offer(numbered(sent, 1000))
				sent += 1000
				q.pass(s, 20*time.Millisecond)
			}
		}
		feed(5)
		_ = r.cmd.Process.Signal(syscall.SIGSTOP)
		feed(100)
		_ = r.cmd.Process.Signal(syscall.SIGCONT)
		feed(5)
		for len(q.waiting) > 0 {
			q.pass(s, time.Second)
		}
		got := inOrder(t, r.wait(t, sent-q.dropped))
		stats := s.Stats()
		if len(got) != sent-q.dropped || int(stats.Messages) != len(got) || q.dropped == 0 || stats.Connects != 1 || stats.LostLines != 0 {
			t.Errorf("%s: %d of %d arrived, %d were dropped, %+v", kind, len(got), sent, q.dropped, stats)
		}
		t.Logf("%s: %d of %d arrived, %d were dropped and counted", kind, len(got), sent, q.dropped)
		_ = s.Close()
	}
}

func TestARestartedRsyslogdGetsAllInOrder(t *testing.T) {
	r := startRsyslogd(t)
	for _, kind := range []string{"tcp", "ptcp", "unix"} {
		for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			_ = os.Truncate(r.folder+"/out", 0)
			s := newSender(t, r.options(kind))
			sendAll(t, s, numbered(0, 5000))
			r.wait(t, 5000) // what a killed daemon has not read, nobody can count
			r.end(signal)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			n, err := s.Send(ctx, numbered(5000, 5000))
			cancel()
			if err == nil {
				t.Errorf("%s, %v: %d messages were handed to nobody", kind, signal, n)
			}
			r.start(t)
			sendAll(t, s, numbered(5000+n, 5000-n))
			got := inOrder(t, r.wait(t, 10_000))
			if stats := s.Stats(); len(got) != 10_000 || stats.Messages != 10_000 || stats.Connects < 2 {
				t.Errorf("%s, %v: %d arrived, %+v", kind, signal, len(got), stats)
			}
			_ = s.Close()
		}
	}
}
