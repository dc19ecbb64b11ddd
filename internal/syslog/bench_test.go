package syslog

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func hundred() []Message {
	messages := numbered(0, 500)
	for i := range messages {
		messages[i].Text = fmt.Appendf(nil, "2024-01-02 15:04:05,123 INFO [worker] com.example.Shop - message %d %s", i, strings.Repeat("x", 60))
	}
	return messages
}

// BenchmarkTCP sends to a receiver that throws everything away, in a process of
// its own.
func BenchmarkTCP(b *testing.B) {
	if os.Getenv("SYSLOG_TEST_DISCARD") != "" {
		discard()
		return
	}
	read, write, _ := os.Pipe()
	sink := exec.Command(os.Args[0], "-test.run=xxx", "-test.bench=BenchmarkTCP", "-test.benchtime=1x")
	sink.Env = append(os.Environ(), "SYSLOG_TEST_DISCARD=1")
	sink.ExtraFiles = []*os.File{write}
	if err := sink.Start(); err != nil {
		b.Fatal(err)
	}
	_ = write.Close()
	address := make([]byte, 100)
	n, _ := read.Read(address)
	s := newSender(b, Options{Network: "tcp", Address: string(address[:n])})
	messages := hundred()
	b.ReportAllocs()
	start, before := time.Now(), cpu()
	for sent := 0; sent < b.N; sent += len(messages) {
		sendAll(b, s, messages)
	}
	stats := s.Stats()
	b.ReportMetric(float64(stats.Messages)/time.Since(start).Seconds()/1e6, "Mmsg/s")
	b.ReportMetric((cpu()-before).Seconds()/float64(stats.Messages)*1e6, "cpu-s/Mmsg")
	_ = s.Close()
	_ = sink.Wait()
}

func discard() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, _ = os.NewFile(3, "address").WriteString(l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		panic(err)
	}
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 256<<10))
	os.Exit(0)
}

// BenchmarkRsyslog sends to rsyslogd's imptcp until it has written all.
func BenchmarkRsyslog(b *testing.B) {
	r := startRsyslogd(b)
	s := newSender(b, r.options("ptcp"))
	messages := hundred()
	start, before := time.Now(), cpu()
	for sent := 0; sent < b.N; sent += len(messages) {
		sendAll(b, s, messages)
	}
	own := cpu() - before
	n := int(s.Stats().Messages)
	handed := time.Since(start)
	for len(r.lines()) < n && time.Since(start) < time.Minute {
		time.Sleep(200 * time.Millisecond)
	}
	took := time.Since(start)
	if got := len(r.lines()); got != n {
		b.Errorf("%d of %d messages arrived", got, n)
	}
	r.end(syscall.SIGTERM)
	b.ReportMetric(float64(n)/handed.Seconds()/1e6, "Mmsg/s-handed")
	b.ReportMetric(float64(n)/took.Seconds()/1e6, "Mmsg/s-written")
	b.ReportMetric(own.Seconds()/float64(n)*1e6, "cpu-s/Mmsg")
}

func BenchmarkEncode(b *testing.B) {
	e := newEncoder(options(RFC5424))
	messages := hundred()
	var buf []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf = e.append(buf[:0], &messages[i%len(messages)])
	}
}
