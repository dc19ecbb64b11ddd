package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Health checks backing services in the background and tells the last results,
// so that asking is fast even where a service hangs.
type Health struct {
	checks map[string]func(context.Context) error // by service
	log    *slog.Logger

	mu      sync.Mutex
	results map[string]string // by service: "ok" or "fail"
}

// NewHealth checks each service once. Each check must limit its own time.
func NewHealth(ctx context.Context, checks map[string]func(context.Context) error, log *slog.Logger) *Health {
	h := &Health{checks: checks, log: log, results: map[string]string{}}
	h.check(ctx)
	return h
}

// Run checks every service a second after the last time, until the context ends.
func (h *Health) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
			h.check(ctx)
		}
	}
}

func (h *Health) check(ctx context.Context) {
	for name, check := range h.checks {
		err := check(ctx)
		result := "ok"
		if err != nil {
			result = "fail"
		}
		h.mu.Lock()
		before := h.results[name]
		h.results[name] = result
		h.mu.Unlock()
		if (err != nil) != (before == "fail") && ctx.Err() == nil {
			h.log.Warn("service changed", "service", name, "now", result, "error", err)
		}
	}
}

// ServeHTTP answers 200 where all is well, else 503.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	results := maps.Clone(h.results)
	h.mu.Unlock()
	status, code := "ok", http.StatusOK
	for _, result := range results {
		if result != "ok" {
			status, code = "fail", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "checks": results})
}
