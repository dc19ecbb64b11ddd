package front

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the histogram's buckets, in seconds.
var bounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// metrics counts what the front does. The counters are written in the path of
// each request, so they are plain atomics.
type metrics struct {
	classes   [6]atomic.Uint64 // replies by status class, our own included
	buckets   [len(bounds) + 1]atomic.Uint64
	nanos     atomic.Uint64
	inflight  atomic.Int64
	retries   atomic.Uint64
	codes     []atomic.Uint64 // in the order of Codes
	bytesIn   atomic.Uint64
	bytesOut  atomic.Uint64
	accepted  atomic.Uint64
	tunnels   atomic.Int64
	tunnelled atomic.Uint64
}

func newMetrics() *metrics { return &metrics{codes: make([]atomic.Uint64, len(Codes))} }

func (m *metrics) observe(x *exchange, elapsed time.Duration) {
	class := 0
	if x.status >= 100 && x.status < 600 {
		class = x.status / 100
	}
	m.classes[class].Add(1)
	seconds, i := elapsed.Seconds(), 0
	for i < len(bounds) && seconds > bounds[i] {
		i++
	}
	m.buckets[i].Add(1)
	m.nanos.Add(uint64(max(0, elapsed)))
	if x.bytesIn > 0 {
		m.bytesIn.Add(uint64(x.bytesIn))
	}
	if x.bytesOut > 0 {
		m.bytesOut.Add(uint64(x.bytesOut))
	}
	if x.code != "" {
		m.codes[x.code.index()].Add(1)
	}
}

// exposition writes the Prometheus text format, version 0.0.4.
type exposition struct{ w *bufio.Writer }

func (e exposition) head(name, kind, help string) {
	fmt.Fprintf(e.w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (e exposition) value(name, labels string, value any) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(e.w, "%s%s %v\n", name, labels, value)
}

func (e exposition) single(name, kind, help string, value any) {
	e.head(name, kind, help)
	e.value(name, "", value)
}

// label quotes a label's value.
func label(name, value string) string { return name + "=" + strconv.Quote(value) }

// WriteMetrics writes all metrics in the Prometheus text format.
func (f *Front) WriteMetrics(w io.Writer) error {
	e, m := exposition{bufio.NewWriter(w)}, f.metrics
	f.writeWorkers(e)
	e.head("roadworthy_front_replies_total", "counter", "Replies by status class, those of the front included; 0 means none was sent.")
	for class := range m.classes {
		e.value("roadworthy_front_replies_total", label("class", className(class)), m.classes[class].Load())
	}
	f.writeDurations(e)
	e.single("roadworthy_front_in_flight", "gauge", "Requests under way, waiting ones included.", m.inflight.Load())
	e.single("roadworthy_front_queue", "gauge", "Requests that wait for a worker.", f.pool.Waiting())
	e.single("roadworthy_front_retries_total", "counter", "Attempts beyond the first.", m.retries.Load())
	e.head("roadworthy_front_errors_total", "counter", "Failures by code.")
	for i := range Codes {
		e.value("roadworthy_front_errors_total", label("code", string(Codes[i].Code)), m.codes[i].Load())
	}
	e.single("roadworthy_front_received_bytes_total", "counter", "Bytes of request bodies.", m.bytesIn.Load())
	e.single("roadworthy_front_sent_bytes_total", "counter", "Bytes of reply bodies.", m.bytesOut.Load())
	e.single("roadworthy_front_connections", "gauge", "Open connections of clients.", len(f.places))
	e.single("roadworthy_front_connections_total", "counter", "Accepted connections.", m.accepted.Load())
	e.single("roadworthy_front_tunnels", "gauge", "Open websockets.", m.tunnels.Load())
	e.single("roadworthy_front_tunnel_bytes_total", "counter", "Bytes through websockets, both ways.", m.tunnelled.Load())
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("write the metrics: %w", err)
	}
	if f.options.Extra != nil {
		f.options.Extra(w)
	}
	return nil
}

func className(class int) string {
	if class == 0 {
		return "0"
	}
	return strconv.Itoa(class) + "xx"
}

// writeWorkers writes one row for each worker and status class. What removed
// workers served stays in the sum, as worker "gone".
func (f *Front) writeWorkers(e exposition) {
	states := f.pool.Snapshot()
	e.head("roadworthy_front_requests_total", "counter", "Requests by worker and status class.")
	row := func(worker string, requests [6]uint64) {
		for class, n := range requests {
			e.value("roadworthy_front_requests_total", label("worker", worker)+","+label("class", className(class)), n)
		}
	}
	for _, s := range states {
		row(s.ID, s.Requests)
	}
	row("gone", f.pool.Gone())
	e.head("roadworthy_front_worker_in_flight", "gauge", "Requests that a worker serves.")
	for _, s := range states {
		e.value("roadworthy_front_worker_in_flight", label("worker", s.ID), s.InFlight)
	}
	e.head("roadworthy_front_worker_failures_total", "counter", "Exchanges that failed on a worker's side.")
	for _, s := range states {
		e.value("roadworthy_front_worker_failures_total", label("worker", s.ID), s.Failures)
	}
	e.head("roadworthy_front_worker_draining", "gauge", "1 when a worker is out of rotation.")
	for _, s := range states {
		draining := 0
		if s.Draining {
			draining = 1
		}
		e.value("roadworthy_front_worker_draining", label("worker", s.ID), draining)
	}
}

func (f *Front) writeDurations(e exposition) {
	const name = "roadworthy_front_duration_seconds"
	e.head(name, "histogram", "From a request's head to the end of its reply.")
	total := uint64(0)
	for i := range f.metrics.buckets {
		total += f.metrics.buckets[i].Load()
		bound := "+Inf"
		if i < len(bounds) {
			bound = strconv.FormatFloat(bounds[i], 'g', -1, 64)
		}
		e.value(name+"_bucket", label("le", bound), total)
	}
	e.value(name+"_sum", "", time.Duration(f.metrics.nanos.Load()).Seconds())
	e.value(name+"_count", "", total)
}
