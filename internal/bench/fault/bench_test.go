package fault

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// target is a service that the benchmarks reach directly or through a proxy.
func target(b *testing.B, network string, through bool, handle func(net.Conn)) net.Conn {
	b.Helper()
	listen, addr := listener(b, network)
	l, err := listen()
	if err != nil {
		b.Fatal(err)
	}
	serve(b, l, handle)
	if through {
		front, frontAddr := listener(b, network)
		service := addr
		p, err := New(Config{Listen: front, Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, service.Network(), service.String())
		}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close() })
		addr = frontAddr
	}
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

func variants(b *testing.B, f func(b *testing.B, network string, through bool)) {
	for _, network := range []string{"tcp", "unix"} {
		b.Run(network+"/direct", func(b *testing.B) { f(b, network, false) })
		b.Run(network+"/proxied", func(b *testing.B) { f(b, network, true) })
	}
}

// BenchmarkLatency is one round trip of 64 bytes on an open connection; the
// difference of direct and proxied is what the proxy adds.
func BenchmarkLatency(b *testing.B) {
	variants(b, func(b *testing.B, network string, through bool) {
		c := target(b, network, through, echo)
		message, reply := make([]byte, 64), make([]byte, 64)
		var times []time.Duration
		for b.Loop() {
			start := time.Now()
			if _, err := c.Write(message); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(c, reply); err != nil {
				b.Fatal(err)
			}
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "p50-µs")
		b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1e3, "p99-µs")
	})
}

// BenchmarkThroughput sends a stream one way; it counts when it has arrived.
func BenchmarkThroughput(b *testing.B) {
	const chunk = 1 << 20
	variants(b, func(b *testing.B, network string, through bool) {
		arrived := make(chan int64, 1)
		c := target(b, network, through, func(c net.Conn) {
			var n int64
			buf := make([]byte, 256<<10)
			for {
				k, err := c.Read(buf)
				n += int64(k)
				if err != nil {
					break
				}
			}
			arrived <- n
		})
		data := make([]byte, chunk)
		b.SetBytes(chunk)
		var sent int64
		for b.Loop() {
			n, err := c.Write(data)
			if err != nil {
				b.Fatal(err)
			}
			sent += int64(n)
		}
		c.Close()
		if got := <-arrived; got != sent {
			b.Fatalf("%d bytes arrived of %d", got, sent)
		}
	})
}

// BenchmarkSet is a switch to Hang and back with 100 pooled connections, which
// are made anew each time.
func BenchmarkSet(b *testing.B) {
	r := newRig(b, "tcp", echo)
	for b.Loop() {
		b.StopTimer()
		conns := make([]net.Conn, 100)
		for i := range conns {
			c, err := net.Dial("tcp", r.addr.String())
			if err != nil {
				b.Fatal(err)
			}
			conns[i] = c
			mustEcho(b, c, "hello")
		}
		b.StartTimer()
		r.set(Hang)
		r.set(Pass)
		b.StopTimer()
		for _, c := range conns {
			c.Close()
		}
		b.StartTimer()
	}
}
