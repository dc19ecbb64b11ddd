package logs

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Handler is a [slog.Handler] that publishes the runtime's own records, as
// logfmt text.
type Handler struct {
	inner slog.Handler // writes to line
	line  *line
}

// line is what handlers that stem from one share.
type line struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	source *Source
	to     Publisher
}

// NewHandler returns a handler. Below the level it publishes nothing; pass a
// [slog.LevelVar] to change that later.
func NewHandler(to Publisher, source Source, level slog.Leveler) *Handler {
	l := &line{source: &source, to: to}
	return &Handler{inner: slog.NewTextHandler(&l.buf, &slog.HandlerOptions{Level: level}), line: l}
}

// Enabled reports whether records of a level are published.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle publishes one record.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	h.line.buf.Reset()
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	text := bytes.TrimSuffix(h.line.buf.Bytes(), newline)
	h.line.to.Publish([]Record{{
		Time: at.UTC().Truncate(time.Microsecond), Source: h.line.source, Text: text, Level: r.Level, Found: true, Lines: 1,
		RequestID: findRequestID(text),
	}})
	return nil
}

// WithAttrs returns a handler that adds attributes.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{inner: h.inner.WithAttrs(attrs), line: h.line}
}

// WithGroup returns a handler that puts attributes in a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{inner: h.inner.WithGroup(name), line: h.line}
}
