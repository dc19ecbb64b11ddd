package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

// NewLog writes each record at or above the level as one line of JSON to out,
// and sends the same line to syslog, where there is one.
func NewLog(out io.Writer, level slog.Level, syslog *Syslog) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: nameLevel}
	handlers := []slog.Handler{slog.NewJSONHandler(out, options)}
	if syslog != nil {
		line := &bytes.Buffer{}
		handlers = append(handlers, &syslogHandler{slog.NewJSONHandler(line, options), line, &sync.Mutex{}, syslog})
	}
	return slog.New(slog.NewMultiHandler(handlers...))
}

// nameLevel calls the levels as the setting LOG_LEVEL does.
func nameLevel(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.LevelKey && a.Value.Any() == slog.LevelWarn {
		a.Value = slog.StringValue("WARNING")
	}
	return a
}

// syslogHandler lets another handler write a line and sends it.
type syslogHandler struct {
	slog.Handler
	line   *bytes.Buffer
	mu     *sync.Mutex // guards line
	syslog *Syslog
}

// Handle never waits for the collector.
func (h *syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.line.Reset()
	err := h.Handler.Handle(ctx, r)
	h.syslog.Send(r.Level, r.Time, bytes.TrimSpace(h.line.Bytes()))
	return err
}

// WithAttrs is part of slog.Handler.
func (h *syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &syslogHandler{h.Handler.WithAttrs(attrs), h.line, h.mu, h.syslog}
}

// WithGroup is part of slog.Handler.
func (h *syslogHandler) WithGroup(name string) slog.Handler {
	return &syslogHandler{h.Handler.WithGroup(name), h.line, h.mu, h.syslog}
}
