package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
)

// missed says what a hunt tells that it did not search.
func missed(h *Hunt) string {
	_, searched := h.Leaks()
	return strings.Join(searched.Missed, "; ")
}

func TestAHuntTellsTheFramesThatItMissed(t *testing.T) {
	sink := syslogsink.New(syslogsink.Options{})
	var address string
	err := sink.AddStream(syslogsink.TCP, func() (net.Listener, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			address = l.Addr().String()
		}
		return l, err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(conn)
	fmt.Fprintf(out, "<14>%s\n", strings.Repeat("long ", 20_000))
	for range 100_004 { // the sink keeps 100,000
		fmt.Fprint(out, "<14>x\n")
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	sink.Wait(ctx, func([]syslogsink.Frame) bool { return sink.Unrecorded() == 5 })
	h := (&Boot{Syslog: sink}).Hunt(Canary{"KEY", canary})
	h.syslog()
	if got := missed(h); !strings.Contains(got, "a frame of syslog of more than 64 KiB") || !strings.Contains(got, "5 frames of syslog that were too many") {
		t.Errorf("it tells %q", got)
	}
}

func TestAHuntTellsTheMailsThatItMissed(t *testing.T) {
	sink, err := mailsink.New(mailsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink.Serve(l)
	client, err := smtp.Dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 10_002 { // the sink keeps 10,000
		if err := client.SendMail("a@example.test", []string{"b@example.test"}, strings.NewReader("Subject: x\r\n\r\nx\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	h := (&Boot{}).Hunt(Canary{"KEY", canary})
	h.mails(sink)
	if got := missed(h); got != "2 mails that were too many to keep" {
		t.Errorf("it tells %q", got)
	}
}

func TestAHuntTellsTheLinesThatItMissed(t *testing.T) {
	p := &Process{Output: newCapture(), Trace: newCapture()}
	long := []byte(strings.Repeat("x", maxLine))
	for range maxCapture/maxLine + 2 {
		p.Output.add("stdout", long)
		p.Trace.add("trace", long)
	}
	h := (&Boot{}).Hunt(Canary{"KEY", canary})
	h.output(p)
	for _, want := range []string{" lines of output that were", " lines of the trace that were"} {
		if got := missed(h); !strings.Contains(got, want) {
			t.Errorf("it tells %q, want %q", got, want)
		}
	}
}
