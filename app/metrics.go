package app

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// metrics counts what every application has in common.
type metrics struct {
	flying  atomic.Int64
	panics  atomic.Uint64
	codes   [6]atomic.Uint64 // by hundreds; 0 for connections that were cut or taken over
	took    [13]atomic.Uint64
	seconds atomic.Int64 // nanoseconds of all requests

	mu     sync.Mutex
	gauges []gauge
}

// gauge is a number that the application tells.
type gauge struct {
	name, help string
	read       func() float64
}

// bounds of the histogram of durations, in seconds; one more counter is for
// what takes longer.
func bounds() []float64 {
	return []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}
}

func (m *metrics) begin() { m.flying.Add(1) }

func (m *metrics) end(code int, took time.Duration) {
	m.flying.Add(-1)
	class := code / 100
	if class < 0 || class >= len(m.codes) {
		class = 0
	}
	m.codes[class].Add(1)
	at, _ := slices.BinarySearch(bounds(), took.Seconds())
	m.took[at].Add(1)
	m.seconds.Add(int64(took))
}

// Gauge adds a number to /status/metrics. Name is one of Prometheus, such as
// "guestbook_entries"; read is called at each scrape, on the scraper's time.
func (a *App) Gauge(name, help string, read func() float64) {
	a.metrics.mu.Lock()
	defer a.metrics.mu.Unlock()
	a.metrics.gauges = append(a.metrics.gauges, gauge{name, help, read})
}

// write writes all numbers in the text format of Prometheus, version 0.0.4.
func (m *metrics) write(w io.Writer, a *App) {
	head := func(name, kind, help string) {
		help = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	head("http_requests_total", "counter", "Requests answered, by class of status.")
	for class := range m.codes {
		name := fmt.Sprint(class, "xx")
		if class == 0 {
			name = "none"
		}
		fmt.Fprintf(w, "http_requests_total{code=%q} %d\n", name, m.codes[class].Load())
	}
	m.histogram(w, head)
	for _, g := range append(m.own(a), m.copied()...) {
		head(g.name, "gauge", g.help)
		fmt.Fprintf(w, "%s %v\n", g.name, g.read())
	}
}

func (m *metrics) histogram(w io.Writer, head func(name, kind, help string)) {
	const name = "http_request_duration_seconds"
	head(name, "histogram", "Time from the header of a request to the end of its answer.")
	total := uint64(0)
	for i, bound := range bounds() {
		total += m.took[i].Load()
		fmt.Fprintf(w, "%s_bucket{le=\"%v\"} %d\n", name, bound, total)
	}
	total += m.took[len(m.took)-1].Load()
	fmt.Fprintf(w, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %v\n%s_count %d\n", name, total, name, time.Duration(m.seconds.Load()).Seconds(), name, total)
}

// own lists the numbers of the frame itself.
func (m *metrics) own(a *App) []gauge {
	list := []gauge{
		{"http_requests_in_flight", "Requests that are being answered.", func() float64 { return float64(m.flying.Load()) }},
		{"handler_panics", "Panics of handlers since the start.", func() float64 { return float64(m.panics.Load()) }},
		{"go_goroutines", "Goroutines.", func() float64 { return float64(runtime.NumGoroutine()) }},
		{"process_uptime_seconds", "Time since the start.", func() float64 { return time.Since(a.begun).Seconds() }},
	}
	if a.errors != nil {
		list = append(list, gauge{"error_mail_pending", "Errors that no mail has told yet.", func() float64 { return float64(a.errors.Stats().Pending) }})
	}
	return list
}

func (m *metrics) copied() []gauge {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.gauges)
}
