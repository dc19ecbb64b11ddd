package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// Syslog sends records from a bounded queue on a goroutine of its own. Who
// sends never waits; what does not fit into the queue is counted.
type Syslog struct {
	network, address string
	facility         int
	host             string
	stderr           io.Writer // where losses are told
	queue            chan []byte
	lost             atomic.Int64
	stopping, done   chan struct{}
	conn             net.Conn // nil: not connected
}

// NewSyslog connects when the first record is sent: udp://host:port,
// tcp://host:port or unix:///path.
func NewSyslog(address *url.URL, facility int, stderr io.Writer) *Syslog {
	s := &Syslog{network: address.Scheme, address: address.Host, facility: facility, host: "-", stderr: stderr,
		queue: make(chan []byte, 1000), stopping: make(chan struct{}), done: make(chan struct{})}
	if s.network == "unix" {
		s.network, s.address = "unixgram", address.Path
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		s.host = host
	}
	go s.run()
	return s
}

// Send queues a record.
func (s *Syslog) Send(level slog.Level, when time.Time, message []byte) {
	select {
	case s.queue <- s.frame(level, when, message):
	default:
		s.lost.Add(1)
	}
}

// frame is a record as RFC 5424 has it.
func (s *Syslog) frame(level slog.Level, when time.Time, message []byte) []byte {
	return fmt.Appendf(nil, "<%d>1 %s %s guestbook %d - - %s", s.facility*8+severity(level),
		when.UTC().Format("2006-01-02T15:04:05.000000Z"), s.host, os.Getpid(), message[:min(len(message), 8000)])
}

// severity is a level in the numbers of RFC 5424, section 6.2.1.
func severity(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}

func (s *Syslog) run() {
	defer close(s.done)
	for {
		select {
		case record := <-s.queue:
			s.deliver(record)
		case <-s.stopping:
			for len(s.queue) > 0 {
				s.deliver(<-s.queue)
			}
			s.tellLosses()
			return
		}
	}
}

// deliver tries until the collector takes the record, or until Stop.
func (s *Syslog) deliver(record []byte) {
	for !s.write(record) {
		select {
		case <-s.stopping:
			s.lost.Add(1)
			return
		case <-time.After(250 * time.Millisecond):
		}
	}
	s.tellLosses()
}

func (s *Syslog) tellLosses() {
	if n := s.lost.Swap(0); n > 0 {
		message := fmt.Sprintf(`{"level":"WARNING","msg":"syslog records lost","count":%d}`, n)
		fmt.Fprintln(s.stderr, message)
		s.write(s.frame(slog.LevelWarn, time.Now(), []byte(message)))
	}
}

// write sends a record, over TCP with its length in front (RFC 6587).
func (s *Syslog) write(record []byte) bool {
	if s.conn == nil {
		conn, err := net.DialTimeout(s.network, s.address, time.Second)
		if err != nil {
			return false
		}
		s.conn = conn
		if s.network == "tcp" {
			go func() { // a collector says nothing: an end of its stream means that it is gone
				io.Copy(io.Discard, conn)
				conn.Close()
			}()
		}
	}
	if s.network == "tcp" {
		record = append(fmt.Appendf(nil, "%d ", len(record)), record...)
	}
	s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := s.conn.Write(record); err != nil {
		s.conn.Close()
		s.conn = nil
		return false
	}
	return true
}

// Stop sends what is queued, or counts it as lost where nobody takes it.
func (s *Syslog) Stop() {
	close(s.stopping)
	<-s.done
	if s.conn != nil {
		s.conn.Close()
	}
}
